"""What the room says of its state to the people in it, in Dutch and English: short sentences, no jargon (N5)."""

from recorder.meeting.fault import Language
from recorder.meeting.table import State
from recorder.meeting.tone import ANNOUNCE, END, QUESTION, REFUSED, START, TROUBLE, Tone

_WORDS: dict[State, tuple[str, str]] = {
    State.IDLE: (
        "Er wordt niet opgenomen.",
        "Nothing is recorded.",
    ),
    State.PREPARING: (
        "De opname wordt klaargezet. Er wordt nog niets opgenomen.",
        "A recording is being prepared. Nothing is recorded yet.",
    ),
    State.NOTICE: (
        "Er wordt een opname aangekondigd. Zegt u nu nee, dan wordt er niets opgenomen.",
        "A recording is announced. Say no now and nothing is recorded.",
    ),
    State.ASKING: (
        "Vindt iedereen het goed? Druk dan op start. Eén keer nee is nee.",
        "Does everybody agree? Then press start. One no is a no.",
    ),
    State.AGREED: (
        "Wie vindt het nog meer goed? Druk op start. Eén keer nee is nee.",
        "Who else agrees? Press start. One no is a no.",
    ),
    State.LIGHTING: (
        "Het lampje wordt getest.",
        "The light is being checked.",
    ),
    State.OPENING: (
        "De microfoon gaat aan. Vanaf nu kan er worden opgenomen.",
        "The microphone is opening. From now on it may be recorded.",
    ),
    State.RECORDING: (
        "Dit gesprek wordt opgenomen.",
        "This conversation is being recorded.",
    ),
    State.PROMPT: (
        "Er wordt opgenomen. Is er nog iemand? Druk op start, anders stopt het.",
        "Recording. Is anybody there? Press start, or it ends.",
    ),
    State.INTERRUPTED: (
        "De microfoon is weg. Is hij terug, dan gaat de opname verder.",
        "The microphone is gone. Recording goes on as soon as it is back.",
    ),
    State.ENDING: (
        "De opname stopt.",
        "The recording is ending.",
    ),
    State.GRACE: (
        "De opname is gestopt. U kunt nu nog nee zeggen. Dan wordt alles gewist.",
        "The recording has ended. You can still say no. Then all of it is erased.",
    ),
    State.REFUSED: (
        "U heeft nee gezegd. Er wordt niets opgenomen.",
        "You have said no. Nothing is recorded.",
    ),
    State.FAULT: (
        "Er is een storing. Er wordt niet opgenomen.",
        "There is a fault. Nothing is recorded.",
    ),
}
_ERASED = (
    "U heeft nee gezegd. Alles is gewist. Er kan niets worden opgenomen.",
    "You have said no. Everything is erased. Nothing can be recorded.",
)
"""In the state refused, of a no to a recording. One that comes before any, or after the grace period, erases nothing."""

_HEARD: dict[str, tuple[str, str]] = {
    ANNOUNCE.name: (
        "Twee gelijke tonen: er wordt een opname aangekondigd.",
        "Two like tones: a recording is announced.",
    ),
    START.name: ("Drie tonen omhoog: de opname is begonnen.", "Three tones up: recording has begun."),
    END.name: ("Drie tonen omlaag: de opname is gestopt.", "Three tones down: recording has ended."),
    REFUSED.name: (
        "Twee lage tonen omlaag: het is gestopt. Er wordt niets opgenomen.",
        "Two low tones down: it has stopped. Nothing is recorded.",
    ),
    QUESTION.name: (
        "Drie korte hoge tonen: er wordt u iets gevraagd.",
        "Three short high tones: you are asked something.",
    ),
    TROUBLE.name: ("Vier lage tonen: er is iets mis.", "Four low tones: something is wrong."),
}


def heard(tone: Tone, language: Language) -> str:
    """What a tone sounds like, and what it means."""
    dutch, english = _HEARD[tone.name]
    return dutch if language == "nl" else english


def words(state: State, language: Language, *, erased: bool = False) -> str:
    """What to say to the people in the room; `erased` says that the no that stands erased a recording."""
    dutch, english = _ERASED if erased and state is State.REFUSED else _WORDS[state]
    return dutch if language == "nl" else english
