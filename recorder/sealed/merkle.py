"""The Merkle tree hash of RFC 6962, section 2.1, one entry at a time.

    leaf(entry)    = H(0x00 ‖ entry)
    node(l, r)     = H(0x01 ‖ l ‖ r)
    root of nothing = H()

A tree of n entries is a row of full subtrees, one for each bit of n, largest first. Adding an entry is adding one to a
binary counter: equal subtrees merge like carries. So the memory is the number of bits, not the number of entries.
"""

from hashlib import sha256


class MerkleTree:
    def __init__(self) -> None:
        self.entries = 0
        self._row: list[bytes] = []

    def add(self, entry: bytes) -> None:
        node = sha256(b"\0" + entry).digest()
        carries = self.entries
        while carries & 1:
            node = sha256(b"\1" + self._row.pop() + node).digest()
            carries >>= 1
        self._row.append(node)
        self.entries += 1

    def root(self) -> bytes:
        """The tree hash of the entries so far; more may be added afterwards."""
        if not self._row:
            return sha256().digest()
        *larger, node = self._row
        for left in reversed(larger):
            node = sha256(b"\1" + left + node).digest()
        return node
