"""A whole business day, as `make demo` runs it: through Dagster, on real market data."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from ultracore_jobs.application.pipeline import JobRequest, execute
from ultracore_jobs.application.reading import Moment, fetch
from ultracore_jobs.bootstrap import Settings, build_application
from ultracore_jobs.errors import UsageError
from ultracore_jobs_tests.flows.conftest import DEMO_DAY, Installed
from ultracore_jobs_tests.kernels.valuation_oracle import recompute_navs

TENANTS = ("acacia", "banksia")
BEFORE_FEES = ("portfolio_id", "positions_base", "cash_base", "accrued_income_base")


def newest_file(lake: Path, tenant: str, table: str, partition: str = DEMO_DAY) -> Path:
    """The newest version of a partition, found as a reader without our code finds it."""
    folder = lake / tenant / table / partition
    manifest = json.loads((folder / "manifest.json").read_text())
    return folder / str(manifest["versions"][-1]["file"])


def test_every_job_of_the_day_ends_well(first_demo: dict[str, Any]) -> None:
    """The documented JSON: shared jobs once, the valuation and then the marks once for each tenant."""
    assert first_demo["as_of_date"] == DEMO_DAY
    assert first_demo["tenants"] == list(TENANTS)
    ran = [(job["job_type"], job["tenant"]) for job in first_demo["jobs"]]
    assert set(ran[:2]) == {("exchange_rate_update", "shared"), ("market_data_refresh", "shared")}
    assert ran[2:] == [
        (job_type, tenant)
        for job_type in ("portfolio_valuation", "high_water_mark_update")
        for tenant in TENANTS
    ]
    assert {job["status"] for job in first_demo["jobs"]} <= {"COMPLETED", "COMPLETED_WITH_ERRORS"}
    assert all(job["job_id"].startswith("job_") and job["run_id"] for job in first_demo["jobs"])


@pytest.mark.parametrize("tenant", TENANTS)
def test_every_nav_equals_an_independent_recomputation_to_the_cent(
    first_demo: dict[str, Any], installed: Installed, tenant: str
) -> None:
    """Plain Python decimals, written from the rules, over the Parquet inputs of the job."""
    app = build_application(Settings(home=installed.folder / ".ultracore"))
    valuation = next(job for job in first_demo["jobs"] if job["tenant"] == tenant)
    known_at = app.tables.versions(
        app.jobs["portfolio_valuation"].writes[0], tenant=tenant, partition=DEMO_DAY
    )[0].provenance.known_at
    day = date.fromisoformat(DEMO_DAY)
    inputs = fetch(app, app.jobs["portfolio_valuation"], Moment(tenant, day, known_at))

    expected = recompute_navs(inputs.tables, day)

    stored = pl.read_parquet(newest_file(installed.lake, tenant, "valuations"))
    assert dict(stored.select("portfolio_id", "nav").rows()) == expected
    assert stored.height > 190
    complete = stored.filter(pl.col("status") == "COMPLETE")
    assert valuation["result"]["portfolios_updated"] == complete.height


def test_what_was_planted_is_found(first_demo: dict[str, Any], installed: Installed) -> None:
    """The suspended instrument makes its holders INCOMPLETE, the stale one is flagged; the rest stand."""
    rows = pl.concat(pl.read_parquet(newest_file(installed.lake, tenant, "valuations")) for tenant in TENANTS)
    incomplete = rows.filter(pl.col("status") == "INCOMPLETE")

    assert first_demo["jobs"]
    assert incomplete.height > 0
    assert incomplete["nav"].null_count() == incomplete.height
    assert incomplete["reason"].str.contains("MISSING_PRICE").any()
    assert rows["flags"].str.contains("STALE_PRICE").any()


def test_a_reader_needs_no_code_of_ours(first_demo: dict[str, Any], installed: Installed) -> None:
    """DuckDB sums the lines of a portfolio to its NAV, straight from the files."""
    valuations = newest_file(installed.lake, "acacia", "valuations")
    lines = newest_file(installed.lake, "acacia", "valuation_lines")

    broken = duckdb.execute(
        f"""
        select v.portfolio_id, v.nav, v.accrued_fees_base, sum(l.mv_base) as lines
        from '{valuations}' v left join '{lines}' l using (portfolio_id)
        where v.status = 'COMPLETE' group by all
        having v.nav <> coalesce(sum(l.mv_base), 0) - v.accrued_fees_base
        """  # noqa: S608  paths of our own
    ).fetchall()
    total = duckdb.execute(f"select count(*) from '{valuations}'").fetchall()  # noqa: S608  as above

    assert broken == []
    assert total == [(199,)], "200 portfolios, of which one is closed"
    assert first_demo["lake"] == str(installed.lake)


def test_a_second_demo_rewrites_nothing_and_says_so(first_demo: dict[str, Any], installed: Installed) -> None:
    """Every file of the lake stays as it was, byte for byte; the runs are new."""
    before = {path: path.stat().st_mtime_ns for path in installed.lake.rglob("*.parquet")}

    again = installed.demo()

    assert {path: path.stat().st_mtime_ns for path in installed.lake.rglob("*.parquet")} == before
    assert [job["result"]["reused"] for job in again["jobs"]] == [True] * 6
    assert [job["status"] for job in again["jobs"]] == [job["status"] for job in first_demo["jobs"]]
    assert {job["run_id"] for job in again["jobs"]}.isdisjoint(job["run_id"] for job in first_demo["jobs"])


def test_a_replay_gives_the_same_hash(first_demo: dict[str, Any], installed: Installed) -> None:
    """Every job of the day, computed again from its pinned inputs."""
    for job in first_demo["jobs"]:
        replayed = json.loads(installed.run("replay", job["job_id"], "--json"))
        assert replayed["agrees"], replayed
        assert replayed["job_type"] == job["job_type"]


def test_a_replay_of_changed_bytes_is_refused(
    first_demo: dict[str, Any], tmp_path: Path, installed: Installed
) -> None:
    """An input that no longer has the bytes it had is named; nothing is pretended."""
    copy = Installed(tmp_path)
    shutil.copytree(installed.lake, copy.lake)
    lots = next((copy.lake / "acacia" / "lots").rglob("*.parquet"))
    spoiled = bytearray(lots.read_bytes())
    spoiled[len(spoiled) // 2] ^= 1
    lots.chmod(0o600)
    lots.write_bytes(bytes(spoiled))
    valuation = next(job for job in first_demo["jobs"] if job["tenant"] == "acacia")

    refused = copy.run_whole("replay", valuation["job_id"])

    assert refused.returncode == 4
    assert "Traceback" not in refused.stderr
    assert lots.name in "".join(refused.stderr.split())


def test_valuing_some_never_takes_the_others_away(first_demo: dict[str, Any], installed: Installed) -> None:
    """The day is valued; asked for one portfolio of it, the job is refused and the table stands."""
    assert first_demo["jobs"]
    app = build_application(Settings(home=installed.folder / ".ultracore"))
    spec = app.jobs["portfolio_valuation"]
    moment = Moment("acacia", date.fromisoformat(DEMO_DAY), app.clock.now())
    some = {"include_all_portfolios": False, "portfolio_ids": ["ACA-P000001"]}
    before = app.tables.versions(spec.writes[0], tenant="acacia", partition=DEMO_DAY)

    with pytest.raises(UsageError, match="197 other portfolios have a NAV of the day already"):
        execute(app, JobRequest(spec, moment, "job_some", parameters=some))

    assert app.tables.versions(spec.writes[0], tenant="acacia", partition=DEMO_DAY) == before


def test_the_next_day_has_its_own_prices(first_demo: dict[str, Any], installed: Installed) -> None:
    """Thursday, valued after Friday, reads Thursday's closes. Friday's positions and cash stand.

    Its NAV does not: with Thursday's memory, a day more of fees has accrued.
    """
    assert first_demo["jobs"]
    friday = worths(installed)
    installed.run("demo", "--date", "2026-11-19", "--json")
    installed.demo()

    assert worths(installed, "2026-11-19")["positions_base"].sum() != friday["positions_base"].sum()
    again = worths(installed)
    assert again.select(BEFORE_FEES).equals(friday.select(BEFORE_FEES))
    assert again["accrued_fees_base"].sum() > friday["accrued_fees_base"].sum()


def worths(installed: Installed, day: str = DEMO_DAY) -> pl.DataFrame:
    """Acacia's valuations of a day, as they stand."""
    return pl.read_parquet(newest_file(installed.lake, "acacia", "valuations", day)).sort("portfolio_id")
