"""A dry run goes the same way and leaves no trace."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.pipeline import JobRequest, execute
from ultracore_jobs.application.reading import Moment
from ultracore_jobs.application.rehearsal import Rehearsal, rehearse
from ultracore_jobs.errors import UsageError
from ultracore_jobs_tests.fee_stage import ACME, FEES, JUNE, charge, fee_platform, value
from ultracore_jobs_tests.stage import FRIDAY, application, load
from ultracore_jobs_tests.toys import ACCOUNT_BALANCE, ACCOUNTS, TOYS, accounts


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """June can be charged."""
    return fee_platform(tmp_path)


def june(app: Application, **parameters: object) -> Rehearsal:
    """What charging June would do."""
    return rehearse(app, FEES, tenant=ACME, as_of=JUNE, parameters=parameters)


def files(folder: Path) -> Iterator[tuple[str, int]]:
    """Every file of the lake, and when it was written."""
    return ((str(path), path.stat().st_mtime_ns) for path in sorted((folder / "lake").rglob("*")))


def test_a_first_run_is_rehearsed_and_nothing_is_written(app: Application, tmp_path: Path) -> None:
    """Two charges of 506.30 would be decided and wait; lake and ledger stay as they are."""
    before = list(files(tmp_path))

    found = june(app)

    assert found.status == "COMPLETED"
    assert found.tables.select("table", "rows", "would").rows() == [
        ("fee_charges", 2, "be written"),
        ("fee_accruals", 44, "be written"),
        ("fee_adjustments", 0, "be written"),
    ]
    assert found.effects is not None
    assert [(row["asks"], row["decisions"], str(row["amount"])) for row in found.effects.to_dicts()] == [
        ("APPLY", 2, "1012.6000")
    ]
    assert list(files(tmp_path)) == before
    assert app.ledger.position() == 0


def test_what_would_change_is_shown_cell_by_cell(app: Application) -> None:
    """PF-1 restated to 500,000 on the last two days of June: 460.27 becomes 456.99."""
    charge(app)
    value(app, {"PF-1": "500000", "PF-2": "600000"}, start=date(2026, 6, 29))
    app.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]

    found = june(app)

    assert found.tables.filter(found.tables["would"] == "be restated").height == 2
    cells = {
        (row["column"], row["stored"], row["computed"]) for row in found.changes["fee_charges"].to_dicts()
    }
    assert ("fee_ex_gst", "460.2700", "456.9900") in cells
    assert found.as_json()["dry_run"] is True


def test_what_is_not_ready_says_what_it_waits_for(tmp_path: Path) -> None:
    """June valued to the 15th only."""
    app = fee_platform(tmp_path, end=date(2026, 6, 16))

    found = june(app)

    assert found.status == "SKIPPED_UPSTREAM"
    assert "valuations of 2026-06-16 and 10 other sessions" in found.warnings[0]


def test_a_broken_law_is_told(tmp_path: Path) -> None:
    """In earnest it would fail the run; here it says which law."""
    app = application(tmp_path, TOYS)
    load(app, ACCOUNTS, accounts(A="10.00"), tenant="acacia")
    execute(app, JobRequest(TOYS["daily_factor"], Moment("shared", FRIDAY, app.clock.now()), "job_1"))

    found = rehearse(app, ACCOUNT_BALANCE, tenant="acacia", as_of=FRIDAY, parameters={"skew": True})

    assert found.broken
    assert found.status == "FAILED"
    assert any(warning.startswith("balances_reconciled: 1 row(s)") for warning in found.warnings)


def test_a_bad_parameter_is_refused_as_in_earnest(app: Application) -> None:
    """The same message, with what there is."""
    with pytest.raises(UsageError, match="there is no fee of type tax"):
        june(app, fee_types=["tax"])
