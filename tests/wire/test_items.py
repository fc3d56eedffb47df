"""What the archive should get of one recording, beside a dictionary and a set that say the same at greater length."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from recorder.sealed.layout import RecordType
from recorder.wire.items import Items
from recorder.wire.upload import Name

RECORDING = "5f" * 16
NAMES = st.one_of(
    st.builds(Name, st.just(RECORDING), st.just(RecordType.BLOCK), st.integers(0, 12)),
    st.builds(Name, st.just(RECORDING), st.sampled_from([kind for kind in RecordType if kind != 2]), st.just(0)),
)


class Beside(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.items = Items(RECORDING)
        self.contents: dict[Name, bytes] = {}
        self.signed: set[Name] = set()

    @rule(name=NAMES, content=st.binary(min_size=32, max_size=32))
    def add(self, name: Name, content: bytes) -> None:
        if name in self.contents:
            with pytest.raises(ValueError, match="one name, one content"):
                self.items.add(name, content)
        else:
            self.items.add(name, content)
            self.contents[name] = content

    @rule(name=NAMES)
    def sign(self, name: Name) -> None:
        if name in self.contents:
            self.items.sign(name)
            self.signed.add(name)

    @rule()
    def refuse(self) -> None:
        self.items.drop_all_but_the_preamble()
        self.contents = {name: each for name, each in self.contents.items() if name.type is RecordType.PREAMBLE}
        self.signed &= set(self.contents)

    @rule(name=NAMES)
    def ask(self, name: Name) -> None:
        assert self.items.get(name) == self.contents.get(name)
        assert self.items.is_signed(name) == (name in self.signed)

    @invariant()
    def they_agree(self) -> None:
        assert list(self.items) == sorted(self.contents)
        assert dict(self.items) == self.contents
        assert len(self.items) == len(self.contents)
        assert self.items.signed == len(self.signed)
        assert self.items.signed_blocks == sum(name.type is RecordType.BLOCK for name in self.signed)


TestBeside = Beside.TestCase
TestBeside.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def test_another_recordings_names_are_not_here() -> None:
    items = Items(RECORDING)
    items.add(Name(RECORDING, RecordType.BLOCK, 0), bytes(32))
    assert Name("00" * 16, RecordType.BLOCK, 0) not in items
    assert "block 0" not in items
