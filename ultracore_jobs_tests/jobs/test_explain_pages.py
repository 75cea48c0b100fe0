"""What a page promises about explanations."""

from dataclasses import replace

import pytest

from ultracore_jobs.errors import InvalidJobSpecError
from ultracore_jobs.jobs.registry import job_type
from ultracore_jobs.kernels.explained import Explained


def test_an_explanation_asks_for_what_there_is_and_the_portfolio() -> None:
    """A table that the job neither reads nor writes is refused when the page is loaded."""

    def from_nowhere(*, tea_leaves: object, portfolio_id: str) -> list[Explained]:
        raise AssertionError(tea_leaves, portfolio_id)

    with pytest.raises(InvalidJobSpecError, match=r"from_nowhere\(\) asks for tea_leaves; there are "):
        replace(job_type("high_water_mark_update"), explain=from_nowhere)


@pytest.mark.parametrize("name", ["portfolio_valuation", "high_water_mark_update", "fee_charging"])
def test_whatever_ends_in_a_charge_can_be_explained(name: str) -> None:
    """From NAV to fee."""
    assert job_type(name).explain is not None
