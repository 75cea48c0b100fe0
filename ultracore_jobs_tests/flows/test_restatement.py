"""A price is corrected after two days were valued: the first is restated, and names the second."""

import json
import shutil
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import polars as pl

from ultracore_jobs_tests.flows.conftest import DEMO_DAY, Installed
from ultracore_jobs_tests.flows.test_business_day import newest_file

DAY_BEFORE = "2026-11-19"


def valuation(document: dict[str, Any]) -> dict[str, Any]:
    """The result of acacia's valuation."""
    found = next(job for job in document["jobs"] if job["tenant"] == "acacia")
    result: dict[str, Any] = found["result"]
    return result


def worth(line: dict[str, Any], close: Decimal) -> Decimal:
    """A position at another close, rounded half-up to the cent; every holder here is valued in AUD or USD."""
    exact = line["qty"] * close * line["price_factor"] * line["fx"]
    return Decimal(exact.quantize(Decimal("0.01"), ROUND_HALF_UP))


def moves(before: Path, after: Path) -> dict[str, Decimal]:
    """By how much each NAV before accrued fees changed; without those that did not."""
    gross = (pl.col("nav") + pl.col("accrued_fees_base")).alias("gross")
    then, now = (pl.read_parquet(file).with_columns(gross) for file in (before, after))
    both = then.join(now, on="portfolio_id", suffix="_after")
    changed = both.filter(pl.col("gross") != pl.col("gross_after"))
    return {row["portfolio_id"]: row["gross_after"] - row["gross"] for row in changed.iter_rows(named=True)}


def test_a_corrected_price_restates_and_names_what_was_computed_from_it(
    first_demo: dict[str, Any], installed: Installed, tmp_path: Path
) -> None:
    """AAPL's close of Thursday is corrected by one per cent.

    Thursday's valuation gets version 2, every holder's NAV before fees moves by one per cent of the holding,
    to the cent; the version before stands; the result names what came from it: the marks of both days, and
    Friday's valuation, which remembers units and fees.
    """
    assert first_demo["jobs"]
    desk = Installed(tmp_path)
    shutil.copytree(installed.folder / ".ultracore", desk.folder / ".ultracore")
    before = json.loads(desk.run("demo", "--date", DAY_BEFORE, "--json"))
    desk.run("demo", "--date", DEMO_DAY, "--json")
    lines = pl.read_parquet(newest_file(desk.lake, "acacia", "valuation_lines", DAY_BEFORE))
    held = lines.filter((pl.col("instrument_id") == "XNYS-AAPL") & (pl.col("line_type") == "POSITION"))
    close = held["price"][0]
    corrected = (close * Decimal("1.01")).quantize(Decimal("0.000001"))
    header = "instrument_id,price_date,close,status,reason"
    (desk.folder / "fix.csv").write_text(f"{header}\nXNYS-AAPL,{DAY_BEFORE},{corrected},OK,\n")
    old = newest_file(desk.lake, "acacia", "valuations", DAY_BEFORE)

    desk.run("import", "prices", "fix.csv", "--tenant", "shared")
    after = json.loads(desk.run("demo", "--date", DAY_BEFORE, "--json"))

    result = valuation(after)
    assert result["restates"]["tables"] == dict.fromkeys(
        ("fee_memory", "performance_accruals", "valuation_lines", "valuations"), 2
    )
    assert result["restates"]["dependants"] == [
        f"high_water_mark_update {DAY_BEFORE}",
        f"high_water_mark_update {DEMO_DAY}",
        f"portfolio_valuation {DEMO_DAY}",
    ]
    complete = pl.read_parquet(old).filter(pl.col("status") == "COMPLETE")
    held = held.join(complete, on="portfolio_id", how="semi")
    assert held.height > 3
    assert moves(old, newest_file(desk.lake, "acacia", "valuations", DAY_BEFORE)) == {
        row["portfolio_id"]: worth(row, corrected) - row["mv_base"] for row in held.iter_rows(named=True)
    }
    replayed = json.loads(desk.run("replay", after["jobs"][2]["job_id"], "--json"))
    assert replayed["agrees"]
    first = next(job for job in before["jobs"] if job["tenant"] == "acacia")
    assert json.loads(desk.run("replay", first["job_id"], "--json"))["agrees"]
