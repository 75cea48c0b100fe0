"""`explain` as a person reads it."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from ultracore_jobs.application import Application
from ultracore_jobs.cli import explain as command
from ultracore_jobs.errors import UnknownNameError
from ultracore_jobs_tests.fee_stage import charge, fee_platform

FEE = "management fee A-PF-1, 2026-06-01 to 2026-06-30"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Application:
    """June is decided for PF-1 and PF-2; the terminal is 100 columns wide."""
    app = fee_platform(tmp_path)
    charge(app)
    monkeypatch.setattr(command, "build_application", lambda: app)
    monkeypatch.setenv("COLUMNS", "100")
    return app


def ask(*words: str) -> Result:
    """Run the command."""
    front = typer.Typer()
    front.command()(command.explain)
    return CliRunner().invoke(front, [*words])


def test_a_charge_reads_from_the_total_to_the_ledger(app: Application) -> None:
    """At a glance first; then each number with formula, rounding, source; then what became of it."""
    shown = ask("PF-1", "2026-06-17").stdout

    assert app.jobs
    lines = [line.strip() for line in shown.splitlines()]
    assert lines[0] == "PF-1 of acme, 2026-06-17"
    assert lines[1:3] == [f"{FEE}: total  506.30 AUD", "460.27 + 46.03 = 506.30"]
    assert "round(168000 / 365, 2) = 460.27" in lines
    assert "Charge of the month" in lines
    assert any(line.startswith("batch bat_") for line in lines)
    assert any("not applied: MANAGEMENT_FEE 506.30 AUD, asks to APPLY" in line for line in lines)


def test_it_fits_100_columns_and_a_pipe(app: Application) -> None:
    """No line is wider; nothing asks for a terminal."""
    lines = ask("PF-1", "2026-06-17").stdout.splitlines()

    assert app.jobs
    assert max(map(len, lines)) <= 100


def test_one_number_shows_every_row_it_was_made_from(app: Application) -> None:
    """The sum of the month names each accrual; other numbers are left out."""
    shown = ask("PF-1", "2026-06-17", "--number", "settled_fee_days").stdout

    assert app.jobs
    assert shown.count("from fee_accruals") == 22, "22 sessions in June 2026"
    assert "gst" not in shown


def test_json_is_one_document(app: Application) -> None:
    """The documented one."""
    document = json.loads(ask("PF-1", "2026-06-17", "--json").stdout)

    assert app.jobs
    assert document["portfolio_id"] == "PF-1"
    assert document["jobs"][0]["job_type"] == "fee_charging"


def test_a_number_that_is_not_there_lists_those_there_are(app: Application) -> None:
    """As any name that is not known."""
    refused = ask("PF-1", "2026-06-17", "--number", "navv")

    assert app.jobs
    assert isinstance(refused.exception, UnknownNameError)
    assert "unknown number 'navv'" in str(refused.exception)
