"""What the people do in a trial: the presses, the speech that sets in when the recording does, and waiting for the archive."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, assert_never

from recorder import config
from recorder.errors import ScriptError, TrialError
from recorder.meeting.presses import SAME_NO_SECONDS
from recorder.trial.room import RoomProcess
from recorder.trial.script import Press, Step, Wait
from recorder.trial.soundstage import Playing, SoundStage

FOLLOW_SECONDS_MAX = 30.0
"""Beyond the notice: for the room to follow a press, a slow microphone included."""
SIGNED_SECONDS_MAX = 60.0
"""Beyond the grace period: for the archive to sign for what is left."""
PATIENCE_SECONDS = 5.0
"""A connection that is missing for so long is told to whoever waits for the archive."""
TURN_SECONDS = 0.05
DEAF_STATES = ("refused", "fault")
"""In which a press of start leads to no recording."""
ASKING_STATES = ("asking", "agreed")
"""In which a press of start is the yes of somebody present."""
UNDECIDED_STATES = ("preparing", "notice", *ASKING_STATES)
"""In which, where everyone is asked, a press of start is such a yes, or may be one when the room hears it."""
RECORDING_STATES = ("recording", "prompt", "interrupted")
REFUSED_STATE = "refused"
"""In which holding the refuse button lifts a no; in any other it says one."""
MARKED_STATE = "recording"
"""In which two quick presses of start are a mark; in any other they are one press, which may begin or end something."""
RESTING_STATES = ("idle", "grace", *DEAF_STATES)
"""In which nothing is captured, and nothing is about to be."""


class Performance:
    """One room, and what is spoken in it: `source` is played from its beginning whenever a recording opens."""

    def __init__(
        self, room: RoomProcess, settings: config.Config, stage: SoundStage | None, source: Path | None
    ) -> None:
        self.room = room
        self.has_end_button = settings.panel.end_button > 0
        self.lift_seconds = settings.meeting.lift_seconds
        self._asks = settings.meeting.ask_everyone
        answers_seconds = settings.meeting.answer_seconds if self._asks else 0.0
        self._follow_seconds_max = answers_seconds + settings.meeting.notice_seconds + FOLLOW_SECONDS_MAX
        self._signed_seconds_max = settings.meeting.grace_seconds + SIGNED_SECONDS_MAX
        self._burst_seconds = settings.panel.double_press_seconds
        self._stage = stage
        self._source = source
        self._opened = 0
        self._playing: Playing | None = None

    def follow(self) -> None:
        """Let the speaker begin if a recording has opened since last time. Call often."""
        opened = len(self.room.happened("opened"))
        if opened > self._opened and self._stage is not None and self._source is not None:
            self.hush()
            self._playing = self._stage.play(self._source)
        self._opened = opened

    def hush(self) -> None:
        """End what is being spoken."""
        if self._playing is not None:
            self._playing.stop()
            self._playing = None

    def act(self, step: Step) -> None:
        """Do one step, and wait until the room has followed, as a person watching the light would."""
        match step:
            case Wait(seconds):
                self._until(time.monotonic() + seconds)
            case Press.START:
                if self.room.state not in ("idle", "grace", "fault"):
                    raise self._misfit(step, "nothing can begin in it")
                self._wait_for("idle room", lambda room: room.state in ("idle", *DEAF_STATES), self._signed_seconds_max)
                opened, states = len(self.room.happened("opened")), len(self.room.happened("state"))
                self.room.press(step)

                def followed(room: RoomProcess) -> bool:
                    asks_or_records = room.state == "asking" or len(room.happened("opened")) > opened
                    gave_up = room.state == "idle" and len(room.happened("state")) > states
                    return asks_or_records or gave_up or room.state in DEAF_STATES

                self._wait_for(
                    "question to everyone" if self._asks else "recording", followed, self._follow_seconds_max
                )
                if self.room.state in ("idle", "fault") and len(self.room.happened("opened")) == opened:
                    self._explain()  # not to go on: the press that was meant as stop would start
                if self._asks:
                    self._let_burst_pass()
                self.follow()
            case Press.YES:
                if self.room.state not in ASKING_STATES:  # anywhere else this press would start or stop
                    raise self._misfit(
                        step,
                        "the room asks nobody in it; yes belongs behind start, and no later than meeting.answer_seconds",
                    )
                pressed = len(self.room.happened("pressed"))
                self.room.press(Press.START)
                self._wait_for("yes", lambda room: len(room.happened("pressed")) > pressed, self._follow_seconds_max)
                self._let_burst_pass()
            case Press.STOP:
                if self._asks:  # it records when nobody has answered for a while
                    self._wait_for(
                        "recording",
                        lambda room: room.state in RECORDING_STATES or _at_rest(room),
                        self._follow_seconds_max,
                    )
                self._stop()
            case Press.END:
                self.room.press(step)
                self._wait_for("end of the recording", _at_rest, self._follow_seconds_max)
            case Press.REFUSE:
                self.room.press(step)
                self._wait_for("refusal", lambda room: room.state == "refused", self._follow_seconds_max)
            case Press.LIFT:
                if self.room.state != REFUSED_STATE:  # anywhere else it would say one
                    raise self._misfit(step, "there is no earlier no to lift")
                self._until(time.monotonic() + 2 * SAME_NO_SECONDS)  # or it would be the same no
                self.room.press(step)
                self._wait_for(
                    "room without a no",
                    lambda room: room.state != REFUSED_STATE,
                    self.lift_seconds + FOLLOW_SECONDS_MAX,
                )
            case Press.MARK:
                if self.room.state != MARKED_STATE:
                    raise self._misfit(step, "only a recording can be marked")
                before = len(self.room.happened("pressed"))
                self.room.press(step)
                self._wait_for(
                    "mark", lambda room: len(room.happened("pressed")) > before + 1, self._follow_seconds_max
                )
                self._let_burst_pass()
            case _:
                assert_never(step)

    def finish(self, say: Callable[[str], None]) -> None:
        """End what still records, and wait until the archive has signed for everything; `say` why that takes long."""
        self._let_burst_pass()
        undecided = UNDECIDED_STATES if self._asks else ("preparing",)
        self._wait_for("end of the answers", lambda room: room.state not in undecided, self._follow_seconds_max)
        self._stop()
        self.hush()
        deadline = time.monotonic() + self._signed_seconds_max
        cut_off = _CutOff()
        self.room.wait_for(
            "signature of the archive or trouble on the way to it",
            lambda room: settled(room) or cut_off.for_long(room),
            self._signed_seconds_max,
        )
        if not settled(self.room):
            left = max(0.0, deadline - time.monotonic())
            say(
                f"No connection to the archive{cut_off.trouble(self.room)}. Waiting for it for {left:.0f} s more; after that, "
                "or with Control-C, what it has not signed for stays in the room's spool."
            )
            self.room.wait_for("signature of the archive", settled, left)

    def _stop(self) -> None:
        if self.room.state == "prompt":  # the room asks whether anybody is there: the first press answers
            self.room.press(Press.STOP)
            self._wait_for("recording", lambda room: room.state == "recording", self._follow_seconds_max)
            self._let_burst_pass()
        if not _at_rest(self.room):  # else this press would start
            self.room.press(Press.STOP)
        self._wait_for("end of the recording", _at_rest, self._follow_seconds_max)

    def _misfit(self, step: Press, why: str) -> ScriptError:
        return ScriptError(f"script: '{step}' in the state '{self.room.state}': {why}")

    def _explain(self) -> NoReturn:
        """Say why no recording began."""

        def fault(room: RoomProcess) -> str:
            return room.report.status.fault if room.report is not None else ""

        self._wait_for("reason why no recording began", lambda room: bool(fault(room)), FOLLOW_SECONDS_MAX)
        raise TrialError(f"no recording began: {fault(self.room)}")

    def _wait_for(self, what: str, seen: Callable[[RoomProcess], bool], seconds_max: float) -> None:
        def followed(room: RoomProcess) -> bool:
            self.follow()
            return seen(room)

        self.room.wait_for(what, followed, seconds_max)

    def _let_burst_pass(self) -> None:
        """Or the next press would belong to this one."""
        self._until(time.monotonic() + self._burst_seconds)

    def _until(self, deadline: float) -> None:
        while (left := deadline - time.monotonic()) > 0:
            self.follow()
            if self.room.process.poll() is not None:
                raise TrialError(self.room.how_it_ended())
            time.sleep(min(TURN_SECONDS, left))


class _CutOff:
    """Whether a room has been without the broker for so long that it should be told."""

    def __init__(self) -> None:
        self._since: float | None = None

    def for_long(self, room: RoomProcess) -> bool:
        """Ask often."""
        if room.report is None or room.report.connected:
            self._since = None
        elif self._since is None:
            self._since = time.monotonic()
        return self._since is not None and time.monotonic() - self._since > PATIENCE_SECONDS

    @staticmethod
    def trouble(room: RoomProcess) -> str:
        """What the room says of it."""
        return f": {room.report.alarm}" if room.report is not None and room.report.alarm else ""


def settled(room: RoomProcess) -> bool:
    """Whether the archive has signed for all that was begun: kept, or purged."""
    begun = {happening.recording for happening in room.happened("begun")}
    signed = {happening.recording for name in ("signed", "purged") for happening in room.happened(name)}
    return begun <= signed


def _at_rest(room: RoomProcess) -> bool:
    return room.state in RESTING_STATES
