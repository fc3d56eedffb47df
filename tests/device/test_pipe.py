"""The pipe's frames: what goes in comes out, however it is cut; what is none is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.device.pipe import BODY_BYTES_MAX, Flaw, Frame, Kind, Parser, Telemetry
from recorder.errors import CaptureError

frames = st.lists(st.builds(Frame, st.sampled_from(Kind), st.binary(max_size=300)), max_size=8)


@given(frames, st.data())
def test_frames_survive_any_cutting(given_frames, data):
    stream = b"".join(map(bytes, given_frames))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    parser = Parser()
    found = []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += parser.feed(stream[begin:end])
    assert found == given_frames


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_a_capture_error(data):
    with suppress(CaptureError):
        Parser().feed(data)


def test_literal_bytes():
    assert bytes(Frame(Kind.STATE, b"ready")) == b"S\x00\x00\x00\x05ready"


def test_a_frame_beyond_the_bound_is_refused_before_it_is_gathered():
    with pytest.raises(CaptureError, match="limit"):
        Parser().feed(b"R" + (BODY_BYTES_MAX + 1).to_bytes(4, "big"))
    with pytest.raises(ValueError, match="limit"):
        Frame(Kind.RECORD, bytes(BODY_BYTES_MAX + 1))


def test_an_unknown_kind_is_refused():
    with pytest.raises(CaptureError, match="unknown kind 88"):
        Parser().feed(b"X\x00\x00\x00\x00")


def test_telemetry_tells_flaws_that_are_known_and_no_others():
    told = b'{"position":1,"rms_dbfs":-96,"peak_dbfs":-96,"clipped":0,"silent_seconds":1,"overflows":0,"flaws":["%s"]}'
    assert Telemetry.parse(told % b"muted").flaws == (Flaw.MUTED,)
    assert Telemetry.parse(told.replace(b',"flaws":["%s"]', b"")).flaws == ()
    with pytest.raises(CaptureError, match="no telemetry"):
        Telemetry.parse(told % b"haunted")
