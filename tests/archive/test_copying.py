"""Copies that leave the archive: by the tools that play them, and for what must not be in them."""

import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.archive import masking
from recorder.archive.copying import Track, _cut, fragment, masked, ogg_file, original, wav_file
from recorder.archive.hearing import Hearing
from recorder.archive.masking import Range
from recorder.archive.reading_room import listen
from recorder.archive.voice import Alteration
from recorder.audio import Gap, GapCause, PcmBlock
from recorder.errors import SealedError
from tests.archive.heard import OPUS, hear, power, room, tone
from tests.archive.test_masking import SHAPES, made, noise, samples
from tests.archive.test_playable import decoded
from tests.archive.test_reading_room import DEVICE, MOMENT, RECIPIENT, sealed

SECRET_HZ, OTHER_HZ = 3_100, 440
HIGHER = Alteration(1.2, 0.8)
PAUSE = (48_120, GapCause.PAUSE)
PIECES = [tone(OTHER_HZ, 1.5), tone(SECRET_HZ, 1.0), tone(OTHER_HZ, 1.5), PAUSE, tone(OTHER_HZ, 1.0)]
TICKS = 5 * 48_000 + PAUSE[0]
SECRET = Range(1_500, 2_500)


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> Hearing:
    return hear(tmp_path_factory.mktemp("archive"), room(PIECES))


def heard(track: Track, folder: Path) -> np.ndarray:
    """Its samples at 48 kHz, by opusdec."""
    return np.frombuffer(decoded(b"".join(ogg_file(track, 7)), folder), "<i2")


def secret(pcm: np.ndarray, rate: int = 48_000, hertz: float = SECRET_HZ) -> float:
    """The most of the secret tone in any 40 ms."""
    size = rate // 25
    return max(power(pcm[at : at + size], hertz, rate) for at in range(0, len(pcm) - size, size // 4))


def test_the_copy_has_the_very_packets_of_the_room(hearing: Hearing, tmp_path: Path) -> None:
    items = room(PIECES)
    (tmp_path / "a.sealed").write_bytes(sealed(items))
    listen(tmp_path / "a.sealed", [DEVICE.public_key()], RECIPIENT, tmp_path / "b.opus")
    serial = int(hearing.report.preamble.recording[:8], 16)
    assert b"".join(ogg_file(original(hearing), serial)) == (tmp_path / "b.opus").read_bytes()


def test_a_masked_copy_is_as_long_and_the_rest_of_it_sounds_the_same(hearing: Hearing, tmp_path: Path) -> None:
    whole, copy = heard(original(hearing), tmp_path), heard(masked(hearing, [SECRET], OPUS), tmp_path)
    assert len(whole) == len(copy) == TICKS
    for part in (slice(4_800, 66_000), slice(130_000, 190_000), slice(TICKS - 40_000, TICKS)):
        assert np.corrcoef(whole[part], copy[part])[0, 1] > 0.99
    assert abs(power(copy[76_800:115_200], masking.TONE_HZ, 48_000) - masking.TONE_LEVEL) < 0.2 * masking.TONE_LEVEL


def test_nothing_of_what_is_masked_is_in_the_copy_nor_beside_it(hearing: Hearing, tmp_path: Path) -> None:
    """Not even the echo that a codec puts before and behind a loud sound."""
    before = secret(heard(original(hearing), tmp_path))
    after = secret(heard(masked(hearing, [SECRET], OPUS), tmp_path))
    never = secret(heard(masked(hear(tmp_path, room([tone(OTHER_HZ, 4.0), *PIECES[3:]])), [SECRET], OPUS), tmp_path))
    assert before > 0.25
    assert after < 0.002
    assert after < 2 * never


def test_a_masked_copy_says_what_it_is(hearing: Hearing) -> None:
    data = b"".join(ogg_file(masked(hearing, [SECRET, Range(3_000, 3_100)], OPUS), 7))
    assert b"MASKED=1000 ms at 1500 ms" in data
    assert b"MASKED=100 ms at 3000 ms" in data
    assert b"COPY=encoded anew at the archive" in data
    assert b"GAP=1.0025 s at 4.0000 s, pause" in data


def test_many_masks_find_room_in_the_file(hearing: Hearing) -> None:
    data = b"".join(ogg_file(masked(hearing, [Range(at, at + 1) for at in range(5_000)], OPUS), 7))
    assert b"MASKS=5000" in data


def test_the_wav_file_is_the_same_sound(hearing: Hearing, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"".join(wav_file(hearing)))
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getparams()[:4] == (1, 2, 16_000, TICKS // 3)
        pcm = np.frombuffer(file.readframes(TICKS), "<i2")
    whole = heard(original(hearing), tmp_path)[::3]
    assert np.corrcoef(pcm[:60_000], whole[:60_000])[0, 1] > 0.99
    assert not pcm[64_000 : 64_000 + PAUSE[0] // 3].any()
    probe = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", tmp_path / "a.wav"]
    told = subprocess.run(probe, check=True, capture_output=True, text=True).stdout
    assert float(told) == pytest.approx(TICKS / 48_000, abs=1e-4)


def test_the_wav_file_is_masked_too(hearing: Hearing) -> None:
    data = b"".join(wav_file(hearing, [SECRET]))
    assert secret(np.frombuffer(data[44:], "<i2"), 16_000) < 0.002
    assert len(data) == 44 + 2 * TICKS // 3


def test_no_piece_is_larger_than_a_block(hearing: Hearing) -> None:
    assert max(map(len, wav_file(hearing))) <= 2 * 16_000 + 44
    assert max(map(len, ogg_file(original(hearing), 7))) < 20_000


def test_what_no_wav_file_holds_is_told(tmp_path: Path) -> None:
    day = 48_000 * 3_600 * 20
    hearing = hear(tmp_path, [Gap(at * day, day, GapCause.PAUSE, MOMENT) for at in range(2)])
    with pytest.raises(SealedError, match="longer than a WAV file may be"):
        next(wav_file(hearing))


def test_a_recording_of_nothing_is_a_file_of_nothing(tmp_path: Path) -> None:
    hearing = hear(tmp_path, [])
    assert len(b"".join(wav_file(hearing))) == 44
    assert len(heard(masked(hearing, [SECRET], OPUS), tmp_path)) == 0


def test_a_fragment_is_the_stretch_with_another_voice(hearing: Hearing, tmp_path: Path) -> None:
    pcm = heard(fragment(hearing, Range(200, 1_200), [], HIGHER, OPUS), tmp_path)
    assert len(pcm) == 48_000
    middle = pcm[9_600:38_400]
    assert power(middle, OTHER_HZ * 1.2, 48_000) > 10 * power(middle, OTHER_HZ, 48_000)


def test_a_fragment_tells_neither_where_nor_when_nor_by_how_much(hearing: Hearing, tmp_path: Path) -> None:
    track = fragment(hearing, Range(1_200, 3_900), [SECRET], HIGHER, OPUS)
    data = b"".join(ogg_file(track, 7))
    preamble = hearing.report.preamble
    for told in (preamble.recording, preamble.device, "DATE=", "GAP="):
        assert told.encode() not in data
    assert b"VOICE=altered: pseudonymised, not anonymous" in data
    pcm = np.frombuffer(decoded(data, tmp_path), "<i2")
    without = hear(tmp_path, room([tone(OTHER_HZ, 4.0), *PIECES[3:]]))
    never = heard(fragment(without, Range(1_200, 3_900), [SECRET], HIGHER, OPUS), tmp_path)
    bare = heard(fragment(hearing, Range(1_200, 3_900), [], HIGHER, OPUS), tmp_path)
    for hertz in (SECRET_HZ, SECRET_HZ * HIGHER.pitch):
        assert secret(pcm, hertz=hertz) < 1.5 * secret(never, hertz=hertz)
    assert secret(bare, hertz=SECRET_HZ * HIGHER.pitch) > 20 * secret(pcm, hertz=SECRET_HZ * HIGHER.pitch)
    tone_, altered = (power(pcm[16_800:60_000], hertz, 48_000) for hertz in (1_000, 1_200))
    assert tone_ > 0.8 * masking.TONE_LEVEL
    assert altered < 0.02 * masking.TONE_LEVEL


def test_a_mask_is_not_altered_with_the_voice(tmp_path: Path) -> None:
    """Its pitch would tell how to undo that; and altering moves a sound by some milliseconds, out of the mask."""
    quiet = hear(tmp_path, room([np.zeros(96_000, "<i2"), tone(SECRET_HZ, 1.0), np.zeros(96_000, "<i2")]))
    pcm = heard(fragment(quiet, Range(0, 5_000), [Range(2_000, 3_000)], HIGHER, OPUS), tmp_path)
    before, behind = (2_000 - masking.BEFORE_MS - 5) * 48, (3_000 + masking.BEHIND_MS + 5) * 48
    assert np.abs(pcm[:before]).max() < 100
    assert np.abs(pcm[behind:]).max() < 100


def test_a_fragment_opens_no_more_than_it_needs(hearing: Hearing, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    block = hearing.block
    monkeypatch.setattr(hearing, "block", lambda index: opened.append(index) or block(index))
    list(fragment(hearing, Range(2_100, 2_900), [], HIGHER, OPUS).items)
    assert opened == [2]
    opened.clear()
    list(fragment(hearing, Range(2_050, 3_000), [], HIGHER, OPUS).items)
    assert opened == [1, 2, 3]  # one to settle the decoder, and one in which the last samples end


def test_a_fragment_keeps_its_gap(hearing: Hearing, tmp_path: Path) -> None:
    track = fragment(hearing, Range(3_500, 5_500), [], HIGHER, OPUS)
    items = list(track.items)
    (gap,) = [item for item in items if isinstance(item, Gap)]
    assert (gap.position, gap.length, gap.cause) == (24_000, PAUSE[0], GapCause.PAUSE)
    assert items[0].position == 0
    assert items[-1].position + items[-1].length <= 96_000


@pytest.mark.parametrize("range_", [Range(5, 5), Range(9, 2), Range(0, 300_001)])
def test_a_fragment_of_nothing_or_of_everything_is_none(hearing: Hearing, range_: Range) -> None:
    with pytest.raises(ValueError, match="empty or over 300 seconds"):
        fragment(hearing, range_, [], HIGHER, OPUS)


def test_a_fragment_beyond_the_end_has_nothing(hearing: Hearing, tmp_path: Path) -> None:
    assert list(fragment(hearing, Range(60_000, 61_000), [], HIGHER, OPUS).items) == []


@given(SHAPES, st.integers(0, 60_000), st.integers(0, 60_000))
def test_a_cut_is_whole_frames_within_it(shape: list[int], start: int, stop: int) -> None:
    items = made(shape, noise(1))
    cut = list(_cut(items, start, stop))
    whole, position = samples(items), None
    for item in cut:
        assert start <= item.position
        assert item.position + item.length <= stop
        assert position in (None, item.position)
        position = item.position + item.length
        if isinstance(item, PcmBlock):
            first = item.position // 3
            assert (np.frombuffer(item.pcm, "<i2") == whole[first : first + item.length // 3]).all()
    heard = [item for item in items if start <= item.position and item.position + item.length <= stop]
    assert sum(item.length for item in cut) >= sum(item.length for item in heard)
