"""What the people do in a trial: the presses, the speech that sets in when the recording does, and waiting for the archive."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, assert_never

from recorder import config
from recorder.errors import TrialError
from recorder.trial.room import RoomProcess
from recorder.trial.script import Press, Step, Wait
from recorder.trial.soundstage import Playing, SoundStage

FOLLOW_SECONDS_MAX = 30.0
"""Beyond the notice: for the room to follow a press, a slow microphone included."""
SIGNED_SECONDS_MAX = 60.0
"""Beyond the grace period: for the archive to sign for what is left."""
TURN_SECONDS = 0.05
DEAF_STATES = ("refused", "fault")
"""In which a press of start leads to no recording."""


class Performance:
    """One room, and what is spoken in it: `source` is played from its beginning whenever a recording opens."""

    def __init__(
        self, room: RoomProcess, settings: config.Config, stage: SoundStage | None, source: Path | None
    ) -> None:
        self.room = room
        self._follow_seconds_max = settings.meeting.notice_seconds + FOLLOW_SECONDS_MAX
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
        """Do one step. After `start` and `stop` it waits until the room has followed, as a person watching the light would."""
        match step:
            case Wait(seconds):
                self._until(time.monotonic() + seconds)
            case Press.START:
                self._wait_for(
                    "idle room", lambda room: _state(room) in ("idle", *DEAF_STATES), self._signed_seconds_max
                )
                opened, states = len(self.room.happened("opened")), len(self.room.happened("state"))
                self.room.press(step)
                self._wait_for(
                    "recording",
                    lambda room: (
                        len(room.happened("opened")) > opened
                        or _state(room) in DEAF_STATES
                        or (_state(room) == "idle" and len(room.happened("state")) > states)
                    ),
                    self._follow_seconds_max,
                )
                if _state(self.room) == "idle" and len(self.room.happened("opened")) == opened:
                    self._explain()  # not to go on: the press that was meant as stop would start
                self.follow()
            case Press.STOP:
                if _state(self.room) == "prompt":  # the room asks whether anybody is there: the first press answers
                    self.room.press(step)
                    self._wait_for("recording", lambda room: _state(room) == "recording", self._follow_seconds_max)
                    self._until(time.monotonic() + self._burst_seconds)
                self.room.press(step)
                self._wait_for("end of the recording", _at_rest, self._follow_seconds_max)
            case Press.REFUSE:
                self.room.press(step)
                self._wait_for("refusal", lambda room: _state(room) == "refused", self._follow_seconds_max)
            case Press.MARK:
                before = len(self.room.happened("pressed"))
                self.room.press(step)
                self._wait_for(
                    "mark", lambda room: len(room.happened("pressed")) > before + 1, self._follow_seconds_max
                )
                self._until(time.monotonic() + self._burst_seconds)  # or the next press would belong to the mark
            case _:
                assert_never(step)

    def finish(self) -> None:
        """End what still records, and wait until the archive has signed for everything."""
        if not _at_rest(self.room):
            self.act(Press.STOP)
        self.hush()
        self._wait_for("signature of the archive", settled, self._signed_seconds_max)

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

    def _until(self, deadline: float) -> None:
        while (left := deadline - time.monotonic()) > 0:
            self.follow()
            if self.room.process.poll() is not None:
                raise TrialError(self.room.how_it_ended())
            time.sleep(min(TURN_SECONDS, left))


def settled(room: RoomProcess) -> bool:
    """Whether the archive has signed for all that was begun: kept, or purged."""
    begun = {happening.recording for happening in room.happened("begun")}
    signed = {happening.recording for name in ("signed", "purged") for happening in room.happened(name)}
    return begun <= signed


def _state(room: RoomProcess) -> str:
    """By its happenings, not by its report, which may be older than the last press."""
    states = room.happened("state")
    return states[-1].detail if states else ""


def _at_rest(room: RoomProcess) -> bool:
    """Nothing is captured, and nothing is about to be."""
    return _state(room) in ("idle", "grace", "refused", "fault")
