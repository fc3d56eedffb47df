"""The daemon of one room: one thread, one selector, one table.

Each turn of the loop, in the order that docs/ARCHITECTURE.md numbers: the light's current, presses, the tap, the road, timers,
the light, those who watch. What follows from an event is for `meeting/table.py` to say; this shell does what the actions say.
Two things do not wait for their turn. A refusal: the thread in which the press arrives shuts the tap and erases the hold
key, and only then tells the loop. And a light that goes dark: the same thread shuts the tap.
"""

import collections
import contextlib
import logging
import os
import selectors
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from recorder import __version__, config, keyfiles
from recorder.audio import Moment
from recorder.confine import forbid_dumps
from recorder.device import clock, entropy, mock, selftest
from recorder.device.chain import Chain
from recorder.device.custody import Custody, Ended
from recorder.device.hold import open_hold
from recorder.device.lock import alone
from recorder.device.panel import Panel, Pressed
from recorder.device.pipe import Flaw, Frame, Kind, Setup, Telemetry
from recorder.device.pipe import State as CaptureState
from recorder.device.receipts import Receipts
from recorder.device.speaker import Speaker
from recorder.device.spool import Spool
from recorder.device.standing import End, EndedNo, StandingLoss, StandingNo
from recorder.device.supervisor import START_SECONDS_MAX, Guard, ServiceManager
from recorder.device.tap import Tap
from recorder.device.terms import terms
from recorder.device.uplink import Connected, Lost, Message, Uplink
from recorder.device.window import Window
from recorder.errors import (
    CaptureError,
    HoldError,
    KeyFileError,
    PanelError,
    SealedError,
    SignedTextError,
    SpoolDamage,
    SpoolError,
    SpoolFull,
    WireError,
)
from recorder.meeting.fault import Fault, nearest
from recorder.meeting.light import BLINKS, CAPTURE_STATES, attention_light, recording_light
from recorder.meeting.presses import SAME_NO_SECONDS, ButtonWatch, RefusePresses, StartPresses
from recorder.meeting.table import TIMERS, Action, Event, State, step
from recorder.meeting.tone import ANNOUNCE, TROUBLE, tone
from recorder.sealed import layout, seal
from recorder.sealed.keybox import HOLD_KEY_BYTES
from recorder.wire import sender
from recorder.wire.receipt import Receipt
from recorder.wire.records import parse_record
from recorder.wire.status import SAID_SECONDS_MAX, Happening, Report, Status
from recorder.wire.upload import Name, Upload

TURN_SECONDS_MAX = 1.0
"""The longest sleep: how late a change of duty is seen."""
BLINK_SECONDS = 0.03
REPORT_SECONDS = 1.0
OPEN_SECONDS_MAX = 10.0
"""For a microphone to deliver its first samples after the light is lit; USB arrays take up to two."""
PREPARE_SECONDS_MAX = 20.0
END_SECONDS_MAX = 10.0
HANG_SECONDS = 2.0
"""How much longer than its own deadline the capture process may be silent."""
EDGE_SECONDS_MAX = 1.0
"""For the thread that watches the pins to tell of the lit light."""
LOOK_SECONDS = 1.0
"""Between two looks at the buttons for one that is stuck."""
GLANCE_SECONDS = 5.0
SELFTEST_SECONDS = 86_400.0
BACKLOG_RECORDS_TURN = 32
"""Of what is on the card since before the start, read in one turn: a card that is not cached takes milliseconds for each."""
SWEEP_FILES_TURN = 32
SEND_ITEMS_TURN = 16
"""Read for the road in one turn: a card that dies takes tenths of a second for each, and the guard waits for ten seconds."""
MIB = 1_048_576
SPOOL_STEP_BYTES = 64 * MIB
"""In which the status tells how full the card is: hours of speech, so that it does not tell how long a meeting is."""
BACKLOG_STEP_ITEMS = 64
"""In which the status tells what is to go, rounded up: some minutes of speech, so that a meeting that its client refused looks
like one that was short. Nothing that waits is told as nothing."""
DAMAGE_WORDS = "the card has damaged what it should keep; the log has its names. Have this room looked at"
"""The status has these words, and the number of a block would tell how long a meeting is."""
BROKEN_SECONDS = 60.0
"""How long a room that cannot start blinks that, before it ends and is started anew."""
EXIT_BROKEN = 2
"""As the command line has it for what its user can mend."""
BACKLOG_ITEMS = 4_096
"""With so many items known to the road no more of the backlog is read."""
LOST = "the key of the last recording is lost: nobody can open it any more; tell the client"
logger = logging.getLogger(__name__)


class Daemon:
    """One room. Raises a WederhoorError at construction if it cannot do its duty at all: keys, hold or card are missing."""

    def __init__(
        self, settings: config.Config, emit: Callable[[Report | Happening], None] | None, guard: Guard
    ) -> None:
        """`guard` is this room's, which `run` closes: it blinks also where nothing else of the room can be had."""
        self._settings = settings
        self._emit = emit
        self._guard = guard
        self._service_manager = ServiceManager()
        self._wakeup, self._alarm_bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._tap: Tap | None = None
        self._no_unheard = 0.0
        """When the client said no, monotonic, as long as the loop has not heard of it."""
        self._went_dark = False
        """The light lost its current, and the loop has not heard it yet."""
        self._whole = False
        """Constructed. A no before that waits for the loop."""
        # First of all: it darkens a light that the kernel left lit after a crash, whatever may fail below.
        self._panel = Panel(
            settings.panel,
            on_refuse=self._refuse_now,
            on_dark=self._shut_in_the_dark,
            wake=self._wake,
        )
        self._folder = Path(settings.room.folder)
        self._keys = self._folder / "keys"
        self._signing_key = keyfiles.load_device(self._keys / "signing.key")
        self._archive_key = keyfiles.load_device_public(self._keys / "archive.pub")
        self._hold = open_hold(settings.room)
        started_before = any((self._folder / each).exists() for each in ("spool", "receipts"))
        self._chain = Chain(self._folder, new=not started_before)  # durable before there is a spool
        self._spool = Spool(self._folder / "spool", settings.spool.bytes_max)
        self._standing = StandingNo(self._folder / "refused")
        self._ended_no = EndedNo(self._folder / "unrefused")
        self._loss = StandingLoss(self._folder / "lost")
        self._sender = sender.Sender(settings.uplink.window, settings.uplink.receipt_timeout_seconds)
        receipts = Receipts(self._folder / "receipts")
        self._custody = Custody(
            self._spool, self._hold, self._chain, receipts, self._signing_key, terms(settings), self._on_added
        )
        self._uplink = Uplink(settings.room.name, settings.uplink, self._keys, self._wake)
        self._speaker = Speaker(settings.speaker)
        self._start_presses = StartPresses(settings.panel.double_press_seconds)
        self._refuse_presses = RefusePresses(settings.meeting.lift_seconds)
        self._buttons: ButtonWatch[Pressed] = ButtonWatch()
        self._next_look = 0.0
        self._broken: frozenset[Pressed] = frozenset()
        """The buttons that are stuck or chatter."""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wakeup, selectors.EVENT_READ)
        self._window = Window(Path(settings.room.window)) if settings.room.window else None
        if self._window is not None:
            self._selector.register(self._window, selectors.EVENT_READ)
        self._state = State.IDLE
        self._since = time.monotonic()
        self._timers: dict[Event, float] = {}
        """When each is over, monotonic."""
        self._erased = False
        """The no that stands erased a recording."""
        self._heard = time.monotonic()
        """When the capture process last said anything."""
        self._hold_key = bytearray()
        """The new recording's, until it is in the hold."""
        self._preamble: bytes | None = None
        """The new recording's, until its keybox follows."""
        self._telemetry: Telemetry | None = None
        self._overdriven = False
        """Samples were at full scale in the last second."""
        self._preamble_hashes: dict[str, bytes] = {}
        self._sweeping = True
        """Files of what was forgotten may be left to remove."""
        self._sender_actions: list[sender.Action] = []
        self._to_send: collections.deque[Name] = collections.deque()
        """What the sender has put on the road and nobody has read yet."""
        self._unreadable: collections.defaultdict[str, set[Name]] = collections.defaultdict(set)
        """What the log has as damaged, by recording."""
        self._caught_up_before = 0
        """What the sender had caught up with when there last was no backlog."""
        self._present: dict[Fault, str] | None = None
        """All that is wrong, until something changes or the turn is over."""
        self._faults: dict[Fault, str] = {}
        """What was found, and in plain words; until the next start, or until it is mended."""
        self._for_good: set[Fault] = set()
        """Of those the ones that a person must mend, who then starts the room anew. Start is dead."""
        self._seen: dict[Fault, str] = {}
        """What the last glance saw."""
        self._sounded: set[Fault] = set()
        """Those that were heard in this meeting."""
        self._clock_set = False
        """The wall clock had a trusted source once."""
        self._next_glance = 0.0
        self._next_selftest = 0.0
        self._selftest: tuple[int, tuple[Fault, ...]] | None = None
        """When the last one was, Unix milliseconds, and what it found."""
        self._next_report = 0.0
        self._last_status: tuple[tuple[object, ...], float] | None = None
        """What the last one told as news, and when."""
        self._started_ms = time.time_ns() // 1_000_000
        self._stopping = False
        self._whole = True

    def hands(self) -> mock.Hands:
        """Fingers for the mock pins."""
        return mock.Hands(self._settings.panel)

    def stop(self) -> None:
        """End the loop soon. From any thread or a signal handler."""
        self._stopping = True
        self._wake()

    def run(self) -> None:
        """Until `stop`. A recording that runs then is ended, kept, and offered to the client again at the next start."""
        try:
            self._await_guard()
            try:
                self._recover()
            except Exception as error:  # the buttons live: a no erases the key, and the next start completes it
                show_broken(self._guard, self._settings.panel, error)
                raise
            self._service_manager.ready()
            while not self._stopping:
                self._turn()
            self._hear_presses()  # a no in the last turn
            self._service_manager.stopping()
            if self._tap is not None:
                self._break_down(Fault.CUT_OFF, "the room was switched off")
        finally:  # however it ends: the microphone before the light
            self._shut_tap()
            self._panel.show(recording=False)
            self._panel.close()
            self._speaker.close()
            self._uplink.close(self._status(online=False))
            if self._window is not None:
                self._window.close()
        self._guard.close()  # here alone: of any other end it hears by its pipe, and alarms

    def ask_for_selftest(self) -> None:
        """Let the room test itself as soon as there is no meeting. From any thread or a signal handler."""
        self._next_selftest = 0.0
        self._wake()

    def _await_guard(self) -> None:
        """A room is not in service before it is guarded."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self._guard.answers and time.monotonic() < deadline:
            self._guard.beat(attention_light(self._state, ()), time.monotonic())
            time.sleep(BLINK_SECONDS)

    def _recover(self) -> None:
        self._erased = self._custody.refusal_cut_off()
        if self._erased:
            self._standing.say()
        moment, boot = clock.moment(), clock.boot_id()
        self._custody.recover(moment, boot, refused=bool(self._standing), lost=self._loss.say)
        self._tell_damage()
        if self._loss:
            self._find(Fault.LOST, LOST)
        if self._standing:
            self._happen(Event.STILL_REFUSED)
        elif self._custody.recording is not None:
            self._find(Fault.CUT_OFF, "a recording was cut off; the client is asked again")
            self._happen(Event.RECOVERED)
        self._tell("state", self._state)
        if self._panel.refusing:  # held down since before there was anybody to hear it: that is a no like any other
            self._refuse_now()
            self._happen(Event.REFUSE_PRESSED)
            self._no_unheard = 0.0

    def _tell_damage(self) -> None:
        for each in self._custody.damaged:
            self._find_damage(f"{each}; it is set aside there")
        self._custody.damaged.clear()

    def _find_damage(self, what: str) -> None:
        logger.error("damaged on the card: %s", what)
        self._find(Fault.DAMAGE, DAMAGE_WORDS)

    # The loop

    def _turn(self) -> None:
        self._present = None
        ready = {key.fileobj for key, _ in self._selector.select(self._sleep_seconds())}
        if self._wakeup in ready:
            os.read(self._wakeup, 4096)
        if self._window is not None and self._window in ready:
            self._window.let_in()
        self._hear_light()
        self._hear_presses()
        if self._tap in ready:
            self._hear_tap()
        self._hear_road()
        self._hear_clock()
        self._show()
        self._beat()

    def _sleep_seconds(self) -> float:
        if self._sender_actions or self._to_send or self._backlog_waits() or self._sweeping:
            return 0.0
        now = time.monotonic()
        blinking = len(recording_light(self._state).segments_ms) > 1
        deadlines = [
            now + (BLINK_SECONDS if blinking else TURN_SECONDS_MAX),
            *self._timers.values(),
            *(each for each in (self._start_presses.deadline, self._uplink.next_attempt()) if each is not None),
        ]
        return max(0.0, min(deadlines) - now)

    def _hear_light(self) -> None:
        if self._went_dark:
            self._went_dark = False
            self._give_up_light("the recording light lost its current while it was lit; the room may not record")

    def _hear_presses(self) -> None:
        for pressed, at in self._panel.presses():
            if pressed is Pressed.LET_GO:
                self._hear_let_go(at)
                continue
            self._buttons.press(pressed, at)
            if pressed in self._broken - {Pressed.REFUSE}:
                continue
            event: Event | None
            match pressed:
                case Pressed.START if self._panel.refusing:
                    event = Event.REFUSE_PRESSED  # both at once, or a button that is stuck: the no wins
                case Pressed.START:
                    self._hear_due_press(at)
                    event = self._start_presses.press(at, recording=self._can_be_marked)
                case Pressed.REFUSE:
                    since = self._since if self._state is State.REFUSED else None
                    event = self._refuse_presses.press(at, refused_since=since)
                case Pressed.END:
                    event = Event.END_PRESSED
            name = "mark" if event is Event.MARK_PRESSED else pressed.value
            self._tell("pressed", name, at)
            if event is not None:
                self._happen(event)
            if pressed is Pressed.REFUSE:
                self._no_unheard = 0.0
        self._hear_due_press(time.monotonic())

    def _hear_let_go(self, at: float) -> None:
        event = self._refuse_presses.let_go(at)
        if event is not None and Pressed.REFUSE not in self._broken:
            if event is Event.REFUSE_HELD:
                self._tell("pressed", "lift", at)
            self._happen(event)

    def _hear_due_press(self, now: float) -> None:
        due = self._start_presses.due(now, recording=self._can_be_marked)
        if due is not None:
            self._happen(due)

    def _hear_lost_no(self, now: float) -> None:
        """A no whose thread hangs, in the hold or in GPIO: known by what that thread began, or by the button's level."""
        begun = self._no_unheard and now - self._no_unheard > SAME_NO_SECONDS
        if begun or (self._panel.refusing and self._state not in (State.IDLE, State.FAULT, State.REFUSED)):
            logger.critical("the thread that watches the buttons does not tell of a no; it counts all the same")
            try:
                self._standing.say()  # first: should this thread hang in the hold, too, it stands after a restart
            except SpoolError as error:
                self._distrust(Fault.RECORDER, str(error))
            self._happen(Event.REFUSE_PRESSED)
            self._no_unheard = 0.0

    @property
    def _can_be_marked(self) -> bool:
        """Whether one press of start ends, and two set a mark."""
        return self._state in (State.RECORDING, State.INTERRUPTED)

    def _hear_tap(self) -> None:
        tap = self._tap
        if tap is None:
            return
        try:
            frames = tap.read()
            for frame in frames or ():
                if self._tap is not tap:
                    return  # an earlier frame's consequence was to shut it
                self._take(frame)
            self._heard = time.monotonic()
        except (SpoolFull, SealedError, SignedTextError, CaptureError) as error:
            self._break_down(Fault.CARD_FULL if isinstance(error, SpoolFull) else Fault.CUT_OFF, str(error))
            return
        except (SpoolError, HoldError) as error:
            self._distrust(Fault.RECORDER, str(error))
            return
        if frames is None and self._tap is tap:
            done = tap.wait() == 0 and self._state is State.ENDING
            self._shut_tap()
            if not done and not self._faults:
                self._find(Fault.CUT_OFF, "the capture process ended without a word; its trace is in the log")
            self._happen(Event.CAPTURE_DONE if done else Event.CAPTURE_FAILED)

    def _take(self, frame: Frame) -> None:
        match frame.kind:
            case Kind.RECORD if self._custody.recording is None:
                self._preamble = frame.body
            case Kind.RECORD:
                header = self._custody.keep(frame.body)
                self._tell("sealed", str(header.index))
            case Kind.KEYBOX:
                if self._preamble is None:
                    raise CaptureError("the capture process sent a keybox before its preamble")
                self._custody.begin(self._preamble, frame.body, self._hold_key)
                self._preamble = None
                self._note_end_of_no()
                self._tell("begun")
            case Kind.TELEMETRY:
                before, self._telemetry = self._telemetry, Telemetry.parse(frame.body)
                self._overdriven = before is not None and self._telemetry.clipped > before.clipped
            case Kind.ERROR | Kind.MISSING:
                fault = Fault.MICROPHONE_GONE if frame.kind is Kind.MISSING else Fault.CUT_OFF
                self._find(fault, frame.body.decode(errors="replace"))
            case Kind.STATE:
                match CaptureState.parse(frame.body):
                    case CaptureState.READY:
                        self._happen(Event.CAPTURE_READY)
                    case CaptureState.OPEN:
                        self._tell("opened")
                        self._happen(Event.CAPTURE_OPEN)
                    case CaptureState.GONE:
                        self._tell("gone")
                        self._happen(Event.MICROPHONE_GONE)
                    case CaptureState.SHUT:
                        self._tell("shut")

    def _hear_road(self) -> None:
        now = time.monotonic()
        actions, self._sender_actions = self._sender_actions, []
        self._do_on_road(actions, now)
        for event in self._uplink.hear(now):
            match event:
                case Connected(most):
                    self._do_on_road(self._sender.step(sender.Connected(most), now), now)
                    self._last_status = None
                case Lost():
                    self._do_on_road(self._sender.step(sender.Disconnected(), now), now)
                case Message(payload):
                    try:
                        receipt = Receipt.verify(payload, self._archive_key, self._settings.room.name)
                    except WireError as error:
                        logger.warning("what came as a receipt is none: %s", error)
                    else:
                        self._do_on_road(self._sender.step(sender.Received(receipt), now), now, payload)
        self._read_backlog()
        self._sweep()
        self._do_on_road(self._sender.step(sender.Tick(), now), now)
        self._send(now)
        if self._backlog == 0:
            self._caught_up_before = self._sender.caught_up
        self._say_status(now)

    @property
    def _backlog(self) -> int:
        """Items of meetings that are over, which the archive has not signed for."""
        return self._sender.backlog + self._custody.unread

    @property
    def _caught_up(self) -> int:
        """Items of such meetings that it has signed for since there last was no backlog, or the program started."""
        return self._sender.caught_up - self._caught_up_before

    def _backlog_waits(self) -> bool:
        """Whether more of it should be read: what the road knows of costs memory until the archive has signed for it."""
        return self._custody.unread > 0 and self._sender.moving < BACKLOG_ITEMS and not self._for_good

    def _sweep(self) -> None:
        if not self._sweeping:
            return
        try:
            self._sweeping = self._spool.sweep(SWEEP_FILES_TURN)
        except SpoolError as error:
            self._sweeping = False
            self._distrust(Fault.RECORDER, str(error))

    def _read_backlog(self) -> None:
        if not self._backlog_waits():
            return
        try:
            self._custody.read_on(BACKLOG_RECORDS_TURN)
        except SpoolError as error:
            self._distrust(Fault.RECORDER, str(error))
        self._tell_damage()

    def _do_on_road(self, actions: list[sender.Action], now: float, payload: bytes = b"") -> None:
        """Do what the sender says; `payload` is the receipt that made it say so."""
        for action in actions:
            try:
                self._do_one_on_road(action, now, payload)
            except (SpoolDamage, SealedError) as error:
                self._find_damage(str(error))
            except SpoolError as error:
                self._distrust(Fault.RECORDER, str(error))

    def _do_one_on_road(self, action: sender.Action, now: float, payload: bytes) -> None:
        match action:
            case sender.Publish(name):
                self._to_send.append(name)
            case sender.Receipted(names):
                for name in names:
                    if name.type is layout.RecordType.BLOCK:
                        self._tell("receipted", str(name.index), recording=name.recording)
            case sender.Done(recording):
                self._tell("signed", recording=recording)
                self._custody.forget(recording)
                self._sweeping = True
                self._tell_damage()
                self._forget_on_road(recording)
            case sender.PurgeConfirmed(recording):
                self._custody.file_refusal(recording, payload)
                self._sweeping = True
                self._tell_damage()
                self._forget_on_road(recording)
                self._tell("purged", recording=recording)
            case sender.NotTaken(name, reason):
                logger.error(
                    "the archive does not take %s %d of %s: %s", name.type.name, name.index, name.recording, reason
                )
            case sender.Reconnect(reason):
                self._uplink.drop(reason, now)
                self._do_on_road(self._sender.step(sender.Disconnected(), now), now)

    def _send(self, now: float) -> None:
        """Hand to the uplink what the sender has put on the road, a little in each turn.

        What goes in the place of an item that cannot be read waits for the next one: of days on a card that gives nothing
        back each item leads to another, and the guard would end a daemon that read them all in one.
        """
        for _ in range(min(SEND_ITEMS_TURN, len(self._to_send))):
            name = self._to_send.popleft()
            if not self._sender.is_on_road(name):
                continue
            try:
                self._send_one(name)
            except (SpoolDamage, SealedError) as error:
                self._find_unreadable(name, error)
                self._do_on_road(self._sender.step(sender.Unreadable(name), now), now)
            except SpoolError as error:
                self._distrust(Fault.RECORDER, str(error))

    def _send_one(self, name: Name) -> None:
        kind, body = parse_record(self._custody.read(name))
        upload = Upload(name.recording, self._preamble_hashes[name.recording], kind, body)
        self._uplink.publish(name.recording, bytes(upload))

    def _find_unreadable(self, name: Name, error: Exception) -> None:
        """It is tried again on each connection, and a log that grew with that would fill the card."""
        if name in self._unreadable[name.recording]:
            self._find(Fault.DAMAGE, DAMAGE_WORDS)
        else:
            self._unreadable[name.recording].add(name)
            self._find_damage(f"{name.type.name} {name.index} of {name.recording}: {error}")

    def _forget_on_road(self, recording: str) -> None:
        """Nothing of it is left to send."""
        del self._preamble_hashes[recording]
        self._unreadable.pop(recording, None)

    def _hear_clock(self) -> None:
        now = time.monotonic()
        self._speaker.listen()
        if (
            self._state is State.RECORDING
            and self._silent_seconds(now) >= self._settings.meeting.prompt_silence_seconds
        ):
            self._timers[Event.PROMPT_DUE] = now
        for event in [event for event, at in self._timers.items() if now >= at]:
            pressing = self._panel.unheard or self._start_presses.deadline is not None
            if event not in self._timers or (event is Event.PROMPT_DUE and pressing):
                continue  # the one before it made it void; or somebody is there, and is just pressing stop
            if event is Event.NOTICE_OVER and self._speaker.announcing:
                self._timers[event] = now + BLINK_SECONDS  # a card plays a moment longer than the sound lasts
                continue
            del self._timers[event]
            if event is Event.GRACE_OVER:
                self._tell("grace_over")
            asks = event is Event.NOTICE_OVER and self._settings.meeting.ask_everyone
            self._happen(Event.READY_TO_ASK if asks else event)
        self._judge_silence(now)
        self._alarm()
        if now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            self._broken = self._buttons.look(now, self._panel.down())
            self._hear_lost_no(now)
        if self._state in (State.IDLE, State.FAULT):
            self._look_round(now)
        if any(fault.grave for fault in self._present_faults()):
            self._happen(Event.FAULT_FOUND)
        else:
            self._happen(Event.FAULT_CLEARED)

    def _judge_silence(self, now: float) -> None:
        """A capture process that says nothing for longer than it may hangs, or its microphone does."""
        quiet = now - max(self._heard, self._since)
        microphone = self._settings.microphone
        limit = {
            State.PREPARING: PREPARE_SECONDS_MAX,
            State.OPENING: OPEN_SECONDS_MAX,
            State.RECORDING: microphone.deadline_seconds + HANG_SECONDS,
            State.PROMPT: microphone.deadline_seconds + HANG_SECONDS,
            State.INTERRUPTED: microphone.away_seconds + OPEN_SECONDS_MAX,
            State.ENDING: END_SECONDS_MAX,
        }.get(self._state)
        if limit is not None and quiet > limit and not self._tap_waits():
            if self._state in (State.OPENING, State.INTERRUPTED):
                fault = f"the microphone has delivered nothing for {limit:.0f} seconds; check its plug"
                self._find(Fault.MICROPHONE_GONE, self._faults.get(Fault.MICROPHONE_GONE, fault))
            else:  # of a microphone that is silent it would have told
                self._find(
                    Fault.CUT_OFF, f"the capture process has said nothing for {limit:.0f} seconds, and was ended"
                )
            self._happen(Event.CAPTURE_FAILED)

    def _alarm(self) -> None:
        """What goes wrong while recording is heard as well as seen: once, for the tone is in the recording, too."""
        news = self._present_faults().keys() - self._sounded if self._state in CAPTURE_STATES else ()
        if news:
            self._sounded |= news
            self._speaker.play(TROUBLE)

    def _look_round(self, now: float) -> None:
        """Between meetings: the self-test when it is due, and a glance every few seconds."""
        if not self._clock_set:
            self._clock_set = clock.synced()
        if now >= self._next_selftest and self._state is State.IDLE:
            self._next_selftest, self._next_glance = now + SELFTEST_SECONDS, now + GLANCE_SECONDS
            self._speaker.look()
            self._seen = selftest.examine(self._settings, self._spool, self._panel, clock_set=self._clock_set)
            self._selftest = time.time_ns() // 1_000_000, tuple(self._seen)
            logger.info("self-test: %s", "; ".join(self._seen.values()) or "all is well")
            for fault in self._seen:
                if fault.grave and fault is not Fault.CARD_FULL:
                    self._distrust(fault, self._seen[fault])
        elif now >= self._next_glance:
            self._next_glance = now + GLANCE_SECONDS
            self._speaker.look()
            self._seen = selftest.glance(self._settings, self._spool, self._panel, clock_set=self._clock_set)
        if Fault.CARD_FULL not in self._seen:
            self._faults.pop(Fault.CARD_FULL, None)  # the archive has signed for something

    def _tap_waits(self) -> bool:
        """Whether the capture process has said something that was not heard yet: a card was slow, not the microphone."""
        return any(key.fileobj is self._tap for key, _ in self._selector.select(0)) if self._tap is not None else False

    def _show(self) -> None:
        self._light()
        now = time.monotonic()
        if self._state in CAPTURE_STATES and not self._panel.lit:
            self._give_up_light("the recording light is dark though it should be lit; the room may not record")
        if self._state is State.LIGHTING:
            if self._panel.seen_lit:
                self._happen(Event.LIGHT_PROVEN)
            elif now - self._since > EDGE_SECONDS_MAX:
                self._give_up_light("the light's current is not watched: its pin tells of no change")
        window = self._window if self._window is not None and self._window.watched else None
        if now >= self._next_report and (self._emit or window):
            self._next_report = now + REPORT_SECONDS
            report = self._report(now)
            if self._emit is not None:
                self._emit(report)
            if window is not None:
                window.show(msgspec.json.encode(report))

    def _light(self) -> None:
        elapsed_ms = int((time.monotonic() - self._since) * 1000)
        self._panel.show(recording=recording_light(self._state).lit_at(elapsed_ms))

    def _beat(self) -> None:
        """Tell those who watch that the loop turns."""
        now = time.monotonic()
        self._guard.beat(attention_light(self._state, self._present_faults()), now)
        if not self._guard.answers:
            self._find(Fault.LIGHT, "the guard of this room does not answer; the room may not record")
            if self._state in CAPTURE_STATES:  # which stays to be told when there is another guard
                self._find(Fault.CUT_OFF, "the guard of this room ended or hung, so the recording that ran was cut off")
        elif Fault.LIGHT in self._faults and Fault.LIGHT not in self._for_good:
            self._present = None
            del self._faults[Fault.LIGHT]
        self._service_manager.feed(now)

    def _present_faults(self) -> dict[Fault, str]:
        """Everything that is wrong now, in plain words. Asked several times in a turn."""
        if self._present is None:
            self._present = self._passing_faults() | self._found_faults()
        return self._present

    def _found_faults(self) -> dict[Fault, str]:
        """What was found and stays so, until it is mended or the next start."""
        seen = self._seen if self._state in (State.IDLE, State.FAULT) else {}
        return seen | self._faults

    def _passing_faults(self) -> dict[Fault, str]:
        """What is so at this moment."""
        found: dict[Fault, str] = {}
        if self._broken:
            found[Fault.BUTTON] = f"the button for {' and '.join(sorted(self._broken))} is stuck, or its wires touch"
        if self._speaker.trouble:
            found[Fault.SPEAKER] = self._speaker.trouble
        if self._state is State.INTERRUPTED:
            found[Fault.MICROPHONE_GONE] = "the microphone is gone; it is waited for"
        if self._state in CAPTURE_STATES and self._telemetry is not None:
            silent = self._telemetry.silent_seconds >= self._settings.microphone.silence_seconds
            if silent or {Flaw.MUTED, Flaw.FAINT} & {*self._telemetry.flaws}:
                found[Fault.MICROPHONE_SILENT] = Fault.MICROPHONE_SILENT.words("en")
            if self._overdriven or Flaw.OVERDRIVEN in self._telemetry.flaws:
                found[Fault.MICROPHONE_LOUD] = Fault.MICROPHONE_LOUD.words("en")
            if Flaw.DEAD_CHANNEL in self._telemetry.flaws:
                found[Fault.MICROPHONE_PART] = Fault.MICROPHONE_PART.words("en")
        return found

    # The table, and what its actions do

    def _happen(self, event: Event) -> None:
        before = self._state
        after, actions = step(before, event)
        unproven = ""
        if after is not before:
            self._state, self._since, self._next_report = after, time.monotonic(), 0.0
            if after is State.REFUSED:
                self._faults.pop(Fault.CUT_OFF, None)  # it says that something is kept
            self._present = None
            self._next_glance = 0.0
            running = {timer for timer, states in TIMERS.values() if after in states}
            self._timers = {timer: at for timer, at in self._timers.items() if timer in running}
            if after in CAPTURE_STATES and before not in CAPTURE_STATES:
                try:
                    self._panel.prove()  # lit before the tap may open
                except PanelError as error:
                    unproven = str(error)  # what was said by then is noted all the same
            elif after in CAPTURE_STATES or before not in CAPTURE_STATES:
                self._light()  # dark after the tap is shut, and before a key is released
        for action in actions:
            try:
                self._do(action)
            except (SpoolError, HoldError, KeyFileError, SealedError, SignedTextError) as error:
                # The state stands, and so does the rest of what follows; a restart completes what the card did not take.
                self._distrust(Fault.RECORDER, str(error))
        if unproven:
            self._give_up_light(unproven)
        if after is not before and self._state is after:  # else an action led further, and that was told
            if after not in CAPTURE_STATES:  # a log has times, and would tell for how long was recorded before a no
                logger.info("%s: %s -> %s", event, before, after)
            self._tell("state", after)
            self._sound(before, after)

    def _sound(self, before: State, after: State) -> None:
        """Let the change be heard; what is still being said of a state that is over is cut short."""
        heard = tone(before, after)
        if heard is not None:
            self._speaker.play(heard, announce=after is State.NOTICE)
        else:
            self._speaker.hush()

    def _find(self, fault: Fault, words: str) -> None:
        """Something is wrong. What follows from it, the next look at the clock decides."""
        if self._faults.get(fault) != words:
            self._present = None
            self._faults[fault] = words
            logger.critical("%s", words)

    def _break_down(self, fault: Fault, words: str) -> None:
        """Something is wrong, and the meeting cannot go on."""
        self._find(fault, words)
        self._happen(Event.FAULT_FOUND)

    def _distrust(self, fault: Fault, words: str) -> None:
        """Go on with what the client may still do, and with nothing else."""
        self._for_good.add(fault)
        self._find(fault, words)

    def _give_up_light(self, words: str) -> None:
        """What cannot be shown is not recorded, from now on."""
        self._distrust(Fault.LIGHT, words)
        self._happen(Event.FAULT_FOUND)

    def _do(self, action: Action) -> None:
        moment, boot = clock.moment(), clock.boot_id()
        if action in TIMERS:
            self._timers[TIMERS[action][0]] = time.monotonic() + self._seconds(action)
        match action:
            case Action.PREPARE:
                self._prepare()
            case Action.OPEN_TAP:
                assert self._tap is not None
                if not self._no_unheard:  # a no between start and here found no tap to shut
                    self._tap.open()
            case Action.FINISH_TAP:
                assert self._tap is not None
                self._tap.finish()
            case Action.SHUT_TAP:
                self._shut_tap()
                closed_at = time.monotonic()
                # Before what takes its time: what is not heard any more shall not look as if it were.
                self._panel.show(recording=False)
                self._tell("closed", at=closed_at)
            case Action.DESTROY_KEY:
                # If it fails the keybox's ciphertext is purged all the same; what is left of the key is in RAM.
                if self._state is State.REFUSED:
                    self._hold.refuse()  # not one that was decided to be released: this no is to another meeting
                else:
                    self._hold.erase()
            case Action.WRITE_REFUSAL:
                self._write_refusal()
            case Action.WRITE_EMPTY if self._custody.recording is None and self._faults:
                self._write_missed()
            case Action.WRITE_EMPTY:
                self._custody.write_empty(moment, boot)
            case Action.WRITE_MISSED:
                self._write_missed()
            case Action.RELEASE:
                recording = self._recording_id
                if self._custody.release(moment, boot):
                    self._tell("released", recording=recording)
                elif self._hold.refused() is not None:
                    self._happen(Event.REFUSE_PRESSED)  # its press is on its way to the loop
                else:
                    self._tell_damage()
                    self._find(Fault.LOST, LOST)
                    self._loss.say()
                    self._custody.write_empty(moment, boot)
            case Action.NOTE_NOTICE:
                self._note("notice_given")
                if self._speaker.heard:
                    self._note("notice_spoken", self._speaker.heard)
            case Action.NOTE_YES:
                self._note("yes")
            case Action.NOTE_START:
                self._note("recording")
            case Action.NOTE_MARK:
                self._note("mark")
            case Action.NOTE_PROMPT:
                self._note("prompt")
            case Action.NOTE_ANSWER:
                self._note("answer")
            case Action.NOTE_GONE:
                self._note("microphone_gone")
            case Action.NOTE_BACK:
                self._note("microphone_back")
            case Action.NOTE_STOP:
                self._end("stop", "stop")
            case Action.NOTE_CLIENT_STOP:
                self._end("client_stop", "stop")
            case Action.NOTE_LIMIT:
                self._end("limit", "limit")
            case Action.NOTE_NO_ANSWER:
                self._end("no_answer", "limit")
            case Action.NOTE_FAULT:
                self._end("fault", "fault")
            case Action.NOTE_LIFT | Action.NOTE_LAPSE:
                self._ended_no.note(End("lifted" if action is Action.NOTE_LIFT else "lapsed", moment.wall_ms))
                self._standing.lift()

    def _seconds(self, timer: Action) -> float:
        """How long a timer runs."""
        meeting = self._settings.meeting
        return {
            Action.TIME_ANSWERS: meeting.answer_seconds,
            Action.TIME_NOTICE: max(meeting.notice_seconds, self._speaker.announcement_seconds + ANNOUNCE.seconds),
            Action.TIME_LIMIT: meeting.limit_seconds,
            Action.TIME_PROMPT: meeting.prompt_after_seconds,
            Action.TIME_ANSWER: meeting.prompt_seconds,
            Action.TIME_GRACE: meeting.grace_seconds,
            Action.TIME_REFUSAL: meeting.refusal_seconds,
        }[timer]

    def _silent_seconds(self, now: float) -> float:
        """How long nothing was heard, since the recording began or somebody last answered."""
        return min(self._telemetry.silent_seconds, now - self._since) if self._telemetry is not None else 0.0

    def _prepare(self) -> None:
        self._faults = {fault: words for fault, words in self._faults.items() if fault in self._for_good}
        self._telemetry, self._preamble = None, None
        self._sounded = set()
        self._heard = time.monotonic()
        self._speaker.look()
        self._hold_key = entropy.secret(HOLD_KEY_BYTES)
        self._tap = Tap(
            Setup(
                microphone=self._settings.microphone,
                opus=self._settings.opus,
                seal=self._settings.seal,
                device=self._settings.room.name,
                sequence=self._chain.sequence,
                previous=self._chain.previous.hex(),
                signing_key=str(self._keys / "signing.key"),
                recipients=str(self._keys / "recipients"),
            ),
            self._hold_key,
        )
        self._selector.register(self._tap, selectors.EVENT_READ)
        if self._loss:
            self._loss.lift()

    def _shut_tap(self) -> None:
        if self._tap is not None:
            self._hold_key[:] = bytes(len(self._hold_key))
            self._selector.unregister(self._tap)
            gone = self._tap.close()
            self._tap = None
            if not gone:
                self._distrust(
                    Fault.RECORDER, "the microphone's driver hangs; pull the microphone's plug and start this room anew"
                )

    def _shut_in_the_dark(self) -> None:
        """In the thread that watches the pins: what is not shown is not heard."""
        tap = self._tap
        if tap is not None:
            tap.shut()
        self._went_dark = True

    def _refuse_now(self) -> None:
        """In the thread in which the press arrives, before anything else: the tap, then the key."""
        self._no_unheard = time.monotonic()
        if not self._whole:
            return
        tap = self._tap
        if tap is not None:
            tap.shut()
        killed_at = time.monotonic()
        try:
            erased = self._hold.refuse()
            erased_at = time.monotonic()
        except HoldError:
            logger.exception("the hold does not erase; the loop tries again")
            return
        if tap is not None:  # told last: whoever listens may be slow
            self._tell("killed", at=killed_at)
        if erased:
            self._tell("erased", at=erased_at)

    def _write_refusal(self) -> None:
        moment, boot = clock.moment(), clock.boot_id()
        decided = self._custody.recording is not None and self._hold.committed()
        self._erased = self._custody.recording is not None and not decided
        if decided:
            self._standing.say()
            logger.critical("a no in a room that cannot finish the meeting before it: it stands, and has no receipt")
            return
        if self._custody.recording is not None:  # whatever the card does: not a block of it goes out any more
            dropped = sender.Dropped(self._custody.recording.id)
            self._sender_actions += self._sender.step(dropped, time.monotonic())
        self._spool.make_room()
        self._standing.say()
        if self._custody.recording is None:
            recording = self._custody.refuse_nothing(self._preamble_of_nothing(), moment, boot).id
            self._tell("begun", recording=recording)
        else:
            recording = self._custody.recording.id
            self._custody.refuse(moment, boot)
        self._tell("refused", recording=recording)

    def _write_missed(self) -> None:
        """Tell the archive of a meeting that could not be recorded. A card that cannot keep that is no worse for it."""
        if self._custody.recording is not None:
            logger.critical("a meeting could not be recorded, and the one before it is not completed: %s", self._fault)
            return
        try:
            missed = self._custody.write_missed(self._preamble_of_nothing(), clock.moment(), clock.boot_id())
        except SpoolError as error:
            logger.critical("a meeting could not be recorded, and not even that can be kept: %s", error)
            if self._custody.recording is not None:  # its number is given away, and no other may have it
                self._distrust(Fault.RECORDER, str(error))
        else:
            logger.critical("a meeting could not be recorded: %s", self._fault or "what was wrong is over by now")
            self._tell("begun", recording=missed.id)
            self._tell("missed", recording=missed.id)

    def _preamble_of_nothing(self) -> bytes:
        """A preamble where there is no recording: its data key and keybox never leave this function."""
        record, _, sealer = seal.begin(
            self._signing_key,
            device=self._settings.room.name,
            sequence=self._chain.sequence,
            previous=self._chain.previous,
            moment=clock.moment(),
            boot=clock.boot_id(),
            rate=self._settings.microphone.rates[0],
            preskip=0,
            pad_bytes=self._settings.seal.pad_bytes,
            suite=self._settings.seal.suite,
            recipients=keyfiles.load_recipients(self._keys / "recipients"),
            random=entropy.secret,
        )
        sealer.wipe()
        return record

    def _note(self, event: str, sha256: str = "") -> None:
        """Nothing may follow it in a row of the table: on a full card it ends the meeting."""
        try:
            self._custody.note(event, self._position, clock.moment(), sha256=sha256)
        except SpoolFull as error:
            self._break_down(Fault.CARD_FULL, str(error))

    def _note_end_of_no(self) -> None:
        """Whoever reads the recording that follows shall know that a no came before it, and when and how it ended."""
        end = self._ended_no.end
        if end is not None:
            self._custody.note(end.name, 0, Moment(end.wall_ms, 0, synced=False))
            self._ended_no.lift()  # after: a power cut between lets the next one tell it, too

    def _end(self, event: str, ended: Ended) -> None:
        self._custody.note(event, self._position, clock.moment(), ended)

    # Telling

    def _on_added(self, item: sender.Added, preamble_hash: bytes) -> None:
        """Something durable may go on the road."""
        self._preamble_hashes[item.name.recording] = preamble_hash
        self._sender_actions += self._sender.step(item, time.monotonic())

    def _wake(self) -> None:
        try:
            os.write(self._alarm_bell, b"!")
        except BlockingIOError:
            return  # it rings already

    def _tell(self, name: str, detail: str = "", at: float | None = None, recording: str | None = None) -> None:
        if self._emit is None:
            return
        if recording is None:
            recording = self._recording_id
        self._emit(Happening(name, (at or time.monotonic()) * 1000, time.time_ns() // 1_000_000, recording, detail))

    def tell_lamp(self, lit: bool, flaw: mock.Flaw | None, at: float) -> None:
        """That the mock lamp is lit or dark from now on. Whether it can be told must make no difference to the light."""
        with contextlib.suppress(OSError):
            self._tell("lit" if lit else "dark", flaw.value if flaw else "", at)

    @property
    def _position(self) -> int:
        """Where the recording is now, ticks: as far as the capture process told, once a second."""
        return self._telemetry.position if self._telemetry is not None else 0

    @property
    def _recording_id(self) -> str:
        recording = self._custody.recording
        return recording.id if recording is not None else ""

    def _status(self, *, online: bool) -> Status:
        """What everybody may know, for the broker keeps it: nothing here may grow with a meeting that runs."""
        return Status(
            room=self._settings.room.name,
            online=online,
            version=__version__,
            state=self._state,
            fault=self._fault,
            faults=tuple(fault.name.lower() for fault in Fault if fault in self._present_faults()),
            selftest_ms=self._selftest[0] if self._selftest else 0,
            selftest_found=tuple(fault.name.lower() for fault in self._selftest[1]) if self._selftest else (),
            complaint=self._sender.complaint,
            clock_synced=clock.synced(),
            spool_bytes=self._spool.size_bytes // SPOOL_STEP_BYTES * SPOOL_STEP_BYTES,
            spool_capacity_bytes=self._spool_capacity_bytes(),
            backlog=_steps(self._backlog),
            caught_up=_steps(self._backlog + self._caught_up) - _steps(self._backlog),
            certificate_ends_ms=round(self._uplink.certificate_ends.timestamp()) * 1_000,
            started_ms=self._started_ms,
            said_ms=time.time_ns() // 1_000_000,
        )

    def _spool_capacity_bytes(self) -> int:
        """In whole MiB: what else is on the card changes by less with a meeting. 0 if the card cannot be asked."""
        try:
            return (self._spool.size_bytes + self._spool.room_bytes()) // MIB * MIB
        except SpoolError:
            return 0

    def _say_status(self, now: float) -> None:
        """When the state changed, and now and then."""
        if not self._uplink.connected:
            return
        if self._last_status is not None:
            last, said = self._last_status
            if last == self._news() and now - said < SAID_SECONDS_MAX:
                return
        self._uplink.say(self._status(online=True))
        self._last_status = self._news(), now

    def _news(self) -> tuple[object, ...]:
        """What is said at once when it changes."""
        return self._state, self._fault, tuple(self._present_faults()), self._selftest, self._sender.complaint

    @property
    def _fault(self) -> str:
        """What was found, in plain words: the nearest to the recording."""
        return _words_of(self._found_faults())

    def _seconds_left(self, now: float) -> float:
        """Until something happens that somebody may wait for; 0 while recording."""
        if self._state is State.RECORDING:
            return 0.0
        ends = [*self._timers.values()]
        if self._state is State.INTERRUPTED:
            ends.append(self._since + self._settings.microphone.away_seconds)
        return max(0.0, min(ends, default=now) - now)

    def _report(self, now: float) -> Report:
        recording, telemetry = self._custody.recording, self._telemetry
        capturing = telemetry is not None and self._state in CAPTURE_STATES
        return Report(
            status=self._status(online=self._uplink.connected),
            light=recording_light(self._state).name,
            lit=self._panel.lit,
            attention=attention_light(self._state, self._present_faults()).name,
            connected=self._uplink.connected,
            recording=self._recording_id,
            erased=self._erased and self._state is State.REFUSED,
            elapsed_ticks=telemetry.position if capturing and telemetry else 0,
            rms_dbfs=telemetry.rms_dbfs if capturing and telemetry else -96.0,
            peak_dbfs=telemetry.peak_dbfs if capturing and telemetry else -96.0,
            alarm=_words_of(self._passing_faults()) or self._sender.complaint or self._uplink.trouble,
            seconds_left=self._seconds_left(now),
            waiting=self._sender.waiting + self._custody.unread,
            backlog=self._backlog,
            caught_up=self._caught_up,
            sealed=recording.ledger.blocks if recording else 0,
            receipted=self._sender.receipted(recording.id) if recording else 0,
        )


def _steps(items: int) -> int:
    return -(-items // BACKLOG_STEP_ITEMS) * BACKLOG_STEP_ITEMS


def _words_of(faults: Mapping[Fault, str]) -> str:
    fault = nearest(faults)
    return "" if fault is None else faults[fault]


def serve(settings: config.Config, *, report: bool) -> int:
    """Run the room until SIGTERM or SIGINT. With mock pins, until its standard input ends. RoomError if it runs already."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    forbid_dumps()
    with alone(Path(settings.room.folder)):
        _serve(settings, report=report)
    return 0


def _serve(settings: config.Config, *, report: bool) -> None:
    guard = Guard(settings.panel)
    try:
        daemon = Daemon(settings, Reporter() if report else None, guard)
    except Exception as error:
        with contextlib.closing(guard):
            show_broken(guard, settings.panel, error)
        raise
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: daemon.stop())
    signal.signal(signal.SIGUSR1, lambda *_: daemon.ask_for_selftest())
    if settings.panel.pins == "mock":
        if report:
            daemon.hands().watch_lamp(daemon.tell_lamp)
        threading.Thread(target=press_from_input, args=(daemon, settings), name="hands", daemon=True).start()
    daemon.run()


def show_broken(guard: Guard, panel: config.Panel, error: Exception) -> None:
    """Let a room that cannot start say so by its light, for BROKEN_SECONDS or until it is stopped. Not with mock pins.

    Then whoever has started it may try again. Ended at once, it would stand there dark, starting and starting.
    """
    if panel.pins == "mock":
        return
    logger.critical("this room cannot start: %s", error)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(EXIT_BROKEN))
    over = time.monotonic() + BROKEN_SECONDS
    while (now := time.monotonic()) < over:
        guard.beat(BLINKS[Fault.RECORDER], now)
        time.sleep(BLINK_SECONDS)


class Reporter:
    """Writes reports and happenings to standard output, a line of JSON each; any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __call__(self, line: Report | Happening) -> None:
        with self._lock:
            sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
            sys.stdout.buffer.flush()


def press_from_input(daemon: Daemon, settings: config.Config) -> None:
    """Presses on standard input: `start`, `stop`, `mark`, `refuse`, `end`, `lift`, a line each. Its end ends the room.

    `lamp open`, `lamp shorted` and `lamp whole` break the light, and mend it.
    """
    hands = daemon.hands()
    for line in sys.stdin:
        match line.strip():
            case "start" | "stop":
                hands.press(Pressed.START)
            case "mark":
                hands.mark()
            case "refuse":
                hands.press(Pressed.REFUSE)
            case "end" if settings.panel.end_button:
                hands.press(Pressed.END)
            case "lift":
                hands.press(Pressed.REFUSE, settings.meeting.lift_seconds + settings.panel.bounce_seconds + 0.3)
            case "lamp open" | "lamp shorted" as flaw:
                hands.break_lamp(mock.Flaw(flaw.removeprefix("lamp ")))
            case "lamp whole":
                hands.break_lamp(None)
            case unknown:
                logger.error("no such press: %r", unknown)
    daemon.stop()
