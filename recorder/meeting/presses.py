"""What presses mean. Pure: times are arguments, in seconds of any clock that never steps.

Buttons are pressed by people in a hurry or under stress, so:

1. Presses of start that follow each other closely are one burst. While recording, a burst of one ends the recording and a
   burst of more is one mark; that can only be told when the time for a second press is over. Everywhere else a burst is one
   press and takes effect with its first, so that pressing twice does not cancel what pressing once began.
2. A press that waited is void once the recording that it meant is over.
3. Holding the refuse button, and letting it go, lifts a no; only if the no had stood for a moment when the button went down.
   Whoever says no with all their might has not taken it back by holding on, and the room may know of that no before the press
   is heard: from the caseworker's press at the same time, or from the key that it erased. What holds it longer than anybody
   does, as a broken wire or a bag on the table, takes nothing back. A short press while a no stands says it again; long
   after the last one it is another no.
4. A button that is down for longer than anybody holds one, or goes up and down faster than anybody can, is broken: its presses
   are not heard until it has been quiet for as long. The refuse button's are always heard: a broken one may cost a
   recording, and a no that is not heard costs more.
"""

import collections
from collections.abc import Collection
from typing import Generic, TypeVar

from recorder.meeting.table import Event

ANOTHER_NO_SECONDS = 300.0
"""So long after a no a press may be another person's, who shall have a receipt, too."""
SAME_NO_SECONDS = 0.3
"""More than a press may be late (`panel.bounce_seconds`): one so soon after a no is that no."""
STUCK_SECONDS = 30.0
CHATTER_PRESSES = 20
"""So many in STUCK_SECONDS are no person's."""


class StartPresses:
    """The start button's. `recording` is whether the room records at that moment."""

    def __init__(self, double_press_seconds: float) -> None:
        self._window = double_press_seconds
        self._last: float | None = None
        self._waiting = False
        """The burst has one press so far, and what it means depends on whether another follows."""

    def press(self, now: float, *, recording: bool) -> Event | None:
        """What this press means at once, if anything. Ask `due` first, with the same time."""
        follows = self._last is not None and now - self._last < self._window
        second, self._waiting = self._waiting and follows, False
        self._last = now
        if second and recording:
            return Event.MARK_PRESSED
        if follows:
            return None
        if recording:
            self._waiting = True
            return None
        return Event.START_PRESSED

    def due(self, now: float, *, recording: bool) -> Event | None:
        """The single press whose time for a second one is over, if there is one."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return None
        self._waiting = False
        return Event.START_PRESSED if recording else None

    @property
    def deadline(self) -> float | None:
        """When `due` will have something to say."""
        return self._last + self._window if self._waiting and self._last is not None else None


class RefusePresses:
    """The refuse button's."""

    def __init__(self, lift_seconds: float) -> None:
        self._lift_seconds = lift_seconds
        self._down_at = 0.0
        self._lifts = self._another = False

    def press(self, at: float, *, refused_since: float | None) -> Event:
        """A press always says no. `refused_since` is when a no that stands was heard."""
        last_no = max(refused_since or 0.0, self._down_at)
        self._another = refused_since is not None and at - last_no > ANOTHER_NO_SECONDS
        self._down_at = at
        self._lifts = refused_since is not None and at - refused_since > SAME_NO_SECONDS
        return Event.REFUSE_PRESSED

    def let_go(self, at: float) -> Event | None:
        """What letting it go means, if anything."""
        lifts, another, self._lifts, self._another = self._lifts, self._another, False, False
        held = at - self._down_at
        if lifts and self._lift_seconds <= held < STUCK_SECONDS:
            return Event.REFUSE_HELD
        return Event.REFUSED_ANEW if another and held < self._lift_seconds else None


Button = TypeVar("Button")


class ButtonWatch(Generic[Button]):
    """Which buttons are broken."""

    def __init__(self) -> None:
        self._down_since: dict[Button, float] = {}
        self._presses: dict[Button, collections.deque[float]] = collections.defaultdict(
            lambda: collections.deque(maxlen=CHATTER_PRESSES)
        )

    def press(self, button: Button, now: float) -> None:
        """It went down."""
        self._presses[button].append(now)

    def look(self, now: float, down: Collection[Button]) -> frozenset[Button]:
        """The broken ones; `down` are those that are down now."""
        self._down_since = {button: self._down_since.get(button, now) for button in down}
        stuck = {button for button, since in self._down_since.items() if now - since >= STUCK_SECONDS}
        chattering = {
            button
            for button, times in self._presses.items()
            if len(times) == CHATTER_PRESSES
            and times[-1] - times[0] < STUCK_SECONDS
            and now - times[-1] < STUCK_SECONDS
        }
        return frozenset(stuck | chattering)
