"""Why each cent is charged: from the stored number to the very rows, and on to who approved it."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import create_model

from ultracore_jobs.application import Application
from ultracore_jobs.application.approvals import approve_batch
from ultracore_jobs.application.explain import Chapter, Explanation, explain_portfolio
from ultracore_jobs.application.explain_document import explanation_document
from ultracore_jobs.application.explain_ledger import LedgerPart
from ultracore_jobs.application.explain_origins import key_of
from ultracore_jobs.application.tenants import add_tenant
from ultracore_jobs.catalog.fees import CONSENTS
from ultracore_jobs.catalog.holdings import PORTFOLIOS
from ultracore_jobs.errors import IntegrityError, UnknownNameError, UsageError
from ultracore_jobs.jobs.registry import job_type
from ultracore_jobs.jobs.spec import Parameters
from ultracore_jobs.jobs.types.fee_charging import FeeParameters
from ultracore_jobs.kernels.explained import Explained
from ultracore_jobs_tests.fee_stage import ACME, FEES, OLGA, charge, fee_platform, signed, value
from ultracore_jobs_tests.kernels.explanations import by_column
from ultracore_jobs_tests.kernels.fees.fee_books import portfolios, table
from ultracore_jobs_tests.stage import load

MID_JUNE = date(2026, 6, 17)
FEE = "management fee A-PF-1, 2026-06-01 to 2026-06-30"


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """June is decided: 506.30 for PF-1 and as much for PF-2, waiting for a person."""
    app = fee_platform(tmp_path)
    charge(app)
    return app


def chapter_of(explanation: Explanation) -> Chapter:
    """The only chapter: the fees of the month."""
    (chapter,) = explanation.chapters
    return chapter


def ledger_of(explanation: Explanation) -> LedgerPart:
    """What its ledger says."""
    part = chapter_of(explanation).ledger
    assert part is not None
    return part


def total_of(explanation: Explanation) -> Explained:
    """What is deducted."""
    return by_column(chapter_of(explanation).numbers, FEE)["total"]


def approve(app: Application) -> None:
    """Olga approves the batch that stands, and it is applied."""
    approve_batch(app, str(charge(app).result["batch_id"]), actor=OLGA, note="looked at")
    charge(app)


def test_any_day_of_the_month_leads_to_its_charge(app: Application) -> None:
    """The tenant is found, the formula has the numbers, and the job that computed it is named."""
    found = explain_portfolio(app, "PF-1", MID_JUNE)
    chapter = chapter_of(found)

    assert (found.tenant, found.agrees, found.missing) == (ACME, True, ())
    assert total_of(found).formula == "460.27 + 46.03 = 506.30"
    assert chapter.provenance.job.job_type == FEES.name
    assert {gate.name for gate in chapter.provenance.gates} >= {"fee_consent", "gst_reconciled"}
    assert set(chapter.versions) == {"fee_charges", "fee_accruals", "fee_adjustments"}


def test_every_row_behind_a_number_is_found_in_a_stored_version(app: Application) -> None:
    """With partition, version and hash, as the manifest has them."""
    chapter = chapter_of(explain_portfolio(app, "PF-1", MID_JUNE))
    pinned = {pin.sha256 for pin in chapter.provenance.inputs}
    own = {origin.sha256 for origin in chapter.versions.values()}

    rows = [row for number in chapter.numbers for row in number.inputs]

    assert {row.table for row in rows} >= {"valuations", "fee_schedules", "consents", "fee_accruals"}
    assert {chapter.origins[key_of(row)].sha256 for row in rows} <= pinned | own


def test_a_row_is_traced_to_the_load_that_brought_it(tmp_path: Path) -> None:
    """A consent known anew on 20 June stands in that load; the other one in the first."""
    app = fee_platform(tmp_path)
    again = [
        {**row, "known_at": datetime(2026, 6, 20, tzinfo=UTC)}
        for row in signed("PF-1")
        if row["kind"] == "OFA"
    ]
    load(app, CONSENTS, table(CONSENTS, *again), tenant=ACME, partition="2026-06-20")
    charge(app)

    chapter = chapter_of(explain_portfolio(app, "PF-1", MID_JUNE))

    loads = {
        row.key["consent_id"]: chapter.origins[key_of(row)].partition
        for number in chapter.numbers
        for row in number.inputs
        if row.table == "consents"
    }
    assert loads == {"CON-PF-1-OFA": "2026-06-20", "CON-PF-1-DEDUCTION": "history"}


def test_what_waits_is_said_to_wait(app: Application) -> None:
    """Nobody has approved; the ledger has nothing of it."""
    part = ledger_of(explain_portfolio(app, "PF-1", MID_JUNE))

    assert part.batch.state.value == "waiting for approval"
    assert part.waiting["amount"].to_list() == [Decimal("506.30")]
    assert part.decisions.is_empty()


def test_what_was_posted_shows_its_entries_and_who_approved(app: Application) -> None:
    """Cash pays income and GST, and Olga said so; only of this portfolio."""
    approve(app)

    part = ledger_of(explain_portfolio(app, "PF-1", MID_JUNE))

    assert part.waiting.is_empty()
    assert part.decisions.select("kind", "amount", "outcome").rows() == [
        ("MANAGEMENT_FEE", Decimal("506.30"), "POSTED")
    ]
    assert dict(part.entries.select("account", "amount").rows()) == {
        "cash:PF-1": Decimal("-506.30"),
        "fee_income:MANAGEMENT": Decimal("460.27"),
        "gst_payable": Decimal("46.03"),
    }
    assert [said.actor for said in part.verdicts.values()] == [OLGA]


def test_a_restated_month_explains_its_adjustment_too(app: Application) -> None:
    """On A$700,000 June costs 509.59, GST 50.96: 49.32 and 4.93 more than is posted."""
    approve(app)
    value(app, {"PF-1": "700000", "PF-2": "600000"})
    charge(app, key="again")

    chapter = chapter_of(explain_portfolio(app, "PF-1", MID_JUNE))

    adjusted = by_column(chapter.numbers, f"adjustment of {FEE}")
    assert adjusted["fee_ex_gst"].formula == "509.59 - 460.27 = 49.32"
    assert adjusted["total"].formula == "49.32 + 4.93 = 54.25"
    assert chapter.disagreeing == ()


def test_a_parameter_that_is_no_more_does_not_hide_the_past(app: Application) -> None:
    """A release without send_notifications explains what was stored with it."""
    kept = {
        name: (field.annotation, field)
        for name, field in FeeParameters.model_fields.items()
        if name not in {"send_notifications", *Parameters.model_fields}
    }
    fewer = create_model("Fewer", __base__=Parameters, **kept)  # type: ignore[call-overload]
    later = replace(app, jobs={FEES.name: replace(FEES, parameters=fewer)})

    assert explain_portfolio(later, "PF-1", MID_JUNE).agrees


def test_what_is_not_stored_is_named(app: Application) -> None:
    """The valuation of the day has no lines here: its job is missing, the month is told all the same."""
    both = replace(app, jobs={**app.jobs, "portfolio_valuation": job_type("portfolio_valuation")})

    found = explain_portfolio(both, "PF-1", MID_JUNE)

    assert found.missing == (("portfolio_valuation", MID_JUNE),)
    assert chapter_of(found).spec.name == FEES.name


def test_a_day_without_anything_lists_the_days_there_are(app: Application) -> None:
    """And says how to make it."""
    with pytest.raises(UnknownNameError, match=r"'2026-08-03'; there are: 2026-06-01, others after `ultra"):
        explain_portfolio(app, "PF-1", date(2026, 8, 3))


def test_an_unknown_portfolio_is_said_to_be_unknown(app: Application) -> None:
    """With some that are known; so is a tenant that is none."""
    with pytest.raises(UnknownNameError, match="unknown portfolio 'PF-9'; there are: PF-1, PF-2"):
        explain_portfolio(app, "PF-9", MID_JUNE)
    with pytest.raises(UnknownNameError, match="unknown tenant 'nobody'"):
        explain_portfolio(app, "PF-1", MID_JUNE, "nobody")


def test_a_portfolio_of_two_tenants_wants_the_tenant(app: Application) -> None:
    """Two registers have a PF-1; nothing is guessed."""
    add_tenant(app, "zenith", starts_on=date(2026, 1, 1))
    load(app, PORTFOLIOS, portfolios("PF-1"), tenant="zenith")

    with pytest.raises(UsageError, match="registers of acme, zenith; name the one you mean with --tenant"):
        explain_portfolio(app, "PF-1", MID_JUNE)
    assert explain_portfolio(app, "PF-1", MID_JUNE, ACME).agrees


def test_an_input_that_was_tampered_with_explains_nothing(app: Application, tmp_path: Path) -> None:
    """The pinned bytes are gone: it is said, and no other number is pretended."""
    (consents,) = (tmp_path / "lake" / ACME / "consents").rglob("*.parquet")
    consents.unlink()

    with pytest.raises(IntegrityError, match=consents.name):
        explain_portfolio(app, "PF-1", MID_JUNE)


def test_the_document_is_plain_json_with_every_row_traced(app: Application) -> None:
    """Money and instants as text; one column only, if one is asked for."""
    found = explain_portfolio(app, "PF-1", MID_JUNE)

    whole = json.loads(json.dumps(explanation_document(found)))
    some = explanation_document(found, column="gst")

    (job,) = whole["jobs"]
    assert (whole["tenant"], whole["as_of_date"], whole["agrees"]) == (ACME, "2026-06-17", True)
    assert job["known_at"] == "2026-07-01T22:30:00.000000Z"
    assert job["tables"]["fee_charges"]["version"] == 1
    assert job["ledger"]["state"] == "waiting for approval"
    gst = next(number for number in job["numbers"] if number["column"] == "gst")
    assert (gst["value"], gst["unit"], gst["kind"]) == ("46.0300", "AUD", "computed")
    assert all(row["sha256"] for number in job["numbers"] for row in number["inputs"])
    assert {number["column"] for number in some["jobs"][0]["numbers"]} == {"gst"}
