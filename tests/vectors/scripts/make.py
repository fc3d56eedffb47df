"""Writes every vector anew: `python tests/vectors/scripts/make.py`. They must come out as they are."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import block  # noqa: F401
import craft
import good  # noqa: F401
import keybox  # noqa: F401
import manifest  # noqa: F401
import opening  # noqa: F401
import preamble  # noqa: F401
import records  # noqa: F401


def main(folder: Path) -> None:
    for name, data in craft.VECTORS.items():
        (folder / f"{name}.vector").write_bytes(data)


if __name__ == "__main__":
    main(craft.HERE.parent if len(sys.argv) < 2 else Path(sys.argv[1]))
