"""What can be wrong with a room: whether a recording goes on all the same, what it blinks, and what it says to people.

Each fault has a number of its own, and the attention light blinks it: so many times, then a pause. It can be counted by
whoever sees no colour, reads no screen, or is on the telephone with IT. The order is that of nearness to the recording: of
several faults the first is shown.
"""

from collections.abc import Collection
from enum import Enum
from typing import Literal, NamedTuple

Language = Literal["nl", "en"]


class _Row(NamedTuple):
    blinks: int
    grave: bool
    nl: str
    en: str


class Fault(Enum):
    """A `grave` fault ends a recording, which is kept, and lets none begin. With any other the room does what it can."""

    LIGHT = _Row(
        1,
        True,
        "Het lampje is niet te vertrouwen. Er wordt niets opgenomen. Bel de beheerder.",
        "The light cannot be trusted. Nothing is recorded. Call IT.",
    )
    MICROPHONE_GONE = _Row(
        2,
        False,
        "De microfoon is weg. Controleer de stekker.",
        "The microphone is gone. Check its plug.",
    )
    MICROPHONE_SILENT = _Row(
        3,
        False,
        "De microfoon hoort niets. Staat hij uit?",
        "The microphone hears nothing. Is it muted?",
    )
    MICROPHONE_LOUD = _Row(
        4,
        False,
        "Het geluid is te hard. Zet de microfoon verder weg.",
        "Too loud for the microphone. Move it further away.",
    )
    MICROPHONE_PART = _Row(
        5,
        False,
        "Een deel van de microfoon hoort niets. Vertel het de beheerder.",
        "A part of the microphone hears nothing. Tell IT.",
    )
    CARD_FULL = _Row(
        6,
        True,
        "Het geheugen is vol. Herstel de verbinding met het archief, of bel de beheerder.",
        "The card is full. Restore the connection to the archive, or call IT.",
    )
    RECORDER = _Row(
        7,
        True,
        "Deze recorder is stuk en kan niet opnemen. Bel de beheerder.",
        "This recorder is broken and cannot record. Call IT.",
    )
    DAMAGE = _Row(
        8,
        False,
        "Er is iets in het geheugen beschadigd. Vertel het de beheerder.",
        "Something in the memory is damaged. Tell IT.",
    )
    CLOCK = _Row(
        9,
        False,
        "De klok staat niet goed. Wacht op het netwerk, of bel de beheerder.",
        "The clock is not set. Wait for the network, or call IT.",
    )
    BUTTON = _Row(
        10,
        False,
        "Een knop zit vast. Bel de beheerder.",
        "A button is stuck. Call IT.",
    )
    LOST = _Row(
        11,
        False,
        "De vorige opname is verloren. Niemand kan haar nog horen. Vertel het de cliënt.",
        "The previous recording is lost. Nobody can hear it any more. Tell the client.",
    )
    CUT_OFF = _Row(
        12,
        False,
        "De recorder is onverwacht gestopt. Een opname die liep, is afgebroken.",
        "The recorder stopped unexpectedly. A recording that ran was cut off.",
    )
    """The guard shows it too, which knows of no recording: so it promises nothing of one."""
    SPEAKER = _Row(
        13,
        False,
        "De luidspreker doet het niet. Vertel zelf dat er wordt opgenomen.",
        "The speaker is not heard. Say yourself that this is recorded.",
    )

    @property
    def blinks(self) -> int:
        return self.value.blinks

    @property
    def grave(self) -> bool:
        return self.value.grave

    def words(self, language: Language) -> str:
        """What to say to the people in the room."""
        return self.value.nl if language == "nl" else self.value.en


def nearest(faults: Collection[Fault]) -> Fault | None:
    """The one to show: the nearest to the recording."""
    return next(fault for fault in Fault if fault in faults) if faults else None
