"""The states of a slot: what a weak battery or a byte cut in two makes of one is none of them."""

from itertools import combinations, permutations

from recorder.device.slot import COMMITTED, EMPTY, HOLDS, REFUSED, check

STATES = (EMPTY, HOLDS, REFUSED, COMMITTED)


def test_two_states_differ_in_five_bits_at_least() -> None:
    assert min((one ^ other).bit_count() for one, other in combinations(STATES, 2)) == 5


def test_no_mixture_of_two_states_is_a_third() -> None:
    for one, other, third in permutations(STATES, 3):
        mixtures = {one & ~bits | other & bits for bits in range(256)}
        assert third not in mixtures


def test_the_check_is_the_usual_crc() -> None:
    assert check(b"1234", bytearray(b"56789")) == bytes.fromhex("cbf43926")  # its published check value
