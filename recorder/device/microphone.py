"""The microphone: PortAudio in, PcmBlock or Gap out. Position and time are assigned here, once.

One thread polls what has come and reads it; it never waits inside PortAudio. A blocking read hangs for ever when a
sound server stalls, and a callback needs memory that is both writable and executable, which the service forbids
(systemd's MemoryDenyWriteExecute). Polling also costs least, because libraries spin when asked to wait.

Between that thread and the rest stands one bounded queue. When it is full, what comes is dropped and declared as a
gap; the thread itself never waits for the rest, so that `stop` closes the stream at once.

The stream is opened by `open` and no earlier. A sound server may then hand over what it had buffered before, so
nothing is kept that, by its arrival, was captured less than SETTLE_SECONDS after the opening.
"""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
import sounddevice

from recorder.audio import FRAME_TICKS, TICKS_PER_SECOND, Gap, GapCause, Moment, PcmBlock
from recorder.config import Microphone as Settings
from recorder.device import cards, clock
from recorder.device.timeline import READ_SECONDS, Pace, Timeline
from recorder.errors import MicrophoneError

BUFFER_SECONDS = 1.0
"""Asked of the driver: for how long this process may be late without a loss."""
QUEUE_BLOCKS_MAX = 40
"""Some 8 s of audio, 16 at most."""
SETTLE_SECONDS = 0.5
START_SECONDS_MAX = 5.0
"""Until the first sample: a sleeping sound server takes up to two seconds."""


def mono(pcm: bytes, channels: int, pick: int | Literal["mix"]) -> bytes:
    """One channel (from 1) of interleaved 16-bit samples, or the mean of all."""
    if channels == 1:
        return pcm
    frames = np.frombuffer(pcm, dtype="<i2").reshape(-1, channels)
    if pick == "mix":
        # The sum of eight channels does not fit in 16 bits.
        return bytes((frames.sum(axis=1, dtype=np.int32) // channels).astype("<i2"))
    return bytes(np.ascontiguousarray(frames[:, pick - 1]))


class Stamper:
    """Gives what was read its position and time, and declares what was lost. Pure."""

    def __init__(self, rate: int, opened_ns: int) -> None:
        self._rate = rate
        self._keep_from_ns = opened_ns + round(SETTLE_SECONDS * 1e9)
        self._frame = rate * FRAME_TICKS // TICKS_PER_SECOND
        self._timeline = Timeline(rate)
        self._position = 0

    def stamp(self, pcm: bytes, backlog: int, now_ns: int, now: Moment) -> list[PcmBlock | Gap]:
        """`pcm`: whole frames of mono audio; `backlog`: samples that were still waiting at `now_ns`."""
        samples = len(pcm) // 2
        age = samples + backlog
        if self._position == 0:
            too_early_ns = self._keep_from_ns - (now_ns - age * 1_000_000_000 // self._rate)
            if too_early_ns > 0:
                early = -(-too_early_ns * self._rate // 1_000_000_000)
                dropped = min(samples, -(-early // self._frame) * self._frame)
                pcm, samples, age = pcm[2 * dropped :], samples - dropped, age - dropped
                if not samples:
                    return []
        lost = self._timeline.observe(samples, now_ns, backlog)
        per_sample = TICKS_PER_SECOND // self._rate
        moment = now.later(-age * per_sample)
        items: list[PcmBlock | Gap] = []
        if lost:
            items.append(Gap(self._position, lost, GapCause.STALL, moment.later(-lost)))
            self._position += lost
        items.append(PcmBlock(self._position, samples * per_sample, pcm, moment))
        self._position += samples * per_sample
        return items


class Microphone:
    """One microphone for one recording: found at once, opened once, closed once."""

    def __init__(self, settings: Settings, on_open: Callable[[], None], on_shut: Callable[[], None]) -> None:
        """Find it and agree on a rate, without opening it; a MicrophoneError says what is wrong.

        `on_open` is called when the first sample is kept, `on_shut` when the stream is really closed, both from the
        reading thread; `on_shut` also when it never was open.
        """
        self._settings = settings
        self._on_open = on_open
        self._on_shut = on_shut
        self._device = _device(settings.identity)
        self.rate = _agree(settings, self._device)
        self.overflows = 0
        self._queue: queue.Queue[PcmBlock | Gap | MicrophoneError | None] = queue.Queue(QUEUE_BLOCKS_MAX)
        self._dropped: Gap | None = None
        self._opening = threading.Event()
        self._stopping = threading.Event()
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
        self._opening.wait()
        patience = max(START_SECONDS_MAX, self._settings.deadline_seconds)
        while True:
            try:
                item = self._queue.get(timeout=patience)
            except queue.Empty:
                raise MicrophoneError(
                    f"the microphone {self._settings.identity} has delivered nothing for {patience:g} s. Check its plug"
                ) from None
            if item is None:
                return
            if isinstance(item, MicrophoneError):
                raise item
            patience = self._settings.deadline_seconds
            yield item

    def _run(self) -> None:
        self._opening.wait()
        failure: MicrophoneError | None = None
        try:
            if not self._stopping.is_set():
                self._capture()
        except sounddevice.PortAudioError as error:
            failure = MicrophoneError(
                f"the microphone {self._settings.identity} stopped delivering. Check its plug ({error.args[0]})"
            )
        self._on_shut()
        if self._dropped is not None:
            self._queue.put(self._dropped)
        self._queue.put(failure)

    def _capture(self) -> None:
        stream = sounddevice.RawInputStream(
            device=self._device,
            channels=self._settings.channels,
            samplerate=self.rate,
            dtype="int16",
            blocksize=self.rate * FRAME_TICKS // TICKS_PER_SECOND,
            latency=BUFFER_SECONDS,
        )
        try:
            stream.start()
            self._poll(stream)
        finally:
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)

    def _poll(self, stream: sounddevice.RawInputStream) -> None:
        frame = self.rate * FRAME_TICKS // TICKS_PER_SECOND
        read_max = round(self.rate * READ_SECONDS)
        stamper = Stamper(self.rate, clock.monotonic_ns())
        pace = Pace()
        pause = 0.0
        opened = False
        while not self._stopping.wait(pause):
            available = stream.read_available
            samples = min(available // frame * frame, read_max)
            pause = pace.pause_seconds(came=samples > 0, more=available - samples >= frame)
            if not samples:
                continue
            now_ns, now = clock.monotonic_ns(), clock.moment()  # after counting: lateness may only add to the lag
            data, _ = stream.read(samples)  # the flag says "overflow" when it likes; the timeline decides
            pcm = mono(bytes(data), self._settings.channels, self._settings.pick)
            items = stamper.stamp(pcm, available - samples, now_ns, now)
            if items and not opened:
                self._on_open()
                opened = True
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
