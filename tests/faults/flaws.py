"""What could be wrong with the product, by name: the matrix must find each of these, or it would not find its like.

A flaw is made in the process that has it, which is told its name.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from recorder.wire.judge import Checked, Judgement, Verdict
from recorder.wire.receipt import Receipt, fold
from recorder.wire.upload import Name

SLOW_SECONDS = 0.05


def forgets_on_puback() -> None:
    """What was handed to the broker counts as stored."""
    from recorder.device.daemon import Daemon
    from recorder.wire import sender

    send = Daemon._send_one

    def send_and_believe(daemon: Any, name: Name) -> None:
        send(daemon, name)
        if daemon._uplink.connected:
            stored = fold({name: daemon._sender._recordings[name.recording].items[name]})
            receipt = Receipt(1, "archive", daemon._settings.room.name, 0, stored, (), ())
            now = time.monotonic()
            daemon._do_on_road(daemon._sender.step(sender.Received(receipt), now), now)

    Daemon._send_one = send_and_believe  # type: ignore[method-assign]


def sends_nothing_again() -> None:
    """What was on the road when the connection ended counts as arrived."""
    from recorder.wire.sender import Sender

    disconnect = Sender._disconnect

    def disconnect_and_believe(sender: Sender) -> None:
        sender._on_road.clear()
        disconnect(sender)

    Sender._disconnect = disconnect_and_believe  # type: ignore[method-assign]


def knows_no_backlog() -> None:
    """What waits on the card since before the start is not told to the road."""
    from recorder.device.custody import Custody

    Custody._read_backlog = lambda custody, backlog: iter(())  # type: ignore[assignment, method-assign]


def lets_a_crash_take_a_recording() -> None:
    """What a restart finds unfinished on the card is let go."""
    from recorder.device.custody import Custody
    from recorder.device.spool import Spool
    from recorder.sealed.layout import RecordType

    recover = Custody.recover

    def let_go_and_recover(custody: Any, *args: Any, **kwargs: Any) -> None:
        spool: Spool = custody._spool
        for each in spool.recordings():
            if all(name.type is not RecordType.MANIFEST for name in spool.names(each)):
                spool.forget(each)
        recover(custody, *args, **kwargs)

    Custody.recover = let_go_and_recover  # type: ignore[method-assign]


def writes_no_late_receipts() -> None:
    """What follows from a manifest that a crash left alone is never written."""
    from recorder.device.custody import Custody, Recording

    reload = Custody._reload

    def reload_and_overlook(custody: Custody, recording_id: str) -> Recording:
        recording = reload(custody, recording_id)
        recording.unchained = None
        return recording

    Custody._reload = reload_and_overlook  # type: ignore[method-assign]


def signs_first() -> None:
    """A batch is signed for at once, and kept a little later."""
    from recorder.archive.clerk import Clerk, Message
    from recorder.wire import topics

    process, gather = Clerk.process, Clerk.gather
    waiting: list[tuple[list[Checked | None], int]] = []

    def sign(clerk: Any, batch: list[Checked | None], now_ms: int) -> list[Message]:
        waiting.append((batch, now_ms))
        contents: dict[str, dict[Any, bytes]] = {}
        for each in filter(None, batch):
            contents.setdefault(each.topic.device, {})[each.upload.name] = each.upload.content
        return [
            Message(topics.down(device), Receipt(1, clerk._name, device, now_ms, fold(each), (), ()).sign(clerk._key))
            for device, each in contents.items()
        ]

    def keep(clerk: Any) -> bool:
        time.sleep(SLOW_SECONDS)
        while waiting:
            process(clerk, *waiting.pop(0))
        return gather(clerk)

    Clerk.process, Clerk.gather = sign, keep  # type: ignore[assignment, method-assign]


def stores_duplicates() -> None:
    """A block that is there is kept beside itself."""
    from recorder.archive import clerk
    from recorder.sealed.layout import RecordType

    judge = clerk.judge

    def judge_and_keep(checked: Any, known: Any) -> Judgement:
        judgement = judge(checked, known)
        if judgement.verdict is Verdict.DUPLICATE and checked.upload.type is RecordType.BLOCK:
            fresh = (checked.upload.name, checked.upload.content) not in known.conflicts
            return replace(judgement, verdict=Verdict.CONFLICT, keep=fresh)
        return judgement

    clerk.judge = judge_and_keep


def purges_nothing() -> None:
    """An order to purge is noted and signed for, and nothing is deleted."""
    from recorder.archive import clerk

    clerk.beyond_a_refusal = lambda store, recording: []


def adopts_nothing() -> None:
    """What a crashed batch left stays in the way."""
    from recorder.archive import clerk

    clerk.adopt = lambda store, writing, recording, now_ms: None


def rebuilds_without_keyboxes() -> None:
    """A rebuild does not see them."""
    from recorder.archive import rebuild
    from recorder.sealed.layout import RecordType

    read = rebuild.read_items

    def read_some(store: Any, found: str) -> Any:
        return (each for each in read(store, found) if each[0].name.type is not RecordType.KEYBOX)

    rebuild.read_items = read_some


DEVICE: dict[str, Callable[[], None]] = {
    "forgets on PUBACK": forgets_on_puback,
    "sends nothing again": sends_nothing_again,
    "knows no backlog": knows_no_backlog,
    "lets a crash take a recording": lets_a_crash_take_a_recording,
    "writes no late receipts": writes_no_late_receipts,
}
ARCHIVE: dict[str, Callable[[], None]] = {
    "signs before it stores": signs_first,
    "stores duplicates": stores_duplicates,
    "purges nothing": purges_nothing,
    "adopts nothing": adopts_nothing,
    "rebuilds without keyboxes": rebuilds_without_keyboxes,
}
