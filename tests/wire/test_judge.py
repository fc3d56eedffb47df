"""The judgement: what docs/wire.md says, whoever sends and in whatever order."""

import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from recorder import canonical
from recorder.errors import SealedError, WireError
from recorder.sealed.layout import RecordType
from recorder.wire.consent import DOMAIN_RECEIPT, ConsentReceipt
from recorder.wire.judge import CONFLICTS_KEPT_MAX, LEFT_BY_A_REFUSAL, Known, Verdict, check, judge
from recorder.wire.receipt import REASON_CHARACTERS_MAX, Rejected
from recorder.wire.records import Beside
from recorder.wire.topics import UploadTopic
from recorder.wire.upload import Upload
from tests.rooms import Recording, Room

ROOM = Room("room-1")
OTHER = Room("room-2")
FIRST = ROOM.record(3)
AGAIN = ROOM.record(3, ident=FIRST.id)
"""The same device uses the same id once more."""
STOLEN = OTHER.record(3, ident=FIRST.id)
"""Another device uses it."""
BLOCK = FIRST.blocks[1]
SHORT = ROOM.cut_short(FIRST, 1)
"""The manifest of a room whose card damaged block 1, which the archive may have."""


def judged(*uploads: Upload, known: Known | None = None) -> tuple[list[Verdict], Known]:
    known = known or Known()
    verdicts = []
    for upload in uploads:
        judgement = judge(check(FIRST.topic, upload, ROOM.public_key), known)
        verdicts.append(judgement.verdict)
        known = known.after(FIRST.topic, upload, judgement)
    return verdicts, known


RECEIPTS = (FIRST.receipt, FIRST.refusal_receipt, AGAIN.receipt, AGAIN.refusal_receipt)
KEPT = judged(*FIRST.kept)[1]
REFUSED = judged(FIRST.preamble, *FIRST.blocks, FIRST.refusal)[1]
STARTED = judged(FIRST.preamble, FIRST.blocks[0])[1]


def verdict(upload: Upload, known: Known, topic: UploadTopic = FIRST.topic, key=ROOM.public_key) -> Verdict:
    return judge(check(topic, upload, key), known).verdict


def test_the_specification_names_the_same_verdicts():
    text = (Path(__file__).parents[2] / "docs" / "wire.md").read_text(encoding="utf-8")
    table = text.partition("## Judgement at the intake")[2].partition("## Receipt")[0]
    assert re.findall(r"^\| ([A-Z]+) \|", table, re.MULTILINE) == [each.name for each in Verdict]


def test_a_whole_recording_is_new_and_then_known():
    assert judged(*FIRST.kept)[0] == [Verdict.NEW] * 6
    assert judged(*FIRST.kept, known=KEPT) == ([Verdict.DUPLICATE] * 6, KEPT)


def test_nothing_is_taken_before_its_preamble_and_what_follows_it_may_come_in_any_order():
    for upload in (*FIRST.blocks, FIRST.manifest, FIRST.refusal):
        judgement = judge(check(FIRST.topic, upload, ROOM.public_key), Known())
        assert (judgement.verdict, judgement.reason) == (Verdict.REFUSED, "send the preamble first")
        assert Known().after(FIRST.topic, upload, judgement) == Known()
    assert verdict(FIRST.keybox, Known()) is Verdict.REFUSED
    verdicts, known = judged(FIRST.preamble, FIRST.manifest, FIRST.keybox, *reversed(FIRST.blocks))
    assert (verdicts, known.contents) == ([Verdict.NEW] * 6, KEPT.contents)


def test_a_broker_cannot_have_old_blocks_taken_for_another_meetings():
    """It has authentic blocks of the same room, and writes another recording's id on their envelope."""
    new = ROOM.record(3)
    replayed = [replace(block, recording=new.id) for block in FIRST.blocks]

    def take(known: Known, *uploads: Upload) -> tuple[list[Verdict], Known]:
        verdicts = []
        for upload in uploads:
            judgement = judge(check(new.topic, upload, ROOM.public_key), known)
            verdicts.append(judgement.verdict)
            known = known.after(new.topic, upload, judgement)
        return verdicts, known

    assert take(Known(), *replayed) == ([Verdict.REFUSED] * 3, Known())
    verdicts, known = take(Known(), replayed[0], new.preamble, *replayed, *new.kept[1:])
    assert verdicts == [Verdict.REFUSED, Verdict.NEW, *[Verdict.REFUSED] * 3, *[Verdict.NEW] * 5]
    assert known.contents == {upload.name: upload.content for upload in new.kept}
    assert known.conflicts == frozenset()
    verdicts, known = take(Known(), replayed[0], new.preamble, new.refusal, replayed[0])
    assert verdicts == [Verdict.REFUSED, Verdict.NEW, Verdict.NEW, Verdict.PURGED]
    assert known.refused


def test_a_preamble_counts_for_the_id_alone_that_it_is_signed_for():
    new = UploadTopic("room-1", "0" * 32)
    moved = replace(FIRST.preamble, recording=new.recording)
    for topic, upload in ((new, moved), (new, FIRST.preamble), (FIRST.topic, moved)):
        assert verdict(upload, Known(), topic) is Verdict.REFUSED


def test_a_keybox_waits_for_its_manifest():
    verdicts, known = judged(FIRST.preamble, FIRST.keybox, FIRST.manifest, FIRST.keybox)
    assert verdicts == [Verdict.NEW, Verdict.REFUSED, Verdict.NEW, Verdict.NEW]
    assert known.contents[FIRST.keybox.name] == FIRST.keybox.content


def test_another_keybox_than_the_manifests_is_refused():
    _, known = judged(FIRST.preamble, FIRST.manifest)
    assert verdict(replace(FIRST.keybox, body=AGAIN.keybox.body), known) is Verdict.REFUSED
    assert verdict(replace(FIRST.keybox, body=AGAIN.keybox.body), KEPT) is Verdict.REFUSED


def test_a_refusal_leaves_only_itself_the_preamble_and_its_receipt():
    assert {name.type for name in judged(FIRST.refusal_receipt, known=REFUSED)[1].contents} == LEFT_BY_A_REFUSAL
    for upload in (*FIRST.blocks, FIRST.manifest, *AGAIN.blocks, AGAIN.manifest, AGAIN.refusal):
        assert verdict(upload, REFUSED) is Verdict.PURGED
    assert verdict(FIRST.refusal, REFUSED) is Verdict.DUPLICATE
    assert verdict(FIRST.keybox, REFUSED) is Verdict.REFUSED
    assert verdict(FIRST.preamble, REFUSED) is Verdict.DUPLICATE


def test_a_refusal_may_come_before_its_blocks():
    verdicts, known = judged(FIRST.preamble, FIRST.refusal, *FIRST.blocks, FIRST.preamble)
    assert verdicts == [Verdict.NEW, Verdict.NEW, Verdict.PURGED, Verdict.PURGED, Verdict.PURGED, Verdict.DUPLICATE]
    assert known.refused


def test_a_kept_recording_cannot_be_refused_any_more():
    judgement = judge(check(FIRST.topic, FIRST.refusal, ROOM.public_key), KEPT)
    assert (judgement.verdict, judgement.keep) == (Verdict.CONFLICT, True)
    after = KEPT.after(FIRST.topic, FIRST.refusal, judgement)
    assert after.contents == KEPT.contents
    assert not after.refused
    assert after.conflicts == {(FIRST.refusal.name, FIRST.refusal.content)}


def test_a_second_content_a_second_preamble_and_what_came_under_it_are_conflicts():
    for before in (KEPT, STARTED):  # of the one that has only started, nothing is there under most names
        verdicts, known = judged(AGAIN.preamble, *AGAIN.blocks, AGAIN.manifest, AGAIN.refusal, known=before)
        assert verdicts == [Verdict.CONFLICT] * 6
        assert known.contents == before.contents
        assert len(known.conflicts) == 6
        for upload in (*AGAIN.blocks, AGAIN.manifest, AGAIN.refusal):
            assert verdict(upload, before) is Verdict.REFUSED, "without its preamble it may be any recording's"


def test_a_block_that_the_manifest_does_not_tell_of_is_a_conflict():
    verdicts, known = judged(FIRST.preamble, SHORT, *FIRST.blocks)
    assert verdicts == [Verdict.NEW, Verdict.NEW, Verdict.NEW, Verdict.CONFLICT, Verdict.CONFLICT]
    assert set(known.contents) == {FIRST.preamble.name, SHORT.name, FIRST.blocks[0].name}
    assert known.conflicts == {(block.name, block.content) for block in FIRST.blocks[1:]}
    again = judge(check(FIRST.topic, FIRST.blocks[1], ROOM.public_key), known)
    assert (again.verdict, again.keep) == (Verdict.CONFLICT, False)
    assert verdict(FIRST.blocks[0], known) is Verdict.DUPLICATE
    assert verdict(FIRST.keybox, known) is Verdict.NEW


def test_blocks_that_a_manifest_does_not_tell_of_are_beside_once_it_comes():
    _, known = judged(FIRST.preamble, *FIRST.blocks, SHORT)
    assert set(known.contents) == {FIRST.preamble.name, SHORT.name, FIRST.blocks[0].name}
    assert known.conflicts == {(block.name, block.content) for block in FIRST.blocks[1:]}
    assert verdict(FIRST.manifest, known) is Verdict.CONFLICT


def test_a_conflict_is_kept_once_and_not_without_bound():
    first = judge(check(FIRST.topic, AGAIN.preamble, ROOM.public_key), KEPT)
    known = KEPT.after(FIRST.topic, AGAIN.preamble, first)
    second = judge(check(FIRST.topic, AGAIN.preamble, ROOM.public_key), known)
    assert (first.keep, second.keep) == (True, False)
    full = replace(
        KEPT, conflicts=frozenset((BLOCK.name, number.to_bytes(32, "big")) for number in range(CONFLICTS_KEPT_MAX))
    )
    beyond = judge(check(FIRST.topic, AGAIN.preamble, ROOM.public_key), full)
    assert (beyond.verdict, beyond.keep) == (Verdict.CONFLICT, False)


def reissued(of: Recording, /, **changes: object) -> Upload:
    """Its receipt with something else in it, signed by the room."""
    said = canonical.decode(of.receipt.body[64:], ConsentReceipt)
    text = canonical.encode(msgspec.structs.replace(said, **changes))
    return replace(of.receipt, body=canonical.signed(DOMAIN_RECEIPT, ROOM.key, text))


class TestReceipt:
    def test_it_is_taken_after_its_manifest(self):
        for known in (Known(), STARTED):
            for receipt in RECEIPTS:
                assert verdict(receipt, known) is Verdict.REFUSED
        for receipt, known in ((FIRST.receipt, KEPT), (FIRST.refusal_receipt, REFUSED)):
            verdicts, after = judged(receipt, receipt, known=known)
            assert verdicts == [Verdict.NEW, Verdict.DUPLICATE]
            assert after.contents == {**known.contents, receipt.name: receipt.content}

    def test_it_is_of_the_manifest_that_is_here_or_of_none(self):
        for receipt in RECEIPTS:
            for known in (KEPT, REFUSED):
                expected = {FIRST.receipt: KEPT, FIRST.refusal_receipt: REFUSED}.get(receipt) == known
                assert (verdict(receipt, known) is Verdict.NEW) == expected

    def test_a_broker_cannot_give_a_refusals_receipt_to_another_refusal(self):
        """It names no recording; what ties it is the manifest's hash."""
        other = ROOM.record(3)
        _, known = judged_of(other, other.preamble, other.refusal)
        replayed = replace(FIRST.refusal_receipt, recording=other.id, preamble_hash=other.preamble.content)
        judgement = judge(check(other.topic, replayed, ROOM.public_key), known)
        assert (judgement.verdict, judgement.reason) == (Verdict.REFUSED, "the receipt is of another manifest")
        assert judge(check(other.topic, other.refusal_receipt, ROOM.public_key), known).verdict is Verdict.NEW

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"recording": "0" * 32}, "the receipt is of another recording"),
            (
                {"device": "room-2", "record_id": "room-2/1", "receipt_id": "room-2/1"},
                "the receipt is of another recording",
            ),
            ({"manifest": "0" * 64}, "the receipt is of another manifest"),
        ],
    )
    def test_what_it_says_must_be_what_its_envelope_says(self, changes, reason):
        judgement = judge(check(FIRST.topic, reissued(FIRST, **changes), ROOM.public_key), KEPT)
        assert (judgement.verdict, judgement.reason) == (Verdict.REFUSED, reason)

    def test_it_may_not_tell_of_another_end(self):
        said = canonical.decode(FIRST.refusal_receipt.body[64:], ConsentReceipt)
        text = canonical.encode(msgspec.structs.replace(said, manifest=FIRST.manifest.content.hex()))
        lie = replace(FIRST.receipt, body=canonical.signed(DOMAIN_RECEIPT, ROOM.key, text))
        judgement = judge(check(FIRST.topic, lie, ROOM.public_key), KEPT)
        assert (judgement.verdict, "another end" in judgement.reason) == (Verdict.REFUSED, True)

    def test_a_second_one_is_a_conflict_and_the_first_stays(self):
        _, known = judged(FIRST.receipt, known=KEPT)
        second = reissued(FIRST, previous="ab" * 32)
        judgement = judge(check(FIRST.topic, second, ROOM.public_key), known)
        assert (judgement.verdict, judgement.keep) == (Verdict.CONFLICT, True)
        assert known.after(FIRST.topic, second, judgement).contents == known.contents


def judged_of(recording: Recording, *uploads: Upload) -> tuple[list[Verdict], Known]:
    known, verdicts = Known(), []
    for upload in uploads:
        judgement = judge(check(recording.topic, upload, ROOM.public_key), known)
        verdicts.append(judgement.verdict)
        known = known.after(recording.topic, upload, judgement)
    return verdicts, known


@pytest.mark.parametrize("known", [Known(), STARTED, KEPT, REFUSED], ids=["nothing", "started", "kept", "refused"])
class TestWhoIsNotTheDevice:
    def test_an_unknown_device(self, known):
        for upload in (*FIRST.kept, FIRST.refusal, *RECEIPTS):
            assert verdict(upload, known, key=None) is Verdict.REFUSED

    def test_a_device_that_sends_anothers_records_as_its_own(self, known):
        for upload in (*FIRST.kept, FIRST.refusal, *RECEIPTS):
            assert verdict(upload, known, UploadTopic("room-2", FIRST.id), OTHER.public_key) is Verdict.REFUSED

    def test_a_device_that_writes_under_anothers_topic(self, known):
        for upload in (*STOLEN.kept, STOLEN.refusal, STOLEN.receipt, STOLEN.refusal_receipt):
            assert verdict(upload, known) is Verdict.REFUSED

    def test_a_record_under_another_recordings_topic(self, known):
        for upload in (*FIRST.kept, FIRST.refusal, *RECEIPTS):
            assert verdict(upload, known, UploadTopic("room-1", "0" * 32)) is Verdict.REFUSED

    def test_a_lying_preamble_hash(self, known):
        for upload in (*FIRST.kept, FIRST.refusal, *RECEIPTS):
            for lie in (bytes(32), AGAIN.preamble.content):
                assert verdict(replace(upload, preamble_hash=lie), known) is Verdict.REFUSED

    def test_a_preamble_or_manifest_told_to_be_another_recordings(self, known):
        topic = UploadTopic("room-1", "0" * 32)
        for upload in (FIRST.preamble, FIRST.manifest, FIRST.refusal):
            assert verdict(replace(upload, recording=topic.recording), known, topic) is Verdict.REFUSED


def test_a_preamble_that_names_another_device_than_its_topic():
    renamed = Room("room-9", ROOM.key).record(1)
    topic = UploadTopic("room-1", renamed.id)
    assert verdict(renamed.preamble, Known(), topic) is Verdict.REFUSED
    assert verdict(renamed.preamble, Known(), renamed.topic) is Verdict.NEW


def test_a_recording_that_is_here_is_not_another_devices_to_add_to():
    topic = UploadTopic("room-2", FIRST.id)
    for known in (STARTED, KEPT, REFUSED):
        for upload in (*STOLEN.kept[:-1], STOLEN.refusal):
            judgement = judge(check(topic, upload, OTHER.public_key), known)
            assert (judgement.verdict, judgement.reason) == (Verdict.REFUSED, "the recording is another device's")


@given(
    upload=st.sampled_from((*FIRST.kept, FIRST.refusal, *RECEIPTS)),
    known=st.sampled_from([Known(), STARTED, KEPT, REFUSED]),
    data=st.data(),
)
def test_not_one_changed_byte_is_authentic(upload, known, data):
    payload = bytearray(bytes(upload))
    payload[data.draw(st.integers(4, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        changed = Upload.parse(bytes(payload))
        topic = UploadTopic("room-1", changed.recording)
    except (WireError, SealedError):
        return
    known = known if changed.recording == FIRST.id else Known()
    judgement = judge(check(topic, changed, ROOM.public_key), known)
    assert judgement.verdict is Verdict.REFUSED
    Rejected("0" * 32, "block", 0, "0" * 64, judgement.reason)
    assert len(judgement.reason) <= REASON_CHARACTERS_MAX


class AnyOrder(RuleBasedStateMachine):
    """What can be said of the archive whatever a device, or its stolen key, sends in whatever order."""

    def __init__(self):
        super().__init__()
        self.known = Known()
        self.promised: dict = {}
        self.was_refused = False

    @rule(upload=st.sampled_from((*FIRST.kept, SHORT, FIRST.refusal, *AGAIN.kept, AGAIN.refusal, *RECEIPTS)))
    def send(self, upload):
        judgement = judge(check(FIRST.topic, upload, ROOM.public_key), self.known)
        self.known = self.known.after(FIRST.topic, upload, judgement)
        if judgement.verdict in (Verdict.NEW, Verdict.DUPLICATE):
            assert self.known.contents[upload.name] == upload.content
            self.promised[upload.name] = upload.content
        self.was_refused |= self.known.refused

    @rule(upload=st.sampled_from((*STOLEN.kept, STOLEN.refusal, STOLEN.receipt, STOLEN.refusal_receipt)))
    def send_as_another(self, upload):
        before = self.known
        judgement = judge(check(UploadTopic("room-2", FIRST.id), upload, OTHER.public_key), before)
        if before.device == "room-1":
            assert judgement.verdict is Verdict.REFUSED
            assert before.after(UploadTopic("room-2", FIRST.id), upload, judgement) == before

    @invariant()
    def what_was_receipted_stays_unless_refused(self):
        for name, content in self.promised.items():
            if not self.was_refused or name.type in LEFT_BY_A_REFUSAL:
                beside = self.known.beyond(name) and (name, content) in self.known.conflicts
                assert beside or self.known.contents[name] == content

    @invariant()
    def no_block_against_the_manifest(self):
        assert not [name for name in self.known.contents if self.known.beyond(name)]

    @invariant()
    def no_is_final(self):
        assert self.known.refused == self.was_refused
        if self.was_refused:
            assert {name.type for name in self.known.contents} <= LEFT_BY_A_REFUSAL

    @invariant()
    def no_receipt_but_of_the_manifest(self):
        receipts = {content for name, content in self.known.contents.items() if name.type is Beside.RECEIPT}
        of = {FIRST.manifest.content: FIRST.receipt, FIRST.refusal.content: FIRST.refusal_receipt}
        of |= {AGAIN.manifest.content: AGAIN.receipt, AGAIN.refusal.content: AGAIN.refusal_receipt}
        manifest = self.known.contents.get(FIRST.manifest.name)
        assert receipts <= ({of[manifest].content} if manifest in of else set())

    @invariant()
    def no_keybox_without_its_manifest(self):
        boxes = [content for name, content in self.known.contents.items() if name.type is RecordType.KEYBOX]
        assert all(content.hex() == self.known.keybox for content in boxes)


TestAnyOrder = AnyOrder.TestCase
