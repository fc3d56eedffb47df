r"""The client's code: what leads them to their recording, without a name and without an account.

    code = the first 100 bits of SHA-256("wederhoor/1 client code\0" ‖ body of the consent receipt), by four characters

It is the receipt's, so it is there for a refused meeting, too, and who has the receipt can reckon it. It tells nothing. A
receipt carries the room's signature, which nobody can foresee, so there is nothing to be tried but 2¹⁰⁰ codes. The receipt's
hash does not do: the room's next receipt has it, and that is the next client's. The characters are Crockford's 32: what
people mix up in writing (O and 0, I, L and 1) is taken for what it can only be.
"""

import re
from hashlib import sha256

DOMAIN_CODE = b"wederhoor/1 client code\0"
GROUPS, GROUP_CHARACTERS = 5, 4
CHARACTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MEANT = str.maketrans("OIL", "011")
_BETWEEN = re.compile(r"[\s\u2010-\u2015-]")
"""What stands between groups, also where a program has made it finer."""
_CODE = re.compile(f"[{CHARACTERS}]{{{GROUPS * GROUP_CHARACTERS}}}", re.ASCII)


def code(body: bytes) -> str:
    """The code of the receipt with this body, its signature included: `XXXX-XXXX-XXXX-XXXX-XXXX`."""
    number = int.from_bytes(sha256(DOMAIN_CODE + body).digest())
    characters = [CHARACTERS[number >> 256 - 5 * (at + 1) & 31] for at in range(GROUPS * GROUP_CHARACTERS)]
    groups = ["".join(characters[at : at + GROUP_CHARACTERS]) for at in range(0, len(characters), GROUP_CHARACTERS)]
    return "-".join(groups)


def parse(text: str) -> str | None:
    """The code that somebody wrote; None if it is none."""
    bare = _BETWEEN.sub("", text)
    found = bare.upper().translate(_MEANT)
    if not bare.isascii() or not _CODE.fullmatch(found):  # in capitals some other letters are two of ours
        return None
    return "-".join(found[at : at + GROUP_CHARACTERS] for at in range(0, len(found), GROUP_CHARACTERS))
