"""What is wrong with a recording, in people's words: by the vectors, which have every flaw there is."""

import pytest
from readers import VECTORS, Vector, verify

from recorder.archive.web.meetings.verified import Trouble, trouble

ALTERED = {
    *("block-ciphertext-altered", "block-signature-altered", "block-stranger", "block-of-another-recording"),
    *(
        "manifest-root",
        "manifest-ended-altered",
        "manifest-of-another-recording",
        "manifest-gap-untold",
        "keybox-altered",
    ),
    *("preamble-altered", "preamble-stranger", "preamble-names-other-key"),
}
INCOMPLETE = {
    *("block-dropped", "block-first-dropped", "block-swapped", "block-twice", "manifest-last-block-dropped"),
    *(
        "torn-in-body",
        "torn-in-head",
        "preamble-missing",
        "preamble-empty-file",
        "second-manifest",
        "something-behind-keybox",
    ),
}
MALFORMED = {"block-unknown-flag", "manifest-white-space", "preamble-not-json", "unknown-type", "block-padding-short"}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_every_flaw_has_a_kind(vector: Vector) -> None:
    says = verify(vector.data).says
    if not says:
        return
    kinds = {Trouble.ALTERED: ALTERED, Trouble.INCOMPLETE: INCOMPLETE, Trouble.MALFORMED: MALFORMED}
    expected = {kind for kind, names in kinds.items() if vector.name in names} or set(kinds)
    assert trouble(says) in expected


def test_the_vectors_named_here_are_there() -> None:
    assert {each.name for each in VECTORS} >= ALTERED | INCOMPLETE | MALFORMED
