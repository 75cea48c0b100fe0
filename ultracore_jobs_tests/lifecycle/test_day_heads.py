"""The heads of days: what they hang on."""

from datetime import date
from hashlib import sha256

import pytest

from ultracore_jobs.lifecycle.chain import GENESIS
from ultracore_jobs.lifecycle.day_heads import DayHead
from ultracore_jobs.lifecycle.merkle import inclusion_proof, is_included, merkle_root

LEAVES = [sha256(str(number).encode()).hexdigest() for number in range(5)]
MONDAY, TUESDAY = date(2024, 1, 15), date(2024, 1, 16)


def test_a_head_is_the_root_and_hangs_on_the_head_before() -> None:
    """Three events on Monday, two on Tuesday; the hash is worked out here once more."""
    monday = DayHead.over(MONDAY, LEAVES[:3], None)
    tuesday = DayHead.over(TUESDAY, LEAVES[3:], monday)

    root = merkle_root(LEAVES[:3])
    content = f'{{"day":"2024-01-15","events":3,"first_position":1,"merkle_root":"{root}"}}'
    assert monday.hash == sha256((GENESIS + content).encode()).hexdigest()
    assert (tuesday.first_position, tuesday.next_position, tuesday.prev_hash) == (4, 6, monday.hash)
    assert monday.follows(None)
    assert tuesday.follows(monday)
    proof = inclusion_proof(monday.leaves, 1)
    assert is_included(LEAVES[1], index=1, size=3, proof=proof, root=monday.merkle_root)


@pytest.mark.parametrize(
    "change",
    [
        {"day": date(2024, 1, 17)},
        {"events": 1},
        {"first_position": 5},
        {"merkle_root": GENESIS},
        {"prev_hash": GENESIS},
        {"hash": GENESIS},
        {"leaves": (LEAVES[4], LEAVES[3])},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_head_that_was_changed_no_longer_follows(change: dict[str, object]) -> None:
    """Whatever of it."""
    monday = DayHead.over(MONDAY, LEAVES[:3], None)
    tuesday = DayHead.over(TUESDAY, LEAVES[3:], monday)

    assert not tuesday.model_copy(update=change).follows(monday)
    assert not tuesday.follows(None)
    assert not tuesday.follows(tuesday)
