"""The intake's judgement: one upload by itself, then against what the archive has of that recording. Pure.

By itself is what takes time, a signature; nobody needs to wait for the other while it is judged.

Who could be on the other side of a message, and what it must not get:

* Not the device (another device, whoever has a certificate, the broker itself): nothing. An upload counts only if the
  device whose topic it came by signed it, for the recording and under the preamble that it claims. A block's signature
  says of its recording only the preamble's hash, and a preamble's only is for one recording: so the preamble must be
  here first, or whoever keeps old blocks could have them taken for another meeting's. A keybox has no signature of its
  own: it is authentic if the recording's manifest names its hash, so its manifest must be here first. So must that of a
  consent receipt, which names the manifest's: it tells of a refused recording, and does not name it.
* The device's key in wrong hands: it can say new things in the device's name, and no rule can tell. It cannot unsay:
  a second content under a name, a second preamble, a refusal of what already has a manifest, and a block that the
  manifest does not tell of are conflicts; the first stays.
* The blocks against their manifest: it says how many there are. A room whose card damaged a block signs for those
  before it, while the archive may have it and more: what lies beyond is kept beside, and the recording is whole.
* The archive against the client: a refusal cannot be lifted. After it, nothing of that recording is stored but the
  consent receipt, which has no audio: its preamble, which has none either, is here already.
* A backup, or a room that comes back after months: what was deleted stays deleted. Nothing of it is stored any more. What was
  signed for is signed for again, so that the room forgets it: by its hash, and a block, of which no hash is kept, because its
  device signed it under the preamble of a recording of which all was here. What never came is refused, and says so.

`TABLE` is the judgement: the first rule that applies decides. A recording belongs to the device whose preamble came
first, and to that preamble.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from recorder.errors import SealedError, WireError
from recorder.sealed import verify
from recorder.sealed.layout import Manifest, Preamble, RecordType
from recorder.wire.consent import ConsentReceipt, check_receipt
from recorder.wire.receipt import REASON_CHARACTERS_MAX
from recorder.wire.records import Beside, ItemType
from recorder.wire.topics import UploadTopic
from recorder.wire.upload import Name, Upload

CONFLICTS_KEPT_MAX = 64
"""Of one recording. Enough to see what happened; more would let a stolen key fill the archive's disks. Blocks that were
here before a manifest that does not tell of them count, and all of them are kept: they were signed for."""


LEFT_BY_A_REFUSAL: frozenset[ItemType] = frozenset({RecordType.PREAMBLE, RecordType.MANIFEST, Beside.RECEIPT})
"""What the archive keeps of a refused recording. None of it holds audio."""
CONFLICTS_LEFT_BY_A_REFUSAL: frozenset[ItemType] = frozenset({RecordType.PREAMBLE, Beside.RECEIPT})
"""And of what it kept beside: another manifest might tell how long the meeting was."""


Said = Preamble | Manifest | ConsentReceipt
"""What a signed text says."""


class Verdict(StrEnum):
    NEW = "new"
    """To be stored, then receipted."""
    DUPLICATE = "duplicate"
    """There already; to be receipted again."""
    CONFLICT = "conflict"
    """Authentic, but something else is there: kept beside, rejected, and an alarm."""
    PURGED = "purged"
    """The recording was refused: not stored, and told so."""
    REFUSED = "refused"
    """Not authentic or not this device's business: rejected and counted."""


@dataclass(frozen=True)
class Known:
    """What the archive has of one recording, as far as the judgement of the uploads at hand needs it."""

    device: str | None = None
    """Whose recording it is; None while nothing of it is here."""
    preamble_hash: bytes | None = None
    """Of the preamble that came first; None while nothing is here."""
    contents: Mapping[Name, bytes] = field(default_factory=dict)
    """Content of the items that are there, at least of those judged and of the manifest."""
    ended: str | None = None
    """What the manifest says; None while it is not here."""
    blocks: int | None = None
    """How many there are, as the manifest says; None while it is not here."""
    keybox: str | None = None
    """The keybox's content as the manifest names it, in hexadecimal."""
    conflicts: frozenset[tuple[Name, bytes]] = frozenset()
    """Name and content of what was kept beside."""
    deleted: bool = False
    """Whether its time was over: then `contents` has no blocks, and nothing is known of its end."""
    was_kept: bool = False
    """Of a deleted one: whether all of it had come."""

    @property
    def refused(self) -> bool:
        return self.ended == "refused"

    def has_preamble(self, preamble_hash: bytes) -> bool:
        """Whether the preamble with this hash is here: as the recording's own, or kept beside it."""
        beside = (content for name, content in self.conflicts if name.type is RecordType.PREAMBLE)
        return preamble_hash == self.preamble_hash or preamble_hash in beside

    def beyond(self, name: Name) -> bool:
        """Whether this is a block that the manifest does not tell of."""
        return name.type is RecordType.BLOCK and self.blocks is not None and name.index >= self.blocks

    def after(self, topic: UploadTopic, upload: Upload, judgement: "Judgement") -> "Known":
        """What the archive has once `judgement` is carried out."""
        match judgement.verdict:
            case Verdict.NEW:
                known = replace(
                    self,
                    device=topic.device,
                    preamble_hash=upload.preamble_hash,
                    contents={**self.contents, upload.name: upload.content},
                )
                return known._ended(judgement.said) if isinstance(judgement.said, Manifest) else known
            case Verdict.CONFLICT if judgement.keep:
                return replace(self, conflicts=self.conflicts | {(upload.name, upload.content)})
        return self

    def _ended(self, manifest: Manifest) -> "Known":
        """What is left by a manifest that has come: of a refusal hardly anything; else what it does not tell of is beside."""
        known = replace(self, ended=manifest.ended, blocks=manifest.blocks, keybox=manifest.keybox)
        if known.refused:
            left = {name: content for name, content in self.contents.items() if name.type in LEFT_BY_A_REFUSAL}
            beside = frozenset(each for each in self.conflicts if each[0].type in CONFLICTS_LEFT_BY_A_REFUSAL)
        else:
            left = {name: content for name, content in self.contents.items() if not known.beyond(name)}
            beside = self.conflicts | (self.contents.items() - left.items())
        return replace(known, contents=left, conflicts=beside)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, why, and what the record said if it is an authentic preamble, manifest or receipt."""

    verdict: Verdict
    reason: str
    """Printable ASCII without quotes, at most REASON_CHARACTERS_MAX: it goes into the receipt."""
    said: Said | None = None
    keep: bool = False
    """Whether it is to be stored: under its name if NEW, beside if CONFLICT."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An upload as far as it can be judged without what the archive has of its recording."""

    topic: UploadTopic
    """By which it came."""
    upload: Upload
    said: Said | None
    """What the record says if it is a signed text, and authentic."""
    flaw: str
    """Why it is not this device's, for this recording and preamble; empty if nothing speaks against it."""


@dataclass(frozen=True, slots=True)
class _Facts:
    upload: Upload
    device: str
    known: Known

    @property
    def there(self) -> bytes | None:
        return self.known.contents.get(self.upload.name)

    @property
    def is_preamble(self) -> bool:
        return self.upload.type is RecordType.PREAMBLE

    @property
    def outlives_a_refusal(self) -> bool:
        return self.upload.type in (RecordType.PREAMBLE, Beside.RECEIPT)

    @property
    def preamble_here(self) -> bool:
        return self.known.has_preamble(self.upload.preamble_hash)

    @property
    def other_preamble(self) -> bool:
        return self.known.preamble_hash not in (None, self.upload.preamble_hash)

    @property
    def beyond(self) -> bool:
        return self.known.beyond(self.upload.name)

    @property
    def block_was_here(self) -> bool:
        mine = self.upload.type is RecordType.BLOCK and self.upload.preamble_hash == self.known.preamble_hash
        return self.known.deleted and self.known.was_kept and mine


_Rule = tuple[Verdict, str, Callable[[_Facts], bool]]

TABLE: tuple[_Rule, ...] = (
    (Verdict.REFUSED, "the recording is another device's", lambda at: at.known.device not in (None, at.device)),
    (Verdict.DUPLICATE, "it is there", lambda at: at.there == at.upload.content),
    (Verdict.DUPLICATE, "it was there", lambda at: at.block_was_here),
    (Verdict.REFUSED, "the recording was deleted: its time is over", lambda at: at.known.deleted),
    (Verdict.PURGED, "the recording was refused", lambda at: at.known.refused and not at.outlives_a_refusal),
    (Verdict.REFUSED, "send the preamble first", lambda at: not (at.is_preamble or at.preamble_here)),
    (Verdict.CONFLICT, "the recording has another preamble", lambda at: at.other_preamble),
    (Verdict.CONFLICT, "it is there with other content", lambda at: at.there is not None),
    (Verdict.CONFLICT, "the manifest does not tell of so many blocks", lambda at: at.beyond),
    (Verdict.NEW, "it was not there", lambda at: at.there is None),
)
"""What happens to an authentic upload; one that is not is REFUSED before."""


def check(topic: UploadTopic, upload: Upload, public_key: Ed25519PublicKey | None) -> Checked:
    """Check an upload that came by `topic`; its device signs with `public_key`, None if not enrolled."""
    try:
        return Checked(topic, upload, _authenticate(topic, upload, public_key), "")
    except (WireError, SealedError) as error:
        return Checked(topic, upload, None, plain(str(error)))


def judge(checked: Checked, known: Known) -> Judgement:
    """The judgement of an upload, given what the archive has of its recording."""
    upload, said = checked.upload, checked.said
    flaw = checked.flaw or ("" if known.deleted else _against_the_manifest(checked, known))
    if flaw:
        return Judgement(Verdict.REFUSED, flaw)
    facts = _Facts(upload, checked.topic.device, known)
    verdict, reason = next((verdict, reason) for verdict, reason, applies in TABLE if applies(facts))
    keep = verdict is Verdict.NEW or (
        verdict is Verdict.CONFLICT
        and (upload.name, upload.content) not in known.conflicts
        and len(known.conflicts) < CONFLICTS_KEPT_MAX
    )
    return Judgement(verdict, reason, said, keep)


def plain(text: str) -> str:
    """`text` as a receipt may carry it."""
    return re.sub(r"[^ !#-\[\]-~]", "?", text)[:REASON_CHARACTERS_MAX]


def _authenticate(topic: UploadTopic, upload: Upload, public_key: Ed25519PublicKey | None) -> Said | None:
    """What the record says; WireError or SealedError if it is not this device's, for this recording and preamble."""
    if public_key is None:
        raise WireError("the device is not enrolled")
    if upload.recording != topic.recording:
        raise WireError("the topic names another recording")
    match upload.type:
        case RecordType.PREAMBLE:
            preamble = verify.check_preamble(public_key, upload.body)
            if upload.content != upload.preamble_hash:
                raise WireError("the preamble does not have the hash that its envelope says")
            if preamble.recording != upload.recording:
                raise WireError("the preamble is of another recording")
            if preamble.device != topic.device:
                raise WireError("the preamble is of another device")
            return preamble
        case RecordType.BLOCK:
            verify.check_block(public_key, upload.preamble_hash, upload.body)
            return None
        case RecordType.MANIFEST:
            manifest = verify.check_manifest(public_key, upload.preamble_hash, upload.body)
            if manifest.recording != upload.recording:
                raise WireError("the manifest is of another recording")
            return manifest
        case RecordType.KEYBOX:
            return None  # its manifest alone can tell
        case Beside.RECEIPT:
            receipt = check_receipt(public_key, upload.body)
            if receipt.device != topic.device or receipt.recording not in (None, upload.recording):
                raise WireError("the receipt is of another recording")
            return receipt


def _against_the_manifest(checked: Checked, known: Known) -> str:
    """What the recording's manifest says against this keybox or consent receipt; empty if nothing."""
    upload = checked.upload
    if upload.type is RecordType.KEYBOX:
        if known.ended is None:
            return "a keybox before its manifest cannot be judged; send it after the manifest's receipt"
        if upload.content.hex() != known.keybox or upload.preamble_hash != known.preamble_hash:
            return "the keybox is not the one that the manifest names"
    if isinstance(checked.said, ConsentReceipt):
        if known.ended is None:
            return "a receipt before its manifest cannot be judged; send it after the manifest's receipt"
        if checked.said.manifest != known.contents[Name(upload.recording, RecordType.MANIFEST, 0)].hex():
            return "the receipt is of another manifest"
        if (checked.said.outcome == "refused") != known.refused:
            return "the receipt tells of another end than the manifest"
    return ""
