"""What the reading room writes, judged by the tools that its readers use: opusinfo, opusdec, ffprobe."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import opuslib_next
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from recorder import keyfiles
from recorder.archive import unnamed
from recorder.archive.ogg import OggOpusWriter, _check_frame
from recorder.archive.reading_room import listen
from recorder.audio import CALENDAR_END_MS, FRAME_TICKS, Gap, GapCause, Moment, OpusBlock
from recorder.errors import SealedError, StoreError
from recorder.sealed import layout, seal
from recorder.sealed.keys import RecipientPrivateKey
from recorder.sealed.ledger import Ledger
from recorder.sealed.verify import State

PRESKIP = 312
MOMENT = Moment(1_700_000_000_000, 60_000, True)
DEVICE = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
RECIPIENT = RecipientPrivateKey.generate("x25519")


def sweep(samples: np.ndarray) -> np.ndarray:
    """A tone that rises from 300 Hz by 800 Hz a second, so that a stretch of it fits one place only."""
    t = samples / 48_000
    return (9_000 * np.sin(2 * np.pi * (300 * t + 400 * t**2))).astype("<i2")


def encode(first: int, frames: int, *, flush: bool) -> tuple[bytes, ...]:
    """Packets of the sweep from frame `first`; with one more packet of silence to flush."""
    encoder = opuslib_next.Encoder(48_000, 1, "voip")
    waves = [sweep(np.arange(frame * 960, (frame + 1) * 960)).tobytes() for frame in range(first, first + frames)]
    return tuple(encoder.encode(wave, 960) for wave in [*waves, *[bytes(1_920)] * flush])


def block(position: int, first: int, frames: int, *, flush: bool = False) -> OpusBlock:
    return OpusBlock(position, frames * FRAME_TICKS, encode(first, frames, flush=flush), flush, MOMENT)


def gap(position: int, length: int) -> Gap:
    return Gap(position, length, GapCause.UNPLUGGED, MOMENT)


TONE = [block(0, 0, 50, flush=True)]
RECORDINGS = {
    "audio, flushed": TONE,
    "audio, not flushed (power cut)": [block(0, 0, 50)],
    "a gap between": [*TONE, gap(48_000, 24_120), block(72_120, 0, 25, flush=True)],
    "the shortest gap": [*TONE, gap(48_000, 960), block(48_960, 0, 25, flush=True)],
    "two gaps in a row": [*TONE, gap(48_000, 1_080), gap(49_080, 2_040), block(51_120, 0, 25, flush=True)],
    "a gap first": [gap(0, 9_720), block(9_720, 0, 25, flush=True)],
    "a gap last": [*TONE, gap(48_000, 4_920)],
    "only a gap": [gap(0, 96_000)],
    "less than a frame": [block(0, 0, 0, flush=True)],
    "nothing": [],
}


def sealed(items: list[OpusBlock | Gap], *, blocks_kept: int | None = None, spoilt: int | None = None) -> bytes:
    """A sealed file, cut behind so many blocks; of block `spoilt` the device signed what no key opens."""
    preamble, keybox, sealer = seal.begin(
        DEVICE,
        device="room-1",
        sequence=1,
        previous=bytes(32),
        moment=MOMENT,
        boot=bytes(16),
        rate=48_000,
        preskip=PRESKIP,
        pad_bytes=64,
        suite="chacha20poly1305",
        recipients=[RECIPIENT.public],
        random=lambda count: bytearray(range(count)),
    )
    ledger = Ledger(layout.parse_record(preamble)[1])
    records = [sealer.seal(item, final=number == len(items)) for number, item in enumerate(items, 1)]
    if spoilt is not None:
        body = layout.parse_record(records[spoilt])[1]
        unsigned = body[64:-1] + bytes([body[-1] ^ 1])
        digest = layout.hash_body(layout.parse_record(preamble)[1])
        body = DEVICE.sign(layout.DOMAIN_BLOCK + digest + unsigned) + unsigned
        records[spoilt] = layout.record(layout.RecordType.BLOCK, body)
    for each in records:
        ledger.add(layout.parse_record(each)[1])
    manifest = ledger.manifest(DEVICE, ended="stop", events=[], moment=MOMENT, boot=bytes(16), keybox_body=keybox)
    return b"".join([preamble, *records[:blocks_kept], manifest, layout.record(layout.RecordType.KEYBOX, keybox)])


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", RECORDINGS)
def test_real_tools_play_it_at_its_true_length(name: str, tmp_path: Path) -> None:
    items = RECORDINGS[name]
    ticks = items[-1].position + items[-1].length if items else 0
    source, out, wav = tmp_path / "a.sealed", tmp_path / "a.opus", tmp_path / "a.wav"
    source.write_bytes(sealed(items))
    report = listen(source, [DEVICE.public_key()], RECIPIENT, out)
    assert report.state is State.WHOLE
    told = run("opusinfo", out)
    assert "WARNING" not in told, told
    assert f"RECORDING={report.preamble.recording}" in told
    assert "DEVICE=room-1" in told
    assert f"Pre-skip: {PRESKIP}" in told
    run("opusdec", "--quiet", "--rate", "48000", out, wav)
    assert (wav.stat().st_size - 44) // 2 == ticks
    streams = json.loads(run("ffprobe", "-v", "error", "-show_streams", "-of", "json", out))["streams"]
    assert [(each["codec_name"], each["channels"]) for each in streams] == [("opus", 1)]
    if ticks > FRAME_TICKS:
        assert float(streams[0]["duration"]) == pytest.approx((ticks + PRESKIP) / 48_000, abs=1e-6)


def test_every_packet_is_the_encoders_own(tmp_path: Path) -> None:
    source, out = tmp_path / "a.sealed", tmp_path / "a.opus"
    source.write_bytes(sealed(TONE))
    listen(source, [DEVICE.public_key()], RECIPIENT, out)
    assert b"".join(TONE[0].packets[:50]) in out.read_bytes()


def test_a_clock_beyond_the_calendar_is_told_and_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = tmp_path / "a.sealed", tmp_path / "a.opus"
    monkeypatch.setattr(f"{__name__}.MOMENT", Moment(CALENDAR_END_MS, 60_000, True))
    source.write_bytes(sealed([block(0, 0, 50, flush=True)]))
    assert listen(source, [DEVICE.public_key()], RECIPIENT, out).state is State.WHOLE
    assert "DATE=after the year 9999" in run("opusinfo", out)


def packets_of(data: bytes) -> list[bytes]:
    """The packets behind the two headers, none of which runs over a page (RFC 3533, section 6)."""
    found, at = [], 0
    while at < len(data):
        lengths = data[at + 27 : at + 27 + data[at + 26]]
        at += 27 + len(lengths)
        packet = b""
        for length in lengths:
            packet += data[at : at + length]
            at += length
            if length < 255:
                found.append(packet)
                packet = b""
    return found[2:]


def test_a_gap_is_lost_packets_in_the_mode_of_the_last_one(tmp_path: Path) -> None:
    source, out = tmp_path / "a.sealed", tmp_path / "a.opus"
    source.write_bytes(sealed([gap(0, 1_080), block(1_080, 0, 50, flush=True), gap(49_080, 3_000)]))
    listen(source, [DEVICE.public_key()], RECIPIENT, out)
    packets = packets_of(out.read_bytes())
    assert packets[:2] == [b"\xf8", b"\xe0"]
    toc = bytes([packets[52][0] & 0xFC])
    assert toc != b"\xf8"
    assert packets[53:] == [toc, toc, b"\xe0", toc]  # the flushed packet took 960 ticks; the last carries the end out


def test_sound_behind_a_gap_stands_at_its_position(tmp_path: Path) -> None:
    source, out, raw = tmp_path / "a.sealed", tmp_path / "a.opus", tmp_path / "a.raw"
    source.write_bytes(sealed([gap(0, 24_120), block(24_120, 0, 50, flush=True), gap(72_120, 48_000)]))
    listen(source, [DEVICE.public_key()], RECIPIENT, out)
    run("opusdec", "--quiet", "--rate", "48000", "--no-dither", out, raw)
    samples = np.frombuffer(raw.read_bytes()[-240_240:], "<i2").astype(float)
    assert np.abs(samples[:24_000]).max() < 200
    stretch = sweep(np.arange(10_000, 40_000)).astype(float)
    heard = samples[24_120 + 10_000 - 3_000 : 24_120 + 40_000 + 3_000]
    lag = int(np.correlate(heard, stretch, "valid").argmax()) - 3_000
    assert abs(lag) <= 8  # the codec's own phase; a frame or a pre-skip out of place is at least 120


def test_a_failure_leaves_no_plaintext_and_the_old_file(tmp_path: Path) -> None:
    source, out = tmp_path / "a.sealed", tmp_path / "a.opus"
    out.write_bytes(b"the old file")
    source.write_bytes(sealed(RECORDINGS["a gap between"], blocks_kept=2))
    with pytest.raises(SealedError, match="2 are here"):
        listen(source, [DEVICE.public_key()], RECIPIENT, out)
    assert out.read_bytes() == b"the old file"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.opus", "a.sealed"]


def test_salvage_says_so_in_the_file(tmp_path: Path) -> None:
    source, out = tmp_path / "a.sealed", tmp_path / "a.opus"
    source.write_bytes(sealed(RECORDINGS["a gap between"], blocks_kept=2))
    report = listen(source, [DEVICE.public_key()], RECIPIENT, out, salvage=True)
    assert (report.state, report.blocks) == (State.CUT, 2)
    told = run("opusinfo", out)
    assert "STATE=cut: the manifest tells of 3 blocks, and 2 are here" in told
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_flaw_that_quotes_what_a_device_signed_finds_room_in_the_file(tmp_path: Path) -> None:
    source, out = tmp_path / "a.sealed", tmp_path / "a.opus"
    items = RECORDINGS["a gap between"]
    text = b'{"' + b"a" * 70_000 + b'":1}'
    manifest = layout.record(layout.RecordType.MANIFEST, DEVICE.sign(layout.DOMAIN_MANIFEST + text) + text)
    records = [layout.record(*each) for each in layout.split(io.BytesIO(sealed(items)))]
    source.write_bytes(b"".join([*records[:-2], manifest, records[-1]]))
    report = listen(source, [DEVICE.public_key()], RECIPIENT, out, salvage=True)
    assert (report.state, report.blocks) == (State.CUT, len(items))
    assert "STATE=cut: the manifest: the text is not a Manifest" in run("opusinfo", out)


ANOTHER_KIND = OpusBlock(72_120, 1_920, (TONE[0].packets[0], b"\x00" + TONE[0].packets[1][1:]), False, MOMENT)
"""Its second packet says that it is of 10 ms."""
FLAWS_OF_THE_KEY = {
    "does not open": (sealed(RECORDINGS["a gap between"], spoilt=2), "block 2 does not open with the recording's key"),
    "is no frame": (
        sealed([*RECORDINGS["a gap between"][:2], ANOTHER_KIND]),
        "a packet that is not one frame of 20 ms",
    ),
}


@pytest.mark.parametrize("flaw", FLAWS_OF_THE_KEY)
def test_salvage_stops_at_a_flaw_that_only_the_key_shows(flaw: str, tmp_path: Path) -> None:
    source, out, wav = tmp_path / "a.sealed", tmp_path / "a.opus", tmp_path / "a.wav"
    data, words = FLAWS_OF_THE_KEY[flaw]
    source.write_bytes(data)
    with pytest.raises(SealedError, match=words):
        listen(source, [DEVICE.public_key()], RECIPIENT, out)
    assert not out.exists()
    report = listen(source, [DEVICE.public_key()], RECIPIENT, out, salvage=True)
    assert (report.state, report.blocks, report.ticks, len(report.gaps)) == (State.CUT, 2, 72_120, 1)
    assert report.flaw is not None and words in report.flaw
    told = run("opusinfo", out)
    assert "WARNING" not in told, told
    assert f"STATE=cut: {report.flaw}" in told
    run("opusdec", "--quiet", "--rate", "48000", out, wav)
    assert (wav.stat().st_size - 44) // 2 == 72_120


def test_a_flaw_in_the_first_block_leaves_an_empty_file_that_says_so(tmp_path: Path) -> None:
    source, out = tmp_path / "a.sealed", tmp_path / "a.opus"
    source.write_bytes(sealed(TONE, spoilt=0))
    report = listen(source, [DEVICE.public_key()], RECIPIENT, out, salvage=True)
    assert (report.state, report.blocks, report.ticks, report.first, report.last) == (State.CUT, 0, 0, None, None)
    assert "STATE=cut: block 0 does not open" in run("opusinfo", out)


KILLED_BY_ITSELF = """
import os, signal, sys
from recorder.archive import reading_room
from recorder.cli import main

number, arguments = int(sys.argv[1]), sys.argv[2:]
signal.signal(number, signal.SIG_DFL)  # whatever the tests were started with
write, seen = reading_room.OggOpusWriter.write, []

def write_and_die(self, item):
    write(self, item)
    self._out.flush()
    seen.append(item)
    if len(seen) == 2:
        os.kill(os.getpid(), number)

reading_room.OggOpusWriter.write = write_and_die
main(arguments)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("force", [False, True])
def test_an_opening_that_is_ended_leaves_no_plaintext_and_the_old_file(
    tmp_path: Path, number: signal.Signals, force: bool
) -> None:
    (tmp_path / "a.sealed").write_bytes(sealed(RECORDINGS["a gap between"]))
    keyfiles.save_device_public(tmp_path / "room-1.device.pub", DEVICE.public_key())
    keyfiles.save_recipient(tmp_path / "a.key", RECIPIENT, b"four words are enough")
    (tmp_path / "words").write_text("four words are enough\n")
    if force:
        (tmp_path / "a.opus").write_bytes(b"the old file")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    source, key, words, out = (tmp_path / name for name in ("a.sealed", "a.key", "words", "a.opus"))
    command = [sys.executable, "-c", KILLED_BY_ITSELF, str(int(number)), "open", source, *["--force"] * force]
    done = subprocess.run([*command, "--key", key, "--passphrase-file", words, "-o", out], check=False)
    assert done.returncode == -number
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_disk_that_would_keep_half_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = tmp_path / "a.sealed", tmp_path / "a.opus"
    source.write_bytes(sealed(TONE))

    def cannot(folder: Path) -> int:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(unnamed, "make", cannot)
    with pytest.raises(StoreError, match="would leave audio behind; write to a disk of this computer"):
        listen(source, [DEVICE.public_key()], RECIPIENT, out)
    assert [path.name for path in tmp_path.iterdir()] == ["a.sealed"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"a\.sealed"):
        listen(tmp_path / "a.sealed", [DEVICE.public_key()], RECIPIENT, tmp_path / "a.opus")
    assert list(tmp_path.iterdir()) == []


def test_a_packet_of_another_kind_is_refused() -> None:
    refused = 0
    for toc in range(256):
        for count in range(4):
            try:
                _check_frame(bytes([toc, count, 0]))
            except SealedError:
                refused += 1
            else:
                assert opuslib_next.api.decoder.packet_get_samples_per_frame(bytes([toc]), 48_000) == 960
                assert opuslib_next.api.decoder.packet_get_nb_frames(bytes([toc, count, 0])) == 1
                assert opuslib_next.api.decoder.packet_get_nb_channels(bytes([toc])) == 1
    assert 4 * 256 - refused == 9 * 5  # nine modes of 20 ms; code 0 whatever the next byte, code 3 with one frame


def test_comments_longer_than_a_page_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as out, pytest.raises(ValueError, match="comments"):
        OggOpusWriter(out, serial=1, rate=48_000, preskip=0, comments=[("A", "x" * 65_000)])
