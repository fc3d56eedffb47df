"""Eight threads decode each Struct for the first time, at the same moment.

python -m tests.structs_at_once unread          of the archive, which ends the process more often than not
python -m tests.structs_at_once read            of the archive, that were read before (recorder/structs.py)
python -m tests.structs_at_once pages CONFIG    of the pages, as one of their workers begins
"""

import contextlib
import sys
import threading
from pathlib import Path

import msgspec

from recorder import structs

THREADS = 8


def main() -> None:
    match sys.argv[1:]:
        case ["pages", config]:
            from recorder.archive.web import serving

            serving.set_up(Path(config))
            serving._settle(None)
        case [how]:
            from recorder.archive import clerk, deletion, figures, intake, metrics, rebuild, watch  # noqa: F401 # known

            if how == "read":
                structs.read_all()
    sys.setswitchinterval(1e-6)
    for kind in structs._below(msgspec.Struct):
        start = threading.Barrier(THREADS)
        threads = [threading.Thread(target=decode, args=(kind, start)) for _ in range(THREADS)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    print("done")


def decode(kind: type[msgspec.Struct], start: threading.Barrier) -> None:
    raw = msgspec.json.encode(dict.fromkeys(kind.__struct_encode_fields__))
    start.wait()
    with contextlib.suppress(msgspec.ValidationError):  # null is hardly ever right; that it is looked at is enough
        msgspec.json.decode(raw, type=kind)


if __name__ == "__main__":
    main()
