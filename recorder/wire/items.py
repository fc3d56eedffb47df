"""What a device has of one recording and the archive should get: name to content, and which of it is signed for. Pure.

A receipt may name any range of what was ever added, so all of it is remembered until the recording is done. In a dictionary of
names an hour would take more than a megabyte; here a block takes 33 bytes.
"""

from collections.abc import Iterator, Mapping

from recorder.sealed.layout import RecordType
from recorder.wire.upload import Name

CONTENT_BYTES = 32
_ABSENT, _WAITS, _SIGNED = 0, 1, 2


class Items(Mapping[Name, bytes]):
    """Of one recording; a mapping from name to content, in the order of the file."""

    def __init__(self, recording: str) -> None:
        self.recording = recording
        self._contents = bytearray()
        """Of the blocks, one behind the other by index."""
        self._states = bytearray()
        """Of each block: absent, waits or signed."""
        self._others: dict[Name, bytes] = {}
        self._signed_others: set[Name] = set()
        self._blocks = 0
        self.signed_blocks = 0

    @property
    def signed(self) -> int:
        """How many are signed for."""
        return self.signed_blocks + len(self._signed_others)

    def add(self, name: Name, content: bytes) -> None:
        """Remember an item that is not here yet; `content` is 32 bytes."""
        if name in self:
            raise ValueError(f"{name} is here already: one name, one content")
        if name.type is not RecordType.BLOCK:
            self._others[name] = content
            return
        missing = name.index + 1 - len(self._states)
        if missing > 0:
            self._states += bytes(missing)
            self._contents += bytes(missing * CONTENT_BYTES)
        self._states[name.index] = _WAITS
        self._contents[name.index * CONTENT_BYTES : (name.index + 1) * CONTENT_BYTES] = content
        self._blocks += 1

    def sign(self, name: Name) -> None:
        """The archive has signed for an item that is here; again is harmless."""
        if name.type is not RecordType.BLOCK:
            self._signed_others.add(name)
        elif self._states[name.index] == _WAITS:
            self._states[name.index] = _SIGNED
            self.signed_blocks += 1

    def is_signed(self, name: Name) -> bool:
        """Whether the archive has signed for it."""
        if name.type is not RecordType.BLOCK:
            return name in self._signed_others
        return self._state(name) == _SIGNED

    def drop_all_but_the_preamble(self) -> None:
        """The recording was refused: the others are gone from this device."""
        self._contents.clear()
        self._states.clear()
        self._blocks = self.signed_blocks = 0
        for name in [name for name in self._others if name.type is not RecordType.PREAMBLE]:
            del self._others[name]
            self._signed_others.discard(name)

    def __getitem__(self, name: Name) -> bytes:
        if name not in self:
            raise KeyError(name)
        if name.type is not RecordType.BLOCK:
            return self._others[name]
        return bytes(self._contents[name.index * CONTENT_BYTES : (name.index + 1) * CONTENT_BYTES])

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, Name) or name.recording != self.recording:
            return False
        return name in self._others if name.type is not RecordType.BLOCK else self._state(name) != _ABSENT

    def __iter__(self) -> Iterator[Name]:
        blocks = (
            Name(self.recording, RecordType.BLOCK, index)
            for index, state in enumerate(self._states)
            if state != _ABSENT
        )
        return iter(sorted([*self._others, *blocks]))

    def __len__(self) -> int:
        return len(self._others) + self._blocks

    def _state(self, name: Name) -> int:
        return self._states[name.index] if name.index < len(self._states) else _ABSENT
