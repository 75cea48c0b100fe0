"""Books made once for all tests of the sample: small ones, to the demo's day and to the end of the data."""

from datetime import date

import polars as pl
import pytest

from ultracore_jobs.sample import generate_tenant

DEMO_DAY = date(2026, 11, 20)
LAST_DAY = date(2031, 12, 31)

Books = dict[str, pl.DataFrame]


@pytest.fixture(scope="session")
def books() -> Books:
    """Acacia with 150 portfolios, as it stands on the demo's day."""
    return generate_tenant("acacia", portfolios=150, until=DEMO_DAY)


@pytest.fixture(scope="session")
def books_to_the_end() -> Books:
    """The same, as it stands when the data end."""
    return generate_tenant("acacia", portfolios=150, until=LAST_DAY)
