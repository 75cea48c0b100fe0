"""Effects as ops, the jobs of people, and the sensor that applies what was approved."""

import warnings
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.approvals import approve_batch
from ultracore_jobs.application.claiming import claimed
from ultracore_jobs.application.freezing import freeze_money, release_money
from ultracore_jobs.application.reading import moment_of
from ultracore_jobs.kernels.valuation import VALUATIONS
from ultracore_jobs.orchestration import Platform, build_definitions, run_here
from ultracore_jobs.orchestration.one_run import JobRun
from ultracore_jobs_tests.fee_stage import ACME, FEES, JUNE, OLGA, balance, fee_platform, publish
from ultracore_jobs_tests.kernels.fees.fee_books import nav, table

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
ACME_JUNE = dg.MultiPartitionKey({"date": JUNE.isoformat(), "tenant": ACME})
ONE_CHARGE = Decimal("506.30")


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """June can be charged."""
    return fee_platform(tmp_path)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("tenants", [ACME])
        yield instance


def definitions(app: Application) -> dg.Definitions:
    """The code location on the test's platform."""
    return build_definitions(app.jobs, Platform(lambda: app))


def run_june(app: Application, instance: dg.DagsterInstance) -> JobRun:
    """The fees of June, as the command line runs them for Paul."""
    return run_here(app, instance, job_type="fee_charging", as_of=JUNE, tenant=ACME, actor="cli:paul")


def launch(
    app: Application, instance: dg.DagsterInstance, job: str = "fee_charging", **given: Any
) -> dg.ExecuteInProcessResult:
    """Launch a job as a person does in the UI."""
    return (
        definitions(app)
        .resolve_job_def(job)
        .execute_in_process(
            instance=instance,
            # A job of a person takes its form, and nothing else.
            run_config=given.pop("form", QUIET),
            raise_on_error=False,
            **given,
        )
    )


def receipts_alone(app: Application, instance: dg.DagsterInstance, **given: Any) -> dg.ExecuteInProcessResult:
    """Launch the receipts without the decisions, as anyone can in the UI."""
    return launch(
        app, instance, partition_key=ACME_JUNE, asset_selection=[dg.AssetKey(["fee_receipts"])], **given
    )


def form(batch_id: str, name: str, note: str = "totals looked at") -> dict[str, Any]:
    """The form of `approve_batch`, filled in."""
    return {"batch_id": batch_id, "note": note, "name": name}


def tags(instance: dg.DagsterInstance, run_id: str) -> dict[str, str]:
    """The tags of a run as they stand now."""
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return dict(run.tags)


def materialised(result: dg.ExecuteInProcessResult) -> set[str]:
    """Names of the assets that a run materialised."""
    return {event.materialization.asset_key.path[-1] for event in result.get_asset_materialization_events()}


def requests(app: Application, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    """What the sensor asks for now."""
    location = definitions(app)
    context = dg.build_sensor_context(
        instance=instance, definitions=location, resources={"platform": Platform(lambda: app)}
    )
    with dg.partition_loading_context(dynamic_partitions_store=instance), warnings.catch_warnings():
        # Dagster 1.13 finds fault with the tags of its own that name the dimensions of a partition.
        warnings.filterwarnings("ignore", "Non-compliant tag keys", DeprecationWarning)
        found = location.resolve_sensor_def("approved_batches").evaluate_tick(context)
    return list(found.run_requests or [])


def answer(app: Application, instance: dg.DagsterInstance, request: dg.RunRequest) -> JobRun:
    """Do what the daemon does with a request."""
    finished = launch(
        app,
        instance,
        str(request.job_name),
        partition_key=ACME_JUNE,
        asset_selection=list(request.asset_selection or []),
        tags={name: tag for name, tag in request.tags.items() if name.startswith("ultracore/")},
    )
    return JobRun(
        "fee_charging", ACME, "", finished.run_id, tags(instance, finished.run_id)["ultracore/outcome"], 0, {}
    )


def test_a_batch_that_waits_is_a_green_run_that_says_so(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """The run succeeds, holds no slot, and shows what waits; nothing is posted."""
    run = run_june(app, instance)

    assert run.status == "AWAITING_APPROVAL"
    assert run.result["awaiting_approval"] == 2
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is dg.DagsterRunStatus.SUCCESS
    shown = instance.get_latest_materialization_event(dg.AssetKey(["fee_charges"]))
    assert shown is not None
    assert shown.asset_materialization is not None
    metadata = shown.asset_materialization.metadata
    assert metadata["batch_state"].value == "waiting for approval"
    assert metadata["batch_id"].value == run.result["batch_id"]
    assert metadata["requested_by"].value == "cli:paul"
    assert app.ledger.position() == 0


def test_a_person_approves_in_the_ui_and_the_sensor_applies_once(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """The form, then one run of the receipts alone, a job of its own; asked again, the sensor has nothing."""
    batch_id = run_june(app, instance).result["batch_id"]
    assert requests(app, instance) == []

    approved = launch(app, instance, "approve_batch", form=form(batch_id, OLGA))
    (request,) = requests(app, instance)
    run = answer(app, instance, request)

    assert approved.success
    assert tags(instance, approved.run_id)["ultracore/actor"] == OLGA
    assert request.tags["ultracore/schedule_id"] == f"approval:{batch_id}"
    assert run.status == "COMPLETED"
    assert balance(app, "cash:PF-1") == -ONE_CHARGE
    assert requests(app, instance) == []


def test_who_asked_cannot_approve_in_the_ui(app: Application, instance: dg.DagsterInstance) -> None:
    """Paul's run, Paul's name in the form: refused, and the run says why."""
    batch_id = run_june(app, instance).result["batch_id"]

    refused = launch(app, instance, "approve_batch", form=form(batch_id, "Paul"))

    assert not refused.success
    assert tags(instance, refused.run_id)["ultracore/outcome"] == "REFUSED"
    assert "another person" in tags(instance, refused.run_id)["ultracore/reason"]
    assert requests(app, instance) == []


def test_whom_the_proxy_names_is_who_approves(app: Application, instance: dg.DagsterInstance) -> None:
    """Signed in as olga: the form may stay empty, and may not name another."""
    batch_id = run_june(app, instance).result["batch_id"]
    signed_in = {"ultracore/actor": "ui:olga"}

    other = launch(app, instance, "approve_batch", form=form(batch_id, "zoe"), tags=signed_in)
    herself = launch(app, instance, "approve_batch", form=form(batch_id, ""), tags=signed_in)

    assert "signed in as ui:olga" in tags(instance, other.run_id)["ultracore/reason"]
    assert herself.success
    said = app.ledger.verdict_on(ACME, batch_id)
    assert said is not None
    assert said.actor == "ui:olga"


def test_behind_a_proxy_a_typed_name_does_not_count(
    app: Application, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The header is set up and did not come: whoever got past the proxy is not olga for saying so."""
    batch_id = run_june(app, instance).result["batch_id"]
    monkeypatch.setenv("ULTRACORE_USER_HEADER", "X-Forwarded-User")

    refused = launch(app, instance, "approve_batch", form=form(batch_id, OLGA))

    assert not refused.success
    assert "nobody is signed in" in tags(instance, refused.run_id)["ultracore/reason"]
    assert app.ledger.verdict_on(ACME, batch_id) is None


def test_a_form_left_as_it_opens_is_refused(app: Application, instance: dg.DagsterInstance) -> None:
    """Somebody clicks Launch: the run names the batches that wait."""
    batch_id = run_june(app, instance).result["batch_id"]

    refused = launch(app, instance, "approve_batch", form={})

    assert tags(instance, refused.run_id)["ultracore/outcome"] == "REFUSED"
    assert batch_id in tags(instance, refused.run_id)["ultracore/reason"]


def test_receipts_launched_alone_without_decisions_are_refused(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """Nobody ran June: the run fails, is tagged REFUSED, and says what to do."""
    refused = receipts_alone(app, instance)

    assert not refused.success
    assert materialised(refused) == set()
    found = tags(instance, refused.run_id)
    assert found["ultracore/outcome"] == "REFUSED"
    assert "Remedy: run fee_charging" in found["ultracore/reason"]


def test_receipts_launched_alone_before_approval_do_nothing(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """The decisions are there, the person's word is not."""
    run_june(app, instance)

    finished = receipts_alone(app, instance)

    assert finished.success
    assert tags(instance, finished.run_id)["ultracore/outcome"] == "AWAITING_APPROVAL"
    assert app.ledger.position() == 0


def test_frozen_effects_stop_and_the_sensor_takes_them_up_when_released(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """Approved while frozen: the run is green and says FROZEN; after the release it is asked for again."""
    batch_id = run_june(app, instance).result["batch_id"]
    approve_batch(app, batch_id, actor=OLGA, note="looked at")
    (request,) = requests(app, instance)
    frozen = freeze_money(app, actor="zoe", reason="the bank is down")

    run = answer(app, instance, request)

    assert run.status == "FROZEN"
    assert "frozen by zoe" in tags(instance, run.run_id)["ultracore/reason"]
    assert app.ledger.position() == 0
    assert requests(app, instance) == [], "not while it is frozen"
    app.clock.move(timedelta(minutes=5))  # type: ignore[attr-defined]
    release_money(app, frozen.freeze_id, actor="zoe", note="it is up")
    (again,) = requests(app, instance)
    assert again.run_key != request.run_key
    assert answer(app, instance, again).status == "COMPLETED"
    assert balance(app, "cash:PF-2") == -ONE_CHARGE


def test_freezing_has_a_form(app: Application, instance: dg.DagsterInstance) -> None:
    """Who, why and until when; a date that is none is refused with the form it has."""
    config = {"reason": "the bank is down", "name": "zoe", "until": "2026-07-05T09:00Z"}
    done = launch(app, instance, "freeze_money", form=config)
    wrong = launch(app, instance, "freeze_money", form={**config, "until": "soon"})

    assert done.success
    (frozen,) = app.ledger.freezes()
    assert (frozen.actor, frozen.reason, str(frozen.until_at)) == (
        "zoe",
        "the bank is down",
        "2026-07-05 09:00:00+00:00",
    )
    assert "write it as 2026-12-01T09:00Z" in tags(instance, wrong.run_id)["ultracore/reason"]
    release = {"freeze_id": frozen.freeze_id, "note": "up again", "name": "zoe"}
    assert launch(app, instance, "release_money", form=release).success
    assert app.ledger.frozen(app.clock.now()) is None


def test_the_run_that_loses_the_claim_materialises_nothing(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """Another run has June: this one ends green, IGNORED, without tables, checks or effects."""
    moment = moment_of(app, FEES, ACME, JUNE, app.clock.now())
    with claimed(app, job_type="fee_charging", moment=moment, job_id="job_other", run_id="local:other"):
        loser = launch(app, instance, partition_key=ACME_JUNE)

    assert loser.success
    assert materialised(loser) == set()
    assert loser.get_asset_check_evaluations() == []
    assert tags(instance, loser.run_id)["ultracore/outcome"] == "IGNORED"
    assert app.tables.partitions(FEES.writes[0], tenant=ACME) == ()


def test_the_same_occurrence_from_two_doors_has_one_effect(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """A schedule and a sensor launch one job id and attempt: the second is IGNORED."""
    one = {
        "ultracore/schedule_id": "monthly",
        "ultracore/due_at": "2026-07-01T22:30:00Z",
        "ultracore/attempt": "1",
    }

    first = launch(app, instance, partition_key=ACME_JUNE, tags=one)
    second = launch(app, instance, partition_key=ACME_JUNE, tags=one)

    jobs = [tags(instance, run.run_id)["ultracore/job_id"] for run in (first, second)]
    assert jobs[0] == jobs[1]
    assert tags(instance, second.run_id)["ultracore/outcome"] == "IGNORED"
    assert materialised(second) == set()


def test_a_re_execution_is_the_next_attempt_of_its_job(
    app: Application, instance: dg.DagsterInstance
) -> None:
    """A person who runs a job again means it: the claim of the first attempt does not stop the second."""
    first = launch(app, instance, partition_key=ACME_JUNE)
    job_id = tags(instance, first.run_id)["ultracore/job_id"]
    again = {"dagster/root_run_id": first.run_id, "dagster/parent_run_id": first.run_id}

    second = launch(app, instance, partition_key=ACME_JUNE, tags=again)

    assert second.success
    assert [claim.attempt for claim in app.claims.attempts(job_id)][:1] == [1]
    assert tags(instance, second.run_id)["ultracore/outcome"] == "AWAITING_APPROVAL"


def test_a_month_with_a_session_missing_waits(app: Application, instance: dg.DagsterInstance) -> None:
    """July is over in the calendar's eyes on 1 August only; and without its valuations nothing is decided."""
    july = dg.MultiPartitionKey({"date": "2026-07-01", "tenant": ACME})

    early = launch(app, instance, partition_key=july)
    app.clock.move(timedelta(days=40))  # type: ignore[attr-defined]
    publish(app, VALUATIONS, JUNE.replace(month=7), table(VALUATIONS, nav(JUNE.replace(month=7), "1")))
    later = launch(app, instance, partition_key=july)

    assert tags(instance, early.run_id)["ultracore/outcome"] == "SKIPPED_UPSTREAM"
    assert "it is over on 2026-08-01" in tags(instance, early.run_id)["ultracore/waiting_for"]
    waits = tags(instance, later.run_id)["ultracore/waiting_for"]
    assert "valuations of 2026-07-02 and 21 other sessions to 2026-07-31 (portfolio_valuation" in waits
