"""Topics and uploads: printed and parsed, and nothing else accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.errors import WireError
from recorder.sealed import layout
from recorder.sealed.layout import RecordType
from recorder.wire import topics
from recorder.wire.topics import UploadTopic
from recorder.wire.upload import ENVELOPE_BYTES, PAYLOAD_BYTES_MAX, Name, Upload
from tests.rooms import Room

RECORDING = Room().record(2)
IDENT = "0123456789abcdef" * 2


@pytest.mark.parametrize("upload", RECORDING.kept, ids=lambda upload: upload.type.name)
def test_an_upload_is_what_it_was(upload):
    again = Upload.parse(bytes(upload))
    assert again == upload
    assert bytes(again) == bytes(upload)
    assert again.content == layout.hash_body(upload.body)
    assert layout.parse_record(again.record) == (upload.type, upload.body)


def test_a_block_is_named_by_its_index_and_the_rest_by_none():
    assert [upload.name for upload in RECORDING.kept] == [
        Name(RECORDING.id, RecordType.PREAMBLE, 0),
        Name(RECORDING.id, RecordType.BLOCK, 0),
        Name(RECORDING.id, RecordType.BLOCK, 1),
        Name(RECORDING.id, RecordType.MANIFEST, 0),
        Name(RECORDING.id, RecordType.KEYBOX, 0),
    ]


def test_the_bytes_are_those_of_the_specification():
    upload = Upload(IDENT, b"\x11" * 32, RecordType.KEYBOX, b"xyz")
    assert bytes(upload) == b"WHU1" + bytes.fromhex(IDENT) + b"\x11" * 32 + b"\x04\x00\x00\x00\x03xyz"


@given(st.binary(max_size=300))
def test_garbage_is_the_wires_error(payload):
    with pytest.raises(WireError):
        Upload.parse(payload)


@given(st.sampled_from(RECORDING.kept), st.data())
def test_a_changed_payload_is_another_upload_or_the_wires_error(upload, data):
    payload = bytearray(bytes(upload))
    match data.draw(st.sampled_from(["flip", "cut", "grow"])):
        case "flip":
            payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
        case "cut":
            del payload[data.draw(st.integers(0, len(payload) - 1)) :]
        case "grow":
            payload += data.draw(st.binary(min_size=1, max_size=9))
    try:
        again = Upload.parse(bytes(payload))
    except WireError:
        return
    assert bytes(again) == bytes(payload)
    assert again != upload


def test_too_long_is_refused_before_it_is_looked_at():
    with pytest.raises(WireError, match="the most is"):
        Upload.parse(bytes(RECORDING.preamble).ljust(PAYLOAD_BYTES_MAX + 1, b"\0"))


@pytest.mark.parametrize("kind", list(RecordType))
def test_a_record_over_its_own_bound_is_refused(kind):
    size = layout.BODY_BYTES_MAX[kind] + 1
    payload = bytes(RECORDING.preamble)[:ENVELOPE_BYTES] + bytes([kind]) + size.to_bytes(4, "big") + bytes(size)
    with pytest.raises(WireError):
        Upload.parse(payload)


def test_a_topic_is_what_it_was():
    topic = UploadTopic.parse(f"rec/v1/room-1/up/{IDENT}")
    assert (topic.device, topic.recording) == ("room-1", IDENT)
    assert str(topic) == f"rec/v1/room-1/up/{IDENT}"
    assert topics.down("room-1") == "rec/v1/room-1/down"
    assert topics.shared_uploads("workers") == "$share/workers/rec/v1/+/up/+"
    assert topics.status("room-1") == "rec/v1/room-1/status"


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "rec/v1/room-1/up",
        f"rec/v1/room-1/down/{IDENT}",
        f"rec/v2/room-1/up/{IDENT}",
        f"rec/v1/Room/up/{IDENT}",
        f"rec/v1/-room/up/{IDENT}",
        f"rec/v1/{'a' * 65}/up/{IDENT}",
        f"rec/v1/room\n/up/{IDENT}",
        f"rec/v1/+/up/{IDENT}",
        f"rec/v1/room-1/up/{IDENT.upper()}",
        f"rec/v1/room-1/up/{IDENT}/x",
        "rec/v1/room-1/up/../../etc",
    ],
)
def test_other_topics_are_refused(topic):
    with pytest.raises(WireError):
        UploadTopic.parse(topic)
