"""A past number, computed again from what was read then."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.pipeline import JobRequest, execute
from ultracore_jobs.application.reading import Moment
from ultracore_jobs.application.replay import replay_job
from ultracore_jobs.errors import UnknownNameError
from ultracore_jobs_tests.stage import FRIDAY, StillClock, application, load
from ultracore_jobs_tests.toys import ACCOUNT_BALANCE, ACCOUNTS, TOYS, Balances, accounts, balance_accounts


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """Friday's balances were computed by job_1, then an account was corrected."""
    clock = StillClock()
    app = application(tmp_path, TOYS, clock=clock)
    load(app, ACCOUNTS, accounts(A="10.00", B="20.00"), tenant="acacia")
    _run(app, "daily_factor", "shared", "job_0")
    _run(app, "account_balance", "acacia", "job_1")
    clock.move(timedelta(days=2))
    correction = accounts(A="11.00", known_at="2026-11-22T00:00:00Z")
    load(app, ACCOUNTS, correction, tenant="acacia", partition="2026-11-22")
    return app


def _run(app: Application, job_type: str, tenant: str, job_id: str) -> None:
    execute(app, JobRequest(app.jobs[job_type], Moment(tenant, FRIDAY, app.clock.now()), job_id))


def test_a_replay_gives_the_same_rows_whatever_came_later(app: Application) -> None:
    """The correction is not among the pinned inputs, so the replay does not see it."""
    replayed = replay_job(app, "job_1")

    assert replayed.agrees
    assert replayed.moment.as_of == FRIDAY
    assert [table.rows for table in replayed.tables] == [2]


def test_a_restated_day_replays_each_job_from_its_own_inputs(app: Application) -> None:
    """job_1 wrote version 1, job_2 version 2; both agree."""
    _run(app, "account_balance", "acacia", "job_2")

    first, second = replay_job(app, "job_1"), replay_job(app, "job_2")

    assert first.agrees
    assert second.agrees
    assert [table.ref.version for table in (*first.tables, *second.tables)] == [1, 2]


def test_another_rule_shows_as_the_first_differing_cell(app: Application) -> None:
    """A kernel that adds one cent to B: the first difference is B's balance."""

    def generous(*, accounts: pl.DataFrame, factors: pl.DataFrame, as_of: object, skew: bool) -> Balances:
        told = balance_accounts(accounts=accounts, factors=factors, as_of=as_of, skew=skew)  # type: ignore[arg-type]
        amount = pl.col("balance")
        raised = pl.when(pl.col("account_id") == "B").then(amount + pl.lit("0.01").str.to_decimal(scale=4))
        return Balances(
            told.balances.with_columns(raised.otherwise(amount).cast(pl.Decimal(18, 4))), told.quarantine
        )

    jobs = {**TOYS, "account_balance": replace(ACCOUNT_BALANCE, kernel=generous)}
    replayed = replay_job(replace(app, jobs=jobs), "job_1")

    assert not replayed.agrees
    difference = replayed.tables[0].difference
    assert difference is not None
    assert (difference.row_key, difference.column) == ("2026-11-20|B", "balance")
    assert (difference.stored, difference.replayed) == ("40.0000", "40.0100")


def test_an_unknown_job_is_said_to_be_unknown(app: Application) -> None:
    """Not an empty success."""
    with pytest.raises(UnknownNameError, match="unknown job 'job_x'"):
        replay_job(app, "job_x")
