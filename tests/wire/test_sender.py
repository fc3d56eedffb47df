"""The sender's machine against a simulated archive, over a road that loses, doubles, swaps and delays."""

import collections
import hashlib
from collections.abc import Iterable, Mapping
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from recorder.sealed.layout import RecordType
from recorder.wire.receipt import Purged, Receipt, Rejected, Stored, fold, kind
from recorder.wire.records import ITEM_TYPES, Beside
from recorder.wire.sender import (
    SLOW_SECONDS,
    WINDOW_FIRST,
    WINDOW_LEAST,
    Action,
    Added,
    Connected,
    Disconnected,
    Done,
    Dropped,
    NotTaken,
    Publish,
    PurgeConfirmed,
    Receipted,
    Received,
    Reconnect,
    Sender,
    Tick,
    Unreadable,
)
from recorder.wire.upload import Name

A, B, C = "a" * 32, "b" * 32, "c" * 32
TIMEOUT = 30.0


def preamble(recording: str = A) -> Name:
    return Name(recording, RecordType.PREAMBLE, 0)


def block(index: int, recording: str = A) -> Name:
    return Name(recording, RecordType.BLOCK, index)


def manifest(recording: str = A) -> Name:
    return Name(recording, RecordType.MANIFEST, 0)


def keybox(recording: str = A) -> Name:
    return Name(recording, RecordType.KEYBOX, 0)


def told(recording: str = A) -> Name:
    """The consent receipt."""
    return Name(recording, Beside.RECEIPT, 0)


def content(name: Name, salt: bytes = b"") -> bytes:
    return hashlib.sha256(repr(name).encode() + salt).digest()


def added(name: Name, refusal: bool = False) -> Added:
    """Recordings were made in the order of their ids."""
    return Added(name, content(name), int(name.recording, 16), refusal)


def receipt(
    stored: Iterable[Name] | Mapping[Name, bytes] = (), purged: Iterable[Purged] = (), rejected: Iterable[Rejected] = ()
) -> Received:
    contents = stored if isinstance(stored, Mapping) else {name: content(name) for name in stored}
    return Received(Receipt(1, "archive", "room-1", 0, fold(contents), tuple(purged), tuple(rejected)))


def rejected(name: Name, reason: str = "why") -> Rejected:
    return Rejected(name.recording, kind(name.type), name.index, content(name).hex(), reason)


def purged(recording: str) -> Purged:
    return Purged(recording, content(manifest(recording)).hex())


def published(actions: Iterable[Action]) -> list[Name]:
    return [action.name for action in actions if isinstance(action, Publish)]


def feed(sender: Sender, *names: Name) -> list[Name]:
    return [name for each in names for name in published(sender.step(added(each), 0))]


def test_without_a_connection_nothing_goes() -> None:
    sender = Sender(4, TIMEOUT)
    assert feed(sender, preamble(), block(0), manifest()) == []
    assert sender.step(Tick(), 1e9) == []
    assert sender.waiting == 3


def test_blocks_wait_for_their_preamble_and_the_keybox_for_its_manifest() -> None:
    sender = Sender(8, TIMEOUT)
    feed(sender, preamble(), block(0), block(1), keybox(), manifest())
    assert sender.step(Connected(), 0) == [Publish(preamble())]
    assert published(sender.step(receipt([preamble()]), 0)) == [block(0), block(1), manifest()]
    assert sender.step(receipt([block(0), block(1)]), 0) == [Receipted((block(0), block(1)))]
    assert sender.receipted(A) == 2
    assert sender.step(receipt([manifest()]), 0) == [Receipted((manifest(),)), Publish(keybox())]
    assert sender.step(receipt([keybox()]), 0) == [Receipted((keybox(),)), Done(A)]
    assert sender.waiting == 0
    assert sender.step(receipt([keybox()]), 0) == []


def test_a_running_meeting_goes_out_as_it_comes() -> None:
    sender = Sender(2, TIMEOUT)
    sender.step(Connected(), 0)
    assert feed(sender, preamble()) == [preamble()]
    assert feed(sender, block(0)) == []
    assert published(sender.step(receipt([preamble()]), 0)) == [block(0)]
    assert feed(sender, block(1), block(2)) == [block(1)]
    assert published(sender.step(receipt([block(0)]), 0)) == [block(2)]


def test_what_the_archive_has_is_not_sent_again() -> None:
    sender = Sender(8, TIMEOUT)
    feed(sender, preamble(), *map(block, range(6)))
    sender.step(Connected(), 0)
    assert published(sender.step(receipt([preamble(), block(0), block(1), block(4)]), 0)) == [
        block(2),
        block(3),
        block(5),
    ]
    sender.step(receipt([block(2)]), 0)
    sender.step(Disconnected(), 0)
    assert sender.step(Connected(), 0) == [Publish(preamble())], "also when it has its receipt: it asks"
    assert sender.step(receipt([preamble(), *map(block, range(3))]), 0) == [Publish(block(3)), Publish(block(5))]


def test_only_the_right_digest_counts() -> None:
    sender = Sender(8, TIMEOUT)
    feed(sender, preamble(), block(0), block(1), manifest())
    sender.step(Connected(), 0)
    sender.step(receipt([preamble()]), 0)
    wrong = {block(0): content(block(0)), block(1): content(block(1), b"other"), manifest(): content(manifest(), b"x")}
    assert sender.step(receipt(wrong), 0) == []
    assert sender.step(receipt([block(0), block(1), block(2)]), 0) == [], "more than we have proves nothing"
    assert sender.step(receipt([preamble(B), block(0, B)]), 0) == []
    everything = Stored(A, "block", 0, 2**32 - 1, content(block(0)).hex())
    assert sender.step(Received(Receipt(1, "archive", "room-1", 0, (everything,), (), ())), 0) == []
    assert sender.waiting == 3


def test_a_timeout_drops_the_connection_and_what_was_on_the_road_goes_again() -> None:
    sender = Sender(2, TIMEOUT)
    feed(sender, preamble(), block(0), block(1), block(2))
    sender.step(Connected(), 0)
    sender.step(receipt([preamble()]), 20)
    sender.step(receipt([block(0)]), 45)
    assert sender.step(Tick(), 50) == []
    (action,) = sender.step(Tick(), 50.1)
    assert isinstance(action, Reconnect)
    assert sender.step(Disconnected(), 51) == []
    assert sender.step(Tick(), 1e6) == []
    assert sender.step(Connected(), 1e6) == [Publish(preamble())]
    assert sender.step(Tick(), 1e6 + TIMEOUT) == []
    assert published(sender.step(receipt([preamble(), block(0)]), 1e6)) == [block(1), block(2)]


def test_an_idle_connection_has_no_timeout() -> None:
    sender = Sender(2, TIMEOUT)
    feed(sender, preamble())
    sender.step(Connected(), 0)
    sender.step(receipt([preamble()]), 0)
    assert sender.step(Tick(), 1e6) == []


def test_a_refusal_goes_before_everything_but_its_own_preamble() -> None:
    sender = Sender(1, TIMEOUT)
    feed(sender, *(each for recording in (A, B, C) for each in (preamble(recording), block(0, recording))))
    sender.step(Dropped(C), 0)
    sender.step(added(manifest(C), refusal=True), 0)
    assert sender.waiting == 6
    assert sender.step(Connected(), 0) == [Publish(preamble(C))]
    assert published(sender.step(receipt([preamble(C)]), 0)) == [manifest(C)]
    assert sender.step(receipt([manifest(C)], [purged(C)]), 0)[-2:] == [PurgeConfirmed(C), Publish(preamble(A))]


def test_a_recording_is_done_when_its_consent_receipt_is_signed_for_and_that_goes_after_the_manifest() -> None:
    sender = Sender(8, TIMEOUT)
    feed(sender, preamble(), told(), manifest())
    sender.step(Connected(), 0)
    assert published(sender.step(receipt([preamble()]), 0)) == [manifest()]
    assert sender.step(receipt([manifest()]), 0) == [Receipted((manifest(),)), Publish(told())]
    assert sender.step(receipt([told()]), 0) == [Receipted((told(),)), Done(A)]


def test_a_refusal_is_done_when_the_purge_and_its_consent_receipt_are_signed_for() -> None:
    sender = Sender(1, TIMEOUT)
    feed(sender, preamble(), block(0))
    sender.step(Connected(), 0)
    sender.step(receipt([preamble()]), 0)
    sender.step(Dropped(A), 0)
    assert feed(sender, told()) == []
    assert published(sender.step(added(manifest(), refusal=True), 0)) == [manifest()]
    assert sender.step(receipt([manifest()], [purged(A)]), 0) == [Receipted((manifest(),)), Publish(told())]
    assert sender.step(Tick(), TIMEOUT / 2) == [], "the order was carried out: it is not on the road any more"
    assert sender.step(receipt([told()]), 1) == [Receipted((told(),))], "what is filed tells of the purge"
    assert sender.step(receipt([told()], [purged(A)]), 1) == [PurgeConfirmed(A)]
    assert sender.waiting == 0


def test_an_order_that_was_carried_out_does_not_go_again_while_the_consent_receipt_is_not_taken() -> None:
    sender = Sender(4, TIMEOUT)
    feed(sender, preamble(), told())
    sender.step(added(manifest(), refusal=True), 0)
    sender.step(Connected(), 0)
    sender.step(receipt([preamble()]), 0)
    sender.step(receipt([manifest()], [purged(A)]), 0)
    assert sender.step(receipt([], [purged(A)], [rejected(told())]), 0) == [NotTaken(told(), "why")]
    assert published(sender.step(Tick(), TIMEOUT + 1)) == [preamble()]
    assert published(sender.step(receipt([preamble(), manifest()], [purged(A)]), TIMEOUT + 1)) == [told()]
    assert sender.step(receipt([told()], [purged(A)]), TIMEOUT + 1)[-1] == PurgeConfirmed(A)


def test_a_refusal_overtakes_on_a_connection_that_stands() -> None:
    sender = Sender(1, TIMEOUT)
    sender.step(Connected(), 0)
    feed(sender, preamble(), block(0), *(preamble(f"{each:032x}") for each in range(3)), block(1))
    sender.step(receipt([preamble()]), 0)
    assert sender.step(Dropped(A), 0) == []
    assert sender.receipted(A) == 0
    assert sender.step(added(manifest(), refusal=True), 0) == []
    assert published(sender.step(receipt([preamble("0" * 32)]), 0)) == [manifest()]


def test_dropping_frees_the_road_and_a_late_receipt_of_the_dropped_is_ignored() -> None:
    sender = Sender(3, TIMEOUT)
    sender.step(Connected(), 0)
    feed(sender, preamble(), block(0), block(1), block(2))
    sender.step(receipt([preamble(), block(2)]), 0)
    sender.step(Dropped(A), 0)
    assert sender.waiting == 0
    assert sender.step(receipt([block(0), block(1)]), 0) == []
    assert published(sender.step(added(manifest(), refusal=True), 0)) == [manifest()]
    assert sender.step(Dropped(B), 0) == []


def test_an_order_is_on_the_road_until_the_purge_is_signed_for() -> None:
    sender = Sender(8, TIMEOUT)
    feed(sender, preamble())
    sender.step(added(manifest(), refusal=True), 0)
    sender.step(Connected(), 0)
    assert published(sender.step(receipt([preamble()]), 0)) == [manifest()]
    assert sender.step(receipt([manifest()]), 0) == [Receipted((manifest(),))], "stored, but nothing purged yet"
    forged = Purged(A, content(block(0)).hex())
    assert sender.step(receipt([], [forged, purged(B)]), 0) == []
    (action,) = sender.step(Tick(), 31)
    assert isinstance(action, Reconnect)
    sender.step(Disconnected(), 31)
    sender.step(Connected(), 32)
    assert sender.step(receipt([preamble(), manifest()]), 32) == [Publish(manifest())]
    assert sender.step(receipt([], [purged(A)]), 33) == [PurgeConfirmed(A)]
    assert sender.step(Tick(), 1e6) == []


def test_a_purge_of_what_was_not_refused_here_forgets_nothing() -> None:
    sender = Sender(8, TIMEOUT)
    feed(sender, preamble(), block(0), manifest())
    assert sender.step(receipt([], [purged(A)]), 0) == []
    assert sender.waiting == 3


def test_what_is_not_taken_is_kept_and_offered_on_the_next_connection() -> None:
    sender = Sender(1, TIMEOUT)
    feed(sender, preamble(), block(0), block(1))
    sender.step(Connected(), 0)
    sender.step(receipt([preamble()]), 0)
    other = Rejected(A, "block", 0, content(block(0), b"other").hex(), "not ours")
    assert sender.step(receipt([], [], [other, rejected(block(7))]), 0) == []
    assert sender.step(receipt([], [], [rejected(block(0))]), 0) == [NotTaken(block(0), "why"), Publish(block(1))]
    assert sender.step(receipt([], [], [rejected(block(0))]), 0) == []
    assert sender.complaint == f"the archive does not take a block of {A}: why"
    sender.step(receipt([block(1)]), 0)
    assert sender.step(Tick(), TIMEOUT) == []
    assert (sender.waiting, sender.moving) == (1, 0)
    assert published(sender.step(Connected(), TIMEOUT)) == [preamble()]
    assert sender.complaint == ""
    assert published(sender.step(receipt([preamble()]), TIMEOUT)) == [block(0)]


def test_what_is_not_taken_is_offered_again_on_a_connection_that_stands() -> None:
    """Somebody has enrolled the room at the archive meanwhile, and nothing else would tell."""
    sender = Sender(2, TIMEOUT)
    feed(sender, preamble(), block(0))
    sender.step(Connected(), 0)
    assert sender.step(receipt([], [], [rejected(preamble())]), 0) == [NotTaken(preamble(), "why")]
    assert sender.step(Tick(), TIMEOUT) == []
    assert published(sender.step(Tick(), TIMEOUT + 1)) == [preamble()]
    assert sender.complaint == ""
    assert published(sender.step(receipt([preamble()]), TIMEOUT + 1)) == [block(0)]


def test_what_cannot_be_read_here_holds_up_nothing_else() -> None:
    sender = Sender(1, TIMEOUT)
    feed(sender, preamble(), block(0), block(1))
    sender.step(Connected(), 0)
    assert published(sender.step(receipt([preamble()]), 0)) == [block(0)]
    assert published(sender.step(Unreadable(block(0)), 0)) == [block(1)]
    sender.step(receipt([block(1)]), 0)
    assert sender.step(Unreadable(block(1)), 0) == [], "it is not on the road any more"
    assert sender.waiting == 1 and sender.complaint == ""
    assert published(sender.step(Connected(), 1)) == [preamble()]


def test_a_preamble_that_is_not_taken_holds_its_recording_back_alone() -> None:
    sender = Sender(1, TIMEOUT)
    feed(sender, preamble(), block(0), preamble(B), block(0, B))
    assert published(sender.step(Connected(), 0)) == [preamble(B)]
    assert published(sender.step(receipt([], [], [rejected(preamble(B))]), 0)) == [preamble()]
    assert published(sender.step(receipt([preamble()]), 0)) == [block(0)]
    assert sender.step(receipt([block(0)]), 0) == [Receipted((block(0),))]


def test_told_to_send_the_preamble_first_it_does_so_on_the_next_connection() -> None:
    sender = Sender(2, TIMEOUT)
    feed(sender, preamble(), block(0), block(1))
    sender.step(Connected(), 0)
    assert published(sender.step(receipt([preamble()]), 0)) == [block(0), block(1)]
    told = [rejected(each, "send the preamble first") for each in (block(0), block(1))]
    sender.step(receipt([], [], told), 0)
    sender.step(Disconnected(), 0)
    assert published(sender.step(Connected(), 0)) == [preamble()]
    assert published(sender.step(receipt([preamble()]), 0)) == [block(0), block(1)]
    sender.step(receipt([block(0), block(1)]), 0)
    assert sender.waiting == 0


def deliver(sender: Sender, road: list[Name]) -> list[Name]:
    """Let the archive sign for everything, in the order in which it was sent; all that was."""
    for name in road:
        road += published(sender.step(receipt([name]), 0))
    return road


def test_every_second_place_is_the_newest_recordings_and_the_others_go_the_oldest_first() -> None:
    sender = Sender(1, TIMEOUT)
    for recording in (B, A, C):  # in whatever order the card gives them
        feed(sender, preamble(recording), *(block(index, recording) for index in range(3)))
    assert deliver(sender, published(sender.step(Connected(), 0))) == [
        *(preamble(C), preamble(A)),
        *(each for index in range(3) for each in (block(index, C), block(index, A))),
        *(preamble(B), block(0, B), block(1, B), block(2, B)),
    ]


def test_when_the_newest_recording_has_everything_signed_for_no_other_takes_its_place() -> None:
    sender = Sender(1, TIMEOUT)
    for recording in (A, B):
        feed(sender, preamble(recording), block(0, recording), block(1, recording))
    feed(sender, preamble(C), told(C), manifest(C))
    sent = deliver(sender, published(sender.step(Connected(), 0)))
    assert sent == [
        *(preamble(C), preamble(A), manifest(C), block(0), told(C), block(1)),
        *(preamble(B), block(0, B), block(1, B)),
    ]


@given(
    window=st.integers(1, 8),
    backlog=st.lists(st.integers(0, 12), min_size=1, max_size=6),
    moments=st.lists(st.booleans(), max_size=60),
)
def test_a_backlog_holds_no_block_of_a_running_meeting_up(window: int, backlog: list[int], moments: list[bool]) -> None:
    """At each moment the archive signs for the first that is on the road, or the meeting has another block."""
    sender = Sender(window, TIMEOUT)
    for at, blocks in enumerate(backlog):
        recording = f"{at:032x}"
        names = (preamble(recording), *(block(index, recording) for index in range(blocks)), manifest(recording))
        feed(sender, *names, told(recording))
    feed(sender, preamble())
    road: list[Name] = []
    places_of_others: dict[Name, int] = {}
    """Of each block of the meeting that has not been sent yet: so many places more may others have before it."""
    sent: list[Name] = []

    def take(names: list[Name]) -> None:
        for name in names:
            sent.append(name)
            road.append(name)
            if name.recording == A:
                places_of_others.pop(name, None)
                continue
            for each in places_of_others:
                places_of_others[each] -= 1
                assert places_of_others[each] >= 0, f"{each} waits too long"

    take(published(sender.step(Connected(), 0)))
    while preamble() in road:
        take(published(sender.step(receipt([road.pop(0)]), 0)))
    made = 0
    for signs in moments:
        if signs and road:
            take(published(sender.step(receipt([road.pop(0)]), 0)))
        elif not signs:
            name, made = block(made), made + 1
            places_of_others[name] = len(places_of_others) + 1
            take(feed(sender, name))
    while road:
        take(published(sender.step(receipt([road.pop(0)]), 0)))
    assert not places_of_others
    older = [name for name in sent if name.recording != A and name.type is RecordType.BLOCK]
    assert older == sorted(older), "the oldest first"
    assert len(older) == sum(backlog) and sender.backlog == 0


def test_how_far_it_has_caught_up_is_told_of_meetings_that_are_over_alone() -> None:
    """Or what is told would follow how long a meeting lasts, which may end with a no."""
    sender = Sender(1, TIMEOUT)
    feed(sender, preamble(), block(0), told(), manifest(), preamble(B), block(0, B), block(1, B))
    assert (sender.waiting, sender.backlog, sender.caught_up) == (7, 4, 0)
    road = published(sender.step(Connected(), 0))
    while sender.backlog > 2:
        road += published(sender.step(receipt([road.pop(0)]), 0))
    assert (sender.backlog, sender.caught_up) == (2, 2)
    before = sender.backlog, sender.caught_up
    sender.step(Dropped(B), 0)
    assert (sender.backlog, sender.caught_up) == before
    for name in (told(B), manifest(B)):
        sender.step(added(name, refusal=name == manifest(B)), 0)
    assert sender.backlog == 2 + len([told(B), manifest(B)])


@pytest.mark.parametrize("slower", [4, 40])
@pytest.mark.parametrize("way", [0.005, 0.2])
@pytest.mark.parametrize("each_takes", [0.001, 0.01, 0.1])
def test_a_road_is_used_whatever_it_bears_and_no_queue_stands_on_it(each_takes: float, way: float, slower: int) -> None:
    """An archive that stores one item after the other, so many seconds each, behind a road so long; later it is slower."""
    most = 250
    sender = Sender(most, TIMEOUT)
    feed(sender, preamble(), *map(block, range(4_000)))
    road: collections.deque[tuple[float, Name]] = collections.deque()
    """When each has its receipt here."""
    stored_at = now = 0.0

    def send(names: list[Name]) -> None:
        nonlocal stored_at
        for name in names:
            stored_at = max(stored_at, now + way / 2) + each_takes
            road.append((stored_at + way / 2, name))

    def run(receipts: int) -> tuple[float, float]:
        """Items a second, and how long the last was on the road."""
        nonlocal now
        began, sent_at = now, {name: now for _, name in road}
        for _ in range(receipts):
            now, name = road.popleft()
            took = now - sent_at.pop(name)
            before = len(road)
            send(published(sender.step(receipt([name]), now)))
            sent_at |= {name: now for _, name in list(road)[before:]}
        return receipts / (now - began), took

    send(published(sender.step(Connected(), now)))
    run(1_000)
    rate, took = run(200)
    bears = min(1 / each_takes, most / (way + each_takes))
    assert rate > 0.9 * bears
    assert took < max(SLOW_SECONDS, WINDOW_LEAST * each_takes + way) + each_takes
    each_takes *= slower
    run(2_000)
    rate, took = run(200)
    assert took < SLOW_SECONDS + each_takes or len(road) == WINDOW_LEAST
    assert rate > 0.9 * min(1 / each_takes, most / (way + each_takes))


def test_the_window_begins_anew_with_each_connection_and_is_never_wider_than_it_may_be() -> None:
    sender = Sender(20, TIMEOUT)
    feed(sender, preamble(), *map(block, range(100)))
    sender.step(Connected(), 0)
    road = published(sender.step(receipt([preamble()]), 0.1))
    assert len(road) == WINDOW_FIRST, "one was signed for, and the window was not full"
    road = published(sender.step(receipt(road), 0.2))
    assert len(road) == 2 * WINDOW_FIRST
    road = published(sender.step(receipt(road), 0.3))
    assert len(road) == 20
    assert len(published(sender.step(receipt(road[:5]), 0.3 + SLOW_SECONDS))) == 0
    assert len(published(sender.step(receipt(road[5:12]), 0.4 + SLOW_SECONDS))) == 2, "half of it, and that once"
    sender.step(Disconnected(), 2)
    sender.step(Connected(), 3)
    assert len(published(sender.step(receipt([preamble()]), 3.1))) == WINDOW_FIRST


def test_the_window_is_never_wider_than_the_broker_says_on_that_connection() -> None:
    sender = Sender(20, TIMEOUT)
    feed(sender, preamble(), *map(block, range(100)))
    sender.step(Connected(3), 0)
    road = published(sender.step(receipt([preamble()]), 0.1))
    for now in (0.2, 0.3, 0.4):
        assert len(road) == 3
        road = published(sender.step(receipt(road), now))
    sender.step(Disconnected(), 2)
    sender.step(Connected(), 3)
    assert len(published(sender.step(receipt([preamble()]), 3.1))) == WINDOW_FIRST


@pytest.mark.parametrize("takes", [0.1, 1.0, 2.0, 3.0, 3.9])
def test_a_meeting_with_a_backlog_keeps_up_behind_an_archive_whose_receipts_take_seconds(takes: float) -> None:
    sender, seconds = Sender(128, TIMEOUT), 200
    feed(sender, preamble(A), *(block(index, A) for index in range(20_000)), manifest(A))
    road: collections.deque[tuple[float, Name]] = collections.deque()
    signed: set[Name] = set()

    def send(actions: Iterable[Action], now: float) -> None:
        road.extend((now + takes, name) for name in published(actions))

    send(sender.step(Connected(), 0), 0.0)
    send(sender.step(added(preamble(B)), 0), 0.0)
    for second in range(seconds):
        while road and road[0][0] <= second:
            now, name = road.popleft()
            signed.add(name)
            send(sender.step(receipt([name]), now), now)
        send(sender.step(added(block(second, B)), second), float(second))
    behind = seconds - sum(block(second, B) in signed for second in range(seconds))
    # What is on the road; and of the first seconds, until the window was so narrow that the backlog stayed where it is.
    assert behind <= 4 * takes + WINDOW_FIRST
    assert takes > 1 or sum(name.recording == A for name in signed) > seconds, "nor does it hold the backlog up"


def test_adding_twice_is_adding_once() -> None:
    sender = Sender(8, TIMEOUT)
    sender.step(Connected(), 0)
    assert feed(sender, preamble(), preamble(), preamble()) == [preamble()]
    assert sender.waiting == 1


def test_days_of_blocks_cost_no_more_an_event() -> None:
    """In units of this machine's own speed: an event that looked at every item would be some thousand times slower."""
    sender = Sender(8, TIMEOUT)
    for recording in (f"{each:032x}" for each in range(20)):
        feed(sender, preamble(recording), *(block(index, recording) for index in range(2_500)))
    start = process_time()
    sorted(content(block(index)) for index in range(50_000))
    all_items = process_time() - start
    start = process_time()
    for again in range(200):
        sender.step(Connected(), again)
        sender.step(Tick(), again)
        sender.step(receipt([preamble(f"{again % 20:032x}")]), again)
        sender.step(Disconnected(), again)
    assert process_time() - start < 50 * all_items, "800 events, cheaper than 50 looks at everything"
    assert sender.waiting == 50_000


class Road(RuleBasedStateMachine):
    """A device, a road on which anything may happen to a message, and an archive that keeps what comes."""

    def __init__(self) -> None:
        super().__init__()
        self.window = 3
        self.sender = Sender(self.window, TIMEOUT)
        self.now = 0.0
        self.connected = False
        self.device: dict[str, dict[Name, bytes]] = {}
        """What is on the card."""
        self.sequences: dict[str, int] = {}
        self.open: set[str] = set()
        self.refused: set[str] = set()
        self.up: list[Name] = []
        self.down: list[Received] = []
        self.archive: dict[Name, bytes] = {}
        self.purged_there: set[str] = set()
        self.signed: set[Name] = set()
        self.flying: set[Name] = set()
        """Published on this connection, without a receipt that was heard."""

    def step(self, event: object) -> None:
        for action in self.sender.step(event, self.now):  # type: ignore[arg-type]
            match action:
                case Publish(name):
                    assert self.connected
                    assert name in self.device[name.recording], "only what is on the card"
                    assert name not in self.flying, "not twice on one connection"
                    assert (
                        name.type not in (RecordType.KEYBOX, Beside.RECEIPT) or manifest(name.recording) in self.archive
                    )
                    assert name.type is RecordType.PREAMBLE or preamble(name.recording) in self.archive
                    self.flying.add(name)
                    self.up.append(name)
                case Receipted(names):
                    for name in names:
                        assert self.archive[name] == self.device[name.recording][name], "the archive truly has it"
                        assert name not in self.signed
                        self.signed.add(name)
                case Done(recording):
                    assert recording not in self.refused and recording not in self.open
                    kept = self.device.pop(recording)
                    assert manifest(recording) in kept and told(recording) in kept
                    assert all(self.archive[name] == item for name, item in kept.items())
                    self.flying = {name for name in self.flying if name.recording != recording}
                case PurgeConfirmed(recording):
                    assert recording in self.refused
                    assert recording in self.purged_there
                    assert told(recording) in self.archive, "what tells of the refusal is there"
                    assert not any(
                        name.type is RecordType.BLOCK for name in self.archive if name.recording == recording
                    )
                    del self.device[recording]
                    self.flying = {name for name in self.flying if name.recording != recording}
                case Reconnect():
                    self.connected = False
                    self.flying.clear()
                    self.step(Disconnected())

    def add(self, name: Name, refusal: bool = False) -> None:
        self.device.setdefault(name.recording, {})[name] = content(name)
        self.step(Added(name, content(name), self.sequences[name.recording], refusal))

    @precondition(lambda self: len(self.device) < 4)
    @rule(blocks=st.integers(0, 5))
    def begin(self, blocks: int) -> None:
        recording = f"{len(self.open) + len(self.signed) + len(self.device) + 1000 * self.now:032.0f}"
        if recording in self.device or any(name.recording == recording for name in self.archive):
            return
        self.open.add(recording)
        self.sequences[recording] = len(self.sequences)
        self.add(preamble(recording))
        for index in range(blocks):
            self.add(block(index, recording))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def record(self, data: st.DataObject) -> None:
        recording = data.draw(st.sampled_from(sorted(self.open)))
        self.add(block(sum(name.type is RecordType.BLOCK for name in self.device[recording]), recording))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), with_keybox=st.booleans())
    def end(self, data: st.DataObject, with_keybox: bool) -> None:
        recording = data.draw(st.sampled_from(sorted(self.open)))
        self.open.remove(recording)
        if with_keybox:
            self.add(keybox(recording))
        self.add(told(recording))
        self.add(manifest(recording))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def refuse(self, data: st.DataObject) -> None:
        recording = data.draw(st.sampled_from(sorted(self.open)))
        self.open.remove(recording)
        self.refused.add(recording)
        gone = {name for name in self.device[recording] if name.type is not RecordType.PREAMBLE}
        self.device[recording] = {preamble(recording): content(preamble(recording))}
        self.flying -= gone
        self.step(Dropped(recording))
        self.add(told(recording))
        self.add(manifest(recording), refusal=True)

    @rule()
    def connect(self) -> None:
        self.connected = True
        self.flying.clear()
        self.step(Connected())

    @rule()
    def disconnect(self) -> None:
        self.connected = False
        self.flying.clear()
        self.step(Disconnected())

    @rule(seconds=st.sampled_from([0.1, 5.0, 31.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.step(Tick())

    @precondition(lambda self: self.up)
    @rule(data=st.data(), keep=st.booleans())
    def arrive(self, data: st.DataObject, keep: bool) -> None:
        """Any message on the road arrives; with `keep` it will come once more."""
        index = data.draw(st.integers(0, len(self.up) - 1))
        self.take(self.up[index] if keep else self.up.pop(index))

    @precondition(lambda self: self.up)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        self.up.pop(data.draw(st.integers(0, len(self.up) - 1)))

    def take(self, name: Name) -> None:
        """As docs/wire.md judges."""
        recording = name.recording
        orders: list[Purged] = []
        stays = (preamble(recording), manifest(recording), told(recording))
        if recording in self.purged_there and name not in stays:
            self.down.append(receipt([], [purged(recording)]))
            return
        early = name.type is not RecordType.PREAMBLE and preamble(recording) not in self.archive
        of_the_manifest = name.type in (RecordType.KEYBOX, Beside.RECEIPT)
        if early or (of_the_manifest and manifest(recording) not in self.archive):
            self.down.append(receipt([], [], [rejected(name)]))
            return
        duplicate = name in self.archive
        self.archive[name] = content(name)
        if name == manifest(recording) and recording in self.refused:
            self.purged_there.add(recording)
            for gone in [
                each for each in self.archive if each.recording == recording and each.type is RecordType.BLOCK
            ]:
                del self.archive[gone]
        if recording in self.purged_there:
            orders.append(purged(recording))
        names = [name]
        if duplicate and name.type is RecordType.PREAMBLE:
            names = [each for each in self.archive if each.recording == recording]
        self.down.append(receipt(names, orders))

    @precondition(lambda self: self.down)
    @rule(data=st.data(), keep=st.booleans())
    def hear(self, data: st.DataObject, keep: bool) -> None:
        """Any receipt is heard, also one of long ago; with `keep` it will come once more."""
        index = data.draw(st.integers(0, len(self.down) - 1))
        heard = self.down[index] if keep else self.down.pop(index)
        self.flying_less(heard)
        self.step(heard)

    def flying_less(self, heard: Received) -> None:
        for stored in heard.receipt.stored:
            self.flying -= set(stored.covered(self.archive)) - {manifest(each) for each in self.refused}
        for order in heard.receipt.purged:
            if order == purged(order.recording):
                self.flying.discard(manifest(order.recording))
        for no in heard.receipt.rejected:
            self.flying.discard(Name(no.recording, RecordType[no.type.upper()], no.index))

    @precondition(lambda self: self.down)
    @rule(data=st.data())
    def not_hear(self, data: st.DataObject) -> None:
        self.down.pop(data.draw(st.integers(0, len(self.down) - 1)))

    @precondition(lambda self: self.device)
    @rule(data=st.data(), size=st.integers(1, 4))
    def another_archive(self, data: st.DataObject, size: int) -> None:
        """A receipt for other bytes under our names: signed, but not for what is here."""
        recording = data.draw(st.sampled_from(sorted(self.device)))
        type_ = data.draw(st.sampled_from(list(ITEM_TYPES.values())))
        names = [Name(recording, type_, index) for index in range(size if type_ is RecordType.BLOCK else 1)]
        contents = {name: content(name) for name in names}
        contents[data.draw(st.sampled_from(names))] = bytes(32)
        self.step(receipt(contents, [Purged(recording, bytes(32).hex())]))

    @invariant()
    def the_window_is_kept(self) -> None:
        assert len(self.flying) <= self.window

    @invariant()
    def waiting_is_what_has_no_receipt(self) -> None:
        here = {name for items in self.device.values() for name in items}
        assert self.sender.waiting == len(here - self.signed)

    @invariant()
    def the_backlog_is_what_has_no_receipt_of_meetings_that_are_over(self) -> None:
        over = [items for recording, items in self.device.items() if manifest(recording) in items]
        assert self.sender.backlog == len({name for items in over for name in items} - self.signed)

    @invariant()
    def receipted_counts_blocks(self) -> None:
        for recording in self.device:
            signed = [each for each in self.signed if each.recording == recording and each.type is RecordType.BLOCK]
            assert self.sender.receipted(recording) == (0 if recording in self.refused else len(signed))

    def teardown(self) -> None:
        """On a road that works everything comes to its end."""
        for recording in sorted(self.open):
            self.open.remove(recording)
            self.add(keybox(recording))
            self.add(told(recording))
            self.add(manifest(recording))
        self.up.clear()
        self.down.clear()
        self.connect()
        for _ in range(1_000):
            while self.up:
                self.take(self.up.pop(0))
            if not self.down:
                break
            heard = self.down.pop(0)
            self.flying_less(heard)
            self.step(heard)
        assert self.device == {}
        assert self.sender.waiting == 0
        assert not self.flying


TestRoad = Road.TestCase
TestRoad.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
