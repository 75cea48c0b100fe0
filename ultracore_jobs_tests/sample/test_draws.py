"""Numbers that depend on whose they are, and on nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.sample.draws import Draws
from ultracore_jobs.sample.grid import half_up

DRAWS = Draws("acacia", 1)


def test_a_number_does_not_depend_on_its_neighbours() -> None:
    """Portfolio 7 has the same number among ten and among a thousand."""
    few, many = DRAWS.uniform("x", np.arange(10)), DRAWS.uniform("x", np.arange(1000))

    assert (few == many[:10]).all()


def test_streams_tenants_and_seeds_are_apart() -> None:
    """Four different first numbers."""
    first = np.arange(1)
    numbers = {
        float(draws.uniform(stream, first)[0])
        for draws, stream in (
            (DRAWS, "x"),
            (DRAWS, "y"),
            (Draws("banksia", 1), "x"),
            (Draws("acacia", 2), "x"),
        )
    }

    assert len(numbers) == 4


def test_numbers_are_spread_evenly() -> None:
    """Mean 1/2 and variance 1/12 within four standard errors of 100,000 draws."""
    numbers = DRAWS.uniform("even", np.arange(100_000))

    assert numbers.mean() == pytest.approx(0.5, abs=4 * 0.2887 / 316)
    assert numbers.var() == pytest.approx(1 / 12, abs=0.002)


def test_choices_come_in_their_shares_and_documents_in_hexadecimal() -> None:
    """A quarter within two per cent; 64 digits, all different."""
    chosen = DRAWS.choice("c", {"a": 0.25, "b": 0.75}, np.arange(20_000))
    hashes = DRAWS.hexadecimal("h", np.arange(100))

    assert (chosen == "a").mean() == pytest.approx(0.25, abs=0.02)
    assert len(set(hashes)) == 100
    assert all(len(each) == 64 and int(each, 16) >= 0 for each in hashes)


@given(st.integers(0, 10**15), st.integers(1, 10**9))
def test_half_up_is_exact(numerator: int, denominator: int) -> None:
    """The whole number nearest to the quotient, the greater one where two are as near."""
    result = int(half_up(np.array([numerator]), denominator)[0])

    assert 2 * result * denominator - denominator <= 2 * numerator < 2 * result * denominator + denominator
