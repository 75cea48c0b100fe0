"""What an operator reads of a batch, and of its receipts."""

from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import polars as pl
import pytest
from dagster_shared import yaml_utils

from ultracore_jobs.application import Application
from ultracore_jobs.application.approvals import approve_batch
from ultracore_jobs.application.batches import standing_batch
from ultracore_jobs.application.effects import apply_batch
from ultracore_jobs.orchestration.batch_metadata import of_batch, of_receipts
from ultracore_jobs.orchestration.metadata import grouped, table
from ultracore_jobs.orchestration.people import PEOPLE
from ultracore_jobs_tests.fee_stage import ACME, FEES, JUNE, charge, fee_platform


def standing(app: Application) -> dict[str, Any]:
    """What is shown of the batch of June."""
    return of_batch(app, standing_batch(app, FEES, tenant=ACME, as_of=JUNE))


def rows(metadata: Any) -> list[dict[str, Any]]:
    """The rows of a table that the UI shows."""
    return [dict(record.data) for record in metadata.records]


def test_a_batch_that_waits_is_shown_with_what_it_comes_to_and_what_is_odd(tmp_path: Path) -> None:
    """Two charges of 506.30; PF-2 never signed, so its charge is refused and stands among the exceptions."""
    app = fee_platform(tmp_path, "PF-1", "PF-2", unsigned=("PF-2",))
    charge(app)

    shown = standing(app)

    assert list(shown)[:3] == ["batch_id", "batch_state", "requested_by"], "what a person copies comes first"
    assert rows(shown["batch_totals"]) == [{"kind": "MANAGEMENT_FEE", "decisions": 1, "amount": "506.30 AUD"}]
    assert rows(shown["batch_exceptions"]) == [
        {
            "asks": "REFUSE",
            "decisions": 1,
            "amount": "506.30 AUD",
            "reason": "BLOCKED_NO_CONSENT: NOT_SIGNED",
            "first": "PF-2",
        }
    ]


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_a_batch_that_waits_links_to_its_form_filled_in(tmp_path: Path, verb: str) -> None:
    """One click on the decisions opens the person's job with the batch's name in it, valid as it stands."""
    app = fee_platform(tmp_path)
    charge(app)
    shown = standing(app)

    link = urlsplit(shown[verb].url)
    (form,) = parse_qs(link.query)["config"]
    filled = yaml_utils.load_run_config_yaml(form)

    job = next(job for job in PEOPLE if job.name == f"{verb}_batch")
    assert link.path == f"/locations/ultracore_jobs/jobs/{job.name}/playground/setup"
    assert filled == {"batch_id": shown["batch_id"], "note": "", "name": ""}
    assert dg.validate_run_config(job, filled)


def test_receipts_show_who_approved_and_what_was_posted_and_refused(tmp_path: Path) -> None:
    """PF-1 paid 506.30, PF-2 never signed: the refusal stands first, and nothing is left to approve."""
    app = fee_platform(tmp_path, "PF-1", "PF-2", unsigned=("PF-2",))
    charge(app)
    batch = standing_batch(app, FEES, tenant=ACME, as_of=JUNE)
    approve_batch(app, batch.batch.batch_id, actor="ui:olga", note="totals looked at")
    apply_batch(app, FEES, tenant=ACME, as_of=JUNE, actor="ui:olga")

    shown = of_receipts(app, standing_batch(app, FEES, tenant=ACME, as_of=JUNE))

    assert (shown["batch_state"], shown["approved_by"], shown["note"]) == (
        "applied",
        "ui:olga",
        "totals looked at",
    )
    assert (shown["posted"].value, shown["blocked"].value, shown["not_applied_yet"].value) == (1, 1, 0)
    assert [(row["outcome"], row["amount"]) for row in rows(shown["applied"])] == [
        ("BLOCKED", "506.30 AUD"),
        ("POSTED", "506.30 AUD"),
    ]
    assert [(row["party"], row["outcome"]) for row in rows(shown["first_receipts"])] == [
        ("PF-2", "BLOCKED"),
        ("PF-1", "POSTED"),
    ]
    assert "approve" not in shown


def test_before_anything_is_applied_the_receipts_say_so(tmp_path: Path) -> None:
    """Two decisions wait; there is no receipt to show."""
    app = fee_platform(tmp_path)
    charge(app)

    shown = of_receipts(app, standing_batch(app, FEES, tenant=ACME, as_of=JUNE))

    assert (shown["receipts"].value, shown["not_applied_yet"].value) == (0, 2)
    assert shown["first_receipts"].value == "none"


@pytest.mark.parametrize(
    ("number", "read"),
    [
        ("18771.1300", "18,771.13"),
        ("-2.0000", "-2.00"),
        ("0", "0.00"),
        ("1234567.8901", "1,234,567.8901"),
        ("0.000000000001", "0.000000000001"),
        ("1E+3", "1,000.00"),
    ],
)
def test_decimals_are_grouped_and_lose_nothing(number: str, read: str) -> None:
    """Two digits after the point at least, as money has; more where there are more."""
    assert grouped(Decimal(number)) == read


def test_tables_show_decimals_as_people_read_them() -> None:
    """A column of money has four digits in our tables; the UI shows the cents."""
    frame = pl.DataFrame({"nav": [Decimal("18771.1300")]}, schema={"nav": pl.Decimal(18, 4)})

    assert rows(table(frame)) == [{"nav": "18,771.13"}]
