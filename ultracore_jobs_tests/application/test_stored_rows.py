"""Which rows say anything new."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.application import Application
from ultracore_jobs.application.stored_rows import loads_of, new_rows
from ultracore_jobs.kernels.bitemporal import as_known
from ultracore_jobs_tests.stage import application, load
from ultracore_jobs_tests.toys import ACCOUNTS

START = datetime(2026, 1, 1, tzinfo=UTC)


def rows(*facts: tuple[str, int, int]) -> pl.DataFrame:
    """Account, amount, and the hour it became known, of each row."""
    return pl.DataFrame(
        {
            "tenant_id": ["acacia"] * len(facts),
            "account_id": [account for account, _, _ in facts],
            "amount": [Decimal(amount) for _, amount, _ in facts],
            "known_at": [START + timedelta(hours=hour) for _, _, hour in facts],
            "source": ["test"] * len(facts),
        },
        schema=ACCOUNTS.schema,
    )


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """Account A: 10, corrected to 11; B: 5."""
    app = application(tmp_path, {})
    load(app, ACCOUNTS, rows(("A", 10, 1), ("B", 5, 1)), tenant="acacia", partition="history")
    load(app, ACCOUNTS, rows(("A", 11, 5)), tenant="acacia", partition="2026-01-02")
    return app


def new(app: Application, *facts: tuple[str, int, int]) -> list[tuple[str, int]]:
    """Account and amount of those facts that are new."""
    fresh = new_rows(app, ACCOUNTS, rows(*facts), tenant="acacia", ignoring=())
    return [(account, int(amount)) for account, amount in fresh.select("account_id", "amount").rows()]


def test_what_is_stored_is_not_new_whenever_it_is_said_again(app: Application) -> None:
    """A is 11 since hour 5, so 11 at hour 9 is known; 10 at hour 9 is a correction back; C is unknown."""
    assert new(app, ("A", 11, 9), ("B", 5, 9)) == []
    assert new(app, ("A", 10, 9), ("C", 1, 9)) == [("A", 10), ("C", 1)]


def test_each_row_is_held_against_what_was_known_at_its_own_moment(app: Application) -> None:
    """The file that once loaded both the value and its correction brings nothing; an earlier fact does."""
    assert new(app, ("A", 10, 1), ("A", 11, 5), ("B", 5, 1)) == []
    assert new(app, ("A", 10, 4), ("A", 11, 4)) == [("A", 11)]
    assert new(app, ("A", 10, 0)) == [("A", 10)]


def test_of_stored_rows_of_one_moment_the_last_to_arrive_counts(app: Application) -> None:
    """A was said to be 12 at the very instant it was said to be 11, in a later load."""
    load(app, ACCOUNTS, rows(("A", 12, 5)), tenant="acacia", partition="2026-01-03")

    assert new(app, ("A", 12, 6)) == []
    assert new(app, ("A", 11, 6)) == [("A", 11)]


def test_a_column_to_ignore_makes_no_difference(app: Application) -> None:
    """The same row from another file."""
    elsewhere = rows(("B", 5, 9)).with_columns(pl.lit("other file").alias("source"))

    assert new_rows(app, ACCOUNTS, elsewhere, tenant="acacia", ignoring={"source"}).is_empty()
    assert new_rows(app, ACCOUNTS, elsewhere, tenant="acacia", ignoring=()).height == 1


def test_another_tenants_rows_are_never_looked_at(app: Application) -> None:
    """Isolation (domain_rules 1)."""
    mine = rows(("B", 5, 9)).with_columns(pl.lit("banksia").alias("tenant_id"))

    assert new_rows(app, ACCOUNTS, mine, tenant="banksia", ignoring=()).height == 1


def test_the_history_comes_before_loads_by_date(app: Application) -> None:
    """Though h sorts after 2."""
    assert [ref.partition for ref, _ in loads_of(app, ACCOUNTS, tenant="acacia")] == ["history", "2026-01-02"]


FACTS = st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 3), st.integers(0, 4)), max_size=6).map(
    # One file says one thing about an account at one moment; a contract sees to that.
    lambda facts: list({(account, hour): (account, amount, hour) for account, amount, hour in facts}.values())
)


@settings(max_examples=25, deadline=None)
@given(files=st.lists(FACTS, min_size=1, max_size=3))
def test_leaving_known_rows_out_changes_nothing_that_anybody_can_read(
    files: list[list[tuple[str, int, int]]],
) -> None:
    """After each file, what it says of a moment is what is read at that moment; again it brings nothing."""
    with TemporaryDirectory() as folder:
        app = application(Path(folder), {})
        for number, facts in enumerate(files, start=1):
            fresh = new_rows(app, ACCOUNTS, rows(*facts), tenant="acacia", ignoring=())
            load(app, ACCOUNTS, fresh, tenant="acacia", partition=f"2026-01-0{number}")

            for account, amount, hour in facts:
                assert state(app, START + timedelta(hours=hour))[account] == amount
            assert new_rows(app, ACCOUNTS, rows(*facts), tenant="acacia", ignoring=()).is_empty()


def state(app: Application, cutoff: datetime) -> dict[str, int]:
    """What each account held, as known at the cut-off."""
    scans = [app.tables.scan(ACCOUNTS, ref) for ref, _ in loads_of(app, ACCOUNTS, tenant="acacia")]
    known = as_known(pl.concat(scans), ACCOUNTS, known_at=cutoff).collect()
    return {account: int(amount) for account, amount in known.select("account_id", "amount").rows()}
