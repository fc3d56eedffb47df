"""A recording at one look: what the bars tell, how little is opened for it, and that what is drawn can be seen and read."""

import math
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.archive import waveform as module
from recorder.archive.hearing import Hearing
from recorder.archive.waveform import BOTTOM, HEIGHT, TOP, WIDTH, WORDS, Waveform, describe, draw, overview
from recorder.audio import GapCause
from recorder.sealed.layout import Missing
from tests.archive.heard import hear, room, tone
from tests.archive.test_reading_room import RECORDINGS

SECOND = 48_000
SVG = "{http://www.w3.org/2000/svg}"


def level(part: float) -> float:
    """Where a sine of this part of full scale stands."""
    return (20 * math.log10(part / math.sqrt(2)) - module.FLOOR_DB) / (module.CEILING_DB - module.FLOOR_DB)


def test_a_bar_is_as_high_as_its_sound_is_loud(tmp_path: Path) -> None:
    levels = (0.3, 0.03, 0.003, 0.0, 0.15)
    found = overview(hear(tmp_path, room([tone(440, 1.0, each) for each in levels])), bars=5)
    assert found.ticks == 5 * SECOND
    assert found.gaps == (False,) * 5
    for height, part in zip(found.levels, levels, strict=True):
        assert height == pytest.approx(level(part) if part else 0, abs=0.02)


def test_a_gap_is_told_where_it_is_and_nowhere_else(tmp_path: Path) -> None:
    lost = (2 * SECOND + 120, GapCause.STALL)
    hearing = hear(tmp_path, room([tone(440, 1.0), lost, tone(440, 2.0 - 0.02)]))
    found = overview(hearing, bars=10)
    each = found.ticks / 10
    told = [(at + 1) * each > SECOND and at * each < SECOND + lost[0] for at in range(10)]
    assert list(found.gaps) == told
    assert all(height > 0.9 for height, gap in zip(found.levels, told, strict=True) if not gap)
    assert found.levels[4] == 0


def test_a_gap_that_ends_with_a_bar_is_not_told_of_the_next(tmp_path: Path) -> None:
    hearing = hear(tmp_path, room([tone(440, 3.0), (2 * SECOND, GapCause.PAUSE), tone(440, 5.0)]))
    assert [at for at, gap in enumerate(overview(hearing, bars=10).gaps) if gap] == [3, 4]


def test_what_a_decoder_settles_on_is_no_part_of_the_bar(tmp_path: Path) -> None:
    hearing = hear(tmp_path, room([tone(440, 1.0, (0.3, 0.003)[at % 2]) for at in range(20)]))
    assert len(hearing.headers) > module.SAMPLED_FROM * 5
    found = overview(hearing, bars=5)
    assert found.levels == pytest.approx([level(0.003)] * 5, abs=0.12)


def opened(hearing: Hearing, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    taken: list[int] = []
    block = hearing.block
    monkeypatch.setattr(hearing, "block", lambda index: taken.append(index) or block(index))
    return taken


def test_of_a_long_one_a_block_in_each_bar_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = [tone(440, 8.0, 0.3 / 2 ** (at % 5)) for at in range(10)]
    hearing = hear(tmp_path, room([*pieces[:5], (8 * SECOND, GapCause.PAUSE), *pieces[5:]]))
    taken = opened(hearing, monkeypatch)
    found = overview(hearing, bars=11)
    assert len(taken) == 2 * 10
    assert found.gaps.index(True) == 5
    monkeypatch.setattr(module, "SAMPLED_FROM", 10**9)
    whole = overview(hearing, bars=11)
    assert whole.gaps == found.gaps
    assert found.levels == pytest.approx(whole.levels, abs=0.05)
    assert len(taken) == 20 + len(hearing.headers)


def test_it_is_decoded_as_a_whole_where_that_is_as_quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hearing = hear(tmp_path, room([tone(440, 6.0)]))
    taken = opened(hearing, monkeypatch)
    overview(hearing)
    assert taken == list(range(len(hearing.headers)))


@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.parametrize("bars", [1, 2, 7, 240, 5_000])
def test_any_recording_has_its_bars(name: str, bars: int, tmp_path: Path) -> None:
    items = RECORDINGS[name]
    hearing = hear(tmp_path, items)
    found = overview(hearing, bars)
    assert len(found.levels) == len(found.gaps) == min(bars, hearing.report.ticks // 120)
    assert all(0 <= each <= 1 for each in found.levels)
    assert any(found.gaps) == bool(hearing.report.gaps)


def test_a_whole_recording_of_tiny_blocks_is_sampled_too(tmp_path: Path) -> None:
    pause = (960, GapCause.PAUSE)
    hearing = hear(tmp_path, room([each for _ in range(20) for each in (tone(440, 0.02), pause)]))
    found = overview(hearing, bars=3)
    assert all(found.gaps)
    assert all(each > 0.5 for each in found.levels)


PAUSE = Missing(10 * SECOND, 8 * SECOND, GapCause.PAUSE)
STALL = Missing(30 * SECOND, 120 * 9, GapCause.STALL)
LONG = Missing(40 * SECOND, 9 * SECOND, GapCause.UNPLUGGED)


def minute(missing: Sequence[Missing]) -> Waveform:
    each = SECOND // 4
    gaps = [
        any(m.position < (at + 1) * each and at * each < m.position + m.length for m in missing) for at in range(240)
    ]
    levels = [0.0 if gap else abs(math.sin(at / 9)) for at, gap in enumerate(gaps)]
    return Waveform(tuple(levels), tuple(gaps), 60 * SECOND)


def test_the_text_tells_what_the_drawing_does() -> None:
    found = (PAUSE, STALL, LONG)
    dutch = WORDS["nl"]
    assert describe(minute(found), found, [5 * SECOND, 25 * SECOND], dutch) == (
        "Opname van 1 minuut. 1 pauze: vanaf 0:10, 8 seconden. 2 keer ontbreekt geluid: vanaf 0:30, minder dan een seconde; "
        "vanaf 0:40, 9 seconden. 2 markeringen: op 0:05; op 0:25."
    )
    assert describe(Waveform((), (), 0), (), [], dutch) == "Opname van minder dan een seconde."
    hours = Waveform((0.0,), (False,), (3 * 3_600 + 61) * SECOND)
    many = describe(hours, (), [at * 900 * SECOND for at in range(10)], dutch)
    assert many.startswith("Opname van 3 uur, 1 minuut en 1 seconde. 10 markeringen: op 0:00; op 15:00;")
    assert many.endswith("op 1:45:00; en nog 2.")
    english = WORDS["en"]
    assert describe(minute(found), found, [5 * SECOND], english) == (
        "Recording of 1 minute. 1 pause: from 0:10, 8 seconds. 2 places where sound is missing: from 0:30, less than a second; "
        "from 0:40, 9 seconds. 1 mark: at 0:05."
    )
    many = describe(hours, (), [at * 900 * SECOND for at in range(10)], english)
    assert many.startswith("Recording of 3 hours, 1 minute and 1 second. 10 marks: at 0:00; at 15:00;")
    assert many.endswith("at 1:45:00; and 2 more.")


CAUSES = st.sampled_from(list(GapCause))
PLACES = st.integers(0, 60 * SECOND // 120 - 8).map(lambda steps: steps * 120)


@given(
    st.lists(st.builds(Missing, PLACES, st.integers(8, 60_000).map(lambda steps: steps * 120), CAUSES), max_size=5),
    st.lists(st.integers(0, 60 * SECOND), max_size=5),
    st.integers(0, 300),
    st.sampled_from(sorted(WORDS)),
)
def test_it_may_stand_in_any_page_and_nothing_stands_out_of_it(
    missing: list[Missing], marks: list[int], bars: int, language: str
) -> None:
    missing = [Missing(each.position, min(each.length, 60 * SECOND - each.position), each.cause) for each in missing]
    text = draw(Waveform((0.5,) * bars, (False,) * bars, 60 * SECOND), missing, marks, language)
    picture = ElementTree.fromstring(text)
    assert picture.get("role") == "img"
    assert picture.get("lang") == language
    assert {"nl": "Opname van 1 minuut.", "en": "Recording of 1 minute."}[language] in picture.get("aria-label", "")
    titles = " ".join(each.text or "" for each in picture.iter(f"{SVG}title"))
    foreign = {"nl": "pause|missing|mark |from", "en": "pauze|ontbreekt|markering|vanaf"}[language]
    assert not re.search(foreign, titles)
    for each in picture.iter():
        assert each.tag.removeprefix(SVG) in ("svg", "g", "path", "rect", "text", "title")
        assert not {name for name in each.attrib if name in ("style", "id", "href") or name.startswith("on")}
    classes = [each.get("class") for each in picture.iter() if each.get("class")]
    assert classes.count("wave-mark") == len(marks)
    assert classes.count("wave-pause") == sum(each.cause is GapCause.PAUSE for each in missing)
    assert classes.count("wave-gap") == classes.count("wave-hatch") == len(missing) - classes.count("wave-pause")
    for box in picture.iter(f"{SVG}rect"):
        left, width = float(box.get("x", "")), float(box.get("width", ""))
        assert -0.1 <= left <= left + width <= WIDTH + 0.2
    for hatch in picture.iter(f"{SVG}path"):
        if hatch.get("class") == "wave-hatch":
            points = [float(each) for each in re.findall(r"-?\d+\.\d", hatch.get("d", ""))]
            assert all(-0.2 <= x <= WIDTH + 0.2 for x in points[::2])
            assert all(TOP - 0.1 <= y <= BOTTOM + 0.1 for y in points[1::2])
    texts = [float(each.get("x", "")) for each in picture.iter(f"{SVG}text")]
    assert texts == sorted(set(texts))
    assert all(0 <= each <= WIDTH for each in texts)


def pixels(text: str, folder: Path) -> np.ndarray:
    """How opaque each is, as ffmpeg draws it; one for each unit of the drawing, rows first."""
    (folder / "a.svg").write_text(text)
    command = ["ffmpeg", "-loglevel", "error", "-i", folder / "a.svg", "-f", "rawvideo", "-pix_fmt", "rgba", "-"]
    data = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(data, np.uint8).reshape(int(HEIGHT), -1, 4)[:, :, 3] / 255


def test_it_is_to_be_seen_without_a_colour(tmp_path: Path) -> None:
    missing = (PAUSE, STALL, LONG)
    seen = pixels(draw(minute(missing), missing, [5 * SECOND, 60 * SECOND], "nl"), tmp_path)
    seen = seen[:, round(module.EDGE) : -round(module.EDGE)]
    unit = WIDTH / 60
    inside = slice(int(TOP) + 4, int(BOTTOM) - 4)
    pause, gap = (seen[inside, int(a * unit) + 4 : int(b * unit) - 4].mean() for a, b in ((10, 18), (40, 49)))
    assert pause == 0
    assert 0.1 < gap < 0.5
    top = seen[: int(TOP) - 4].sum(axis=0)
    assert top[int(14 * unit) - 10 : int(14 * unit) + 10].sum() > 50  # the pause's two bars
    assert top[int(5 * unit) : int(5 * unit) + 14].sum() > 50  # a flag
    assert top[-14:].sum() > 50  # the one at the edge
    assert seen[inside, int(30 * unit) : int(30 * unit) + 4].sum() > 100  # what is missing for a moment
