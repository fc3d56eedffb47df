"""The microphone: PortAudio in, PcmBlock or Gap out. Position and time are assigned here, once.

One thread polls what has come and reads it; it never waits inside PortAudio. A blocking read hangs for ever when a
sound server stalls, and a callback needs memory that is both writable and executable, which the service forbids
(systemd's MemoryDenyWriteExecute). Polling also costs least, because libraries spin when asked to wait.

Between that thread and the rest stands one bounded queue. When it is full, what comes is dropped and declared as a
gap; the thread itself never waits for the rest, so that `stop` closes the stream at once.

The stream is opened by `open` and no earlier. A sound server may then hand over what it had buffered before, so
nothing is kept that, by its arrival, was captured less than SETTLE_SECONDS after the opening.

What comes out are all channels as they came; what is made of them is the front end's business (`front.py`).

A microphone that is unplugged, or delivers nothing for `deadline_seconds`, is looked for again until it is back; what
is missing meanwhile is a gap, by the clock. PortAudio lists the devices once, when it is initialised, so every look but the
first initialises it anew.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal

import sounddevice

from recorder.audio import FRAME_TICKS, GAP_TICKS_MULTIPLE, TICKS_PER_SECOND, Gap, GapCause, Moment, PcmBlock
from recorder.config import Microphone as Settings
from recorder.device import cards, clock
from recorder.device.timeline import Pace, Timeline
from recorder.errors import MicrophoneError

BUFFER_SECONDS = 1.0
"""Asked of the driver: for how long this process may be late without a loss."""
READ_SECONDS_MAX = 0.8
"""The most to read at once."""
QUEUE_BLOCKS_MAX = 20
"""Some 9 s of audio, 16 at most."""
SETTLE_SECONDS = 0.5
START_SECONDS_MAX = 7.0
"""Until the first sample. A sleeping sound server takes up to two seconds; an array has power two to three seconds after the
light is lit (hardware/), and then begins to speak."""
LOOK_SECONDS = 0.25
"""Between two looks for a microphone that is gone."""


class Stamper:
    """Gives what was read its position and time, and declares what was lost. Pure."""

    def __init__(self, rate: int, channels: int) -> None:
        self._rate = rate
        self._sample_bytes = 2 * channels
        """Of one sample on every channel."""
        self._frame = rate * FRAME_TICKS // TICKS_PER_SECOND
        self._position = 0
        self._end_ns: int | None = None
        """When the last sample was captured that has a position; monotonic."""
        self.open(0)

    def open(self, now_ns: int) -> None:
        """A stream was opened, for the first time or again."""
        self._keep_from_ns = now_ns + round(SETTLE_SECONDS * 1e9)
        self._timeline = Timeline(self._rate)
        self._lost = 0
        """Ticks that are missing before what is read next."""
        self._settled = False

    def look(self, backlog: int, now_ns: int) -> None:
        """`backlog`: samples that wait to be read, and will."""
        if self._settled:
            self._lost += self._timeline.observe(0, now_ns, backlog)

    def stamp(self, pcm: bytes, backlog: int, now_ns: int, now: Moment) -> list[PcmBlock | Gap]:
        """`pcm`: whole frames of every channel; `backlog`: samples that were still waiting at `now_ns`."""
        samples = len(pcm) // self._sample_bytes
        age = samples + backlog
        if not self._settled:
            too_early_ns = self._keep_from_ns - (now_ns - self._ns(age))
            if too_early_ns > 0:
                early = -(-too_early_ns * self._rate // 1_000_000_000)
                dropped = min(samples, -(-early // self._frame) * self._frame)
                pcm, samples, age = pcm[self._sample_bytes * dropped :], samples - dropped, age - dropped
                if not samples:
                    return []
        per_sample = TICKS_PER_SECOND // self._rate
        moment = now.later(-age * per_sample)
        items: list[PcmBlock | Gap] = []
        if not self._settled:
            self._settled = True
            items += self.missing(now_ns - self._ns(age), moment)
        self._lost += self._timeline.observe(samples, now_ns, backlog)
        if self._lost:
            items.append(self._gap(self._lost, GapCause.STALL, moment))
            self._lost = 0
        items.append(PcmBlock(self._position, samples * per_sample, pcm, moment))
        self._position += samples * per_sample
        self._end_ns = now_ns - self._ns(backlog)
        return items

    def missing(self, until_ns: int, until: Moment) -> list[Gap]:
        """What was not heard since the last sample because the microphone was gone. Less than a frame is nothing."""
        if self._end_ns is None:
            return []
        ticks = (until_ns - self._end_ns) * TICKS_PER_SECOND // 1_000_000_000 // GAP_TICKS_MULTIPLE * GAP_TICKS_MULTIPLE
        if ticks < FRAME_TICKS:
            return []
        self._end_ns = until_ns
        return [self._gap(ticks, GapCause.UNPLUGGED, until)]

    def _gap(self, ticks: int, cause: GapCause, end: Moment) -> Gap:
        gap = Gap(self._position, ticks, cause, end.later(-ticks))
        self._position += ticks
        return gap

    def _ns(self, samples: int) -> int:
        return samples * 1_000_000_000 // self._rate


class Microphone:
    """One microphone for one recording: opened once, closed once, and looked for again when it is gone meanwhile."""

    def __init__(
        self,
        settings: Settings,
        *,
        on_gone: Callable[[], None],
        on_shut: Callable[[], None],
    ) -> None:
        """Find it and agree on a rate, without opening it; a MicrophoneError says what is wrong.

        With `settings.interlock` it has no power yet, and will be found when it is opened.

        Both are called from the reading thread: `on_gone` when samples had come and come no more; `on_shut` when the stream
        is really closed, also when it never was open.
        """
        self._settings = settings
        self._on_gone = on_gone
        self._on_shut = on_shut
        self.rate = settings.rates[0] if settings.interlock else _agree(settings, _device(settings.identity))
        self.overflows = 0
        self._queue: queue.Queue[PcmBlock | Gap | MicrophoneError | None] = queue.Queue(QUEUE_BLOCKS_MAX)
        self._dropped: Gap | None = None
        self._opening = threading.Event()
        self._stopping = threading.Event()
        self._heard = False
        """Samples of the present stream were kept."""
        self._stamper = Stamper(self.rate, settings.channels)
        self._reader = threading.Thread(target=self._run, name="microphone", daemon=True)
        self._reader.start()

    def open(self) -> None:
        """Begin to capture. Returns at once."""
        self._opening.set()

    def stop(self) -> None:
        """Close the stream. Returns at once; `on_shut` tells when it is done."""
        self._stopping.set()
        self._opening.set()

    def items(self) -> Iterator[PcmBlock | Gap]:
        """What is captured until `stop`, from `open` on; then the rest. A MicrophoneError ends it, too."""
        while (item := self._queue.get()) is not None:
            if isinstance(item, MicrophoneError):
                raise item
            yield item

    def _run(self) -> None:
        self._opening.wait()
        failure = self._listen()
        self._on_shut()
        if not self._heard:
            self._declare_missing()
        if self._dropped is not None:
            self._queue.put(self._dropped)
        self._queue.put(failure)

    def _listen(self) -> MicrophoneError | None:
        """Until `stop`, or why it is given up."""
        patience, what = START_SECONDS_MAX, "has delivered nothing"
        deadline = time.monotonic() + patience
        looks = 0
        while not self._stopping.is_set():
            try:
                self._capture(deadline, again=looks > 0)
            except (MicrophoneError, sounddevice.PortAudioError) as error:
                looks += 1
                if self._heard:
                    self._heard = False
                    self._on_gone()
                    patience, what = self._settings.away_seconds, "has been gone"
                    deadline = time.monotonic() + patience
                    self._stopping.wait(LOOK_SECONDS)
                    self._declare_missing()  # at once: then what was heard before it is sealed, and safe
                elif time.monotonic() >= deadline:
                    return MicrophoneError(
                        f"the microphone {self._settings.identity} {what} for {patience:g} s. Check its plug ({error.args[0]})"
                    )
                else:
                    self._stopping.wait(LOOK_SECONDS)
        return None

    def _declare_missing(self) -> None:
        for gap in self._stamper.missing(clock.monotonic_ns(), clock.moment()):
            self._put(gap)

    def _capture(self, deadline: float, *, again: bool) -> None:
        """One stream, until `stop`. What ends it otherwise is a PortAudioError or a MicrophoneError."""
        if again:
            sounddevice._terminate()  # no stream is open
            sounddevice._initialize()
        device = _device(self._settings.identity)
        if _agree(self._settings, device) != self.rate:
            raise MicrophoneError(f"it does {self.rate} samples a second no more; put it where it was")
        stream = sounddevice.RawInputStream(
            device=device,
            channels=self._settings.channels,
            samplerate=self.rate,
            dtype="int16",
            blocksize=self.rate * FRAME_TICKS // TICKS_PER_SECOND,
            latency=BUFFER_SECONDS,
        )
        try:
            stream.start()
            self._poll(stream, min(deadline, time.monotonic() + START_SECONDS_MAX))
        finally:
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)

    def _poll(self, stream: sounddevice.RawInputStream, deadline: float) -> None:
        """Read what comes; the first of it until `deadline` (monotonic seconds)."""
        frame = self.rate * FRAME_TICKS // TICKS_PER_SECOND
        read_max = round(self.rate * READ_SECONDS_MAX)
        self._stamper.open(clock.monotonic_ns())
        pace, seen = Pace(), 0
        while not self._stopping.wait(pace.pause_seconds):
            available = stream.read_available
            now_ns = clock.monotonic_ns()  # after counting: lateness may only add to the lag
            came, seen = available > seen, available
            if came:
                deadline = time.monotonic() + self._settings.deadline_seconds
            elif time.monotonic() >= deadline:
                raise MicrophoneError("it stays open and delivers nothing")
            samples = min(available // frame * frame, read_max)
            if not pace.read(came=came, waiting=samples > 0):
                self._stamper.look(available, now_ns)
                continue
            now = clock.moment()
            data, _ = stream.read(samples)  # the flag says "overflow" when it likes; the timeline decides
            seen -= samples
            items = self._stamper.stamp(bytes(data), available - samples, now_ns, now)
            self._heard = self._heard or bool(items)
            for item in items:
                self._put(item)

    def _put(self, item: PcmBlock | Gap) -> None:
        """Hand over, or drop and remember to say so."""
        dropped = self._dropped
        if dropped is not None and not self._queue.full():
            self._queue.put(dropped)
            dropped = None
        if not self._queue.full():
            self._queue.put(item)
        elif dropped is None:
            self.overflows += 1
            dropped = Gap(item.position, item.length, GapCause.OVERFLOW, item.moment)
        else:
            dropped = Gap(dropped.position, dropped.length + item.length, GapCause.OVERFLOW, dropped.moment)
        self._dropped = dropped


def _device(identity: str) -> int:
    """PortAudio's number, at this moment, of the microphone with this identity."""
    kind, _, name = identity.partition(":")
    ending = name if kind == "pcm" else f"({cards.find(identity).address})"
    for number, device in enumerate(sounddevice.query_devices()):
        found: str = device["name"]
        if device["max_input_channels"] and (found == ending if kind == "pcm" else found.endswith(ending)):
            return number
    raise MicrophoneError(f"the microphone {identity} cannot be used: ALSA offers no such input, or it is in use")


def _agree(settings: Settings, device: int) -> Literal[48_000, 16_000]:
    """The first rate that both the settings and the microphone know."""
    reason = ""
    for rate in settings.rates:
        try:
            sounddevice.check_input_settings(device, settings.channels, "int16", samplerate=rate)
        except sounddevice.PortAudioError as error:
            reason = str(error.args[0])
        else:
            return rate
    rates = " nor ".join(str(rate) for rate in settings.rates)
    raise MicrophoneError(
        f"the microphone {settings.identity} does neither {rates} samples a second with {settings.channels} "
        f"channel(s). Change microphone.rates or microphone.channels ({reason})"
    )
