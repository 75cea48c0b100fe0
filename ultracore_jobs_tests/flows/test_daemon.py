"""Real processes: webserver, daemon and run workers, and people whom a proxy has signed in."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.bootstrap import child_environment
from ultracore_jobs.catalog.fees import FEE_SCHEDULES
from ultracore_jobs_tests.fee_stage import ACME, FEES, JUNE, fee_platform
from ultracore_jobs_tests.kernels.fees.fee_books import schedule, table
from ultracore_jobs_tests.stage import load

PATIENCE_SECONDS = 120
"""For any one thing to happen: many times what it takes, because the machine may be busy."""

EVER_AFTER = datetime(2200, 1, 1, tzinfo=UTC)
ONE_CHARGE = Decimal("506.30")
"""460.27 and GST 46.03 (`fee_stage`)."""

LAUNCH = """mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
RUNS = """query ($filter: RunsFilter!) { runsOrError(filter: $filter) { ... on Runs { results {
  runId status tags { key value } assetSelection { path } } } } }"""
ADD_TENANT = """mutation ($tenant: String!) { addDynamicPartition(partitionsDefName: "tenants",
  partitionKey: $tenant, repositorySelector:
  {repositoryLocationName: "ultracore_jobs", repositoryName: "__repository__"}) { __typename } }"""
Found = TypeVar("Found")


@dataclass(frozen=True)
class Run:
    """A run as the UI shows it."""

    run_id: str
    status: str
    tags: Mapping[str, str]
    assets: tuple[str, ...]


@dataclass(frozen=True)
class Desk:
    """The UI of a platform on which June can be charged, as people reach it through their proxy."""

    address: str
    app: Application

    def ask(self, query: str, user: str | None = None, **variables: Any) -> dict[str, Any]:
        """Ask the webserver, as the browser does; the proxy names *user*."""
        headers = {"Content-Type": "application/json", **({"X-Forwarded-User": user} if user else {})}
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.address}/graphql", data=body, headers=headers)  # noqa: S310  our own server
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310  our own server
            document: dict[str, Any] = json.load(answer)
        assert "errors" not in document, document["errors"]
        data: dict[str, Any] = document["data"]
        return data

    def launch(
        self,
        user: str,
        job: str,
        *,
        month: str | None = None,
        assets: tuple[str, ...] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> str:
        """Launch a job as *user*; the id of its run."""
        selector: dict[str, Any] = {
            "repositoryLocationName": "ultracore_jobs",
            "repositoryName": "__repository__",
            "pipelineName": job,
        }
        if assets is not None:
            selector["assetSelection"] = [{"path": [name]} for name in assets]
        partition = {
            "dagster/partition": f"{month}|{ACME}",
            "dagster/partition/date": month,
            "dagster/partition/tenant": ACME,
        }
        params = {
            "selector": selector,
            "mode": "default",
            "runConfigData": form or {},
            "executionMetadata": {
                "tags": [{"key": key, "value": value} for key, value in partition.items() if month]
            },
        }
        launched = self.ask(LAUNCH, user, params=params)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run_id: str = launched["run"]["runId"]
        return run_id

    def runs(self, **wanted: Any) -> list[Run]:
        """The runs that a filter of the UI finds."""
        return [
            Run(
                run_id=found["runId"],
                status=found["status"],
                tags={tag["key"]: tag["value"] for tag in found["tags"]},
                assets=tuple(key["path"][-1] for key in found["assetSelection"] or ()),
            )
            for found in self.ask(RUNS, filter=wanted)["runsOrError"]["results"]
        ]

    def ended(self, run_id: str) -> Run:
        """That run, once it has ended."""

        def look() -> Run | None:
            (run,) = self.runs(runIds=[run_id])
            return run if run.status in {"SUCCESS", "FAILURE", "CANCELED"} else None

        return until(look, f"run {run_id} ends")


def until(look: Callable[[], Found | None], what: str) -> Found:
    """What *look* finds, as soon as it finds something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.25)  # noqa: TID251  real processes keep real time
    pytest.fail(f"after {PATIENCE_SECONDS} s still waiting until {what}")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """`ultracore-jobs ui` on a platform on which June can be charged, behind a proxy that names the user."""
    folder = tmp_path_factory.mktemp("served")
    app = fee_platform(folder)
    # Signatures grow old, and these processes have the clock of the wall.
    product_fee = schedule(consent_required=False, exemption_code="PRODUCT_FEE_PDS")
    load(app, FEE_SCHEDULES, table(FEE_SCHEDULES, product_fee), tenant=ACME, partition="2026-07-02")
    with served(folder) as address:
        desk = Desk(address, app)
        desk.ask(ADD_TENANT, tenant=ACME)
        yield desk


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of the UI, which runs with its daemon until the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, log = f"http://127.0.0.1:{port}", folder / "ui.log"
    environment = child_environment(ULTRACORE_HOME=str(folder), ULTRACORE_USER_HEADER="X-Forwarded-User")
    environment.pop("DAGSTER_HOME", None)
    with log.open("wb") as written:
        process = subprocess.Popen(  # noqa: S603  fixed words, a number
            [sys.executable, "-m", "ultracore_jobs", "ui", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            until(lambda: answers(address, process, log), "the UI answers")
            yield address
        finally:
            stop(process)


def answers(address: str, process: subprocess.Popen[bytes], log: Path) -> bool | None:
    """True when the webserver does."""
    assert process.poll() is None, log.read_text()[-3000:]
    try:
        with urllib.request.urlopen(f"{address}/server_info", timeout=5):  # noqa: S310  our own server
            return True
    except (urllib.error.URLError, OSError):
        return None


def stop(process: subprocess.Popen[bytes]) -> None:
    """End the UI, the daemon, the code server and every worker: as Ctrl-C does, and then for certain."""
    os.killpg(process.pid, signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=20)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_one_person_charges_another_approves_and_the_daemon_applies_once(desk: Desk) -> None:
    """Paul launches June: it waits. He may not approve; Olga may; the sensor applies it by itself, once."""
    waiting = desk.ended(desk.launch("paul", "fee_charging", month=JUNE.isoformat()))
    assert (waiting.status, waiting.tags["ultracore/outcome"]) == ("SUCCESS", "AWAITING_APPROVAL")
    assert waiting.tags["ultracore/actor"] == "ui:paul"
    assert desk.app.ledger.position() == 0
    form = {"batch_id": waiting.tags["ultracore/batch_id"], "note": "totals looked at"}

    his, hers = (desk.launch(user, "approve_batch", form=form) for user in ("paul", "olga"))
    refused, approved = desk.ended(his), desk.ended(hers)

    assert (refused.status, refused.tags["ultracore/outcome"]) == ("FAILURE", "REFUSED")
    assert "another person" in refused.tags["ultracore/reason"]
    assert approved.status == "SUCCESS"
    occurrence = {"key": "ultracore/schedule_id", "value": f"approval:{form['batch_id']}"}
    (found,) = until(lambda: desk.runs(tags=[occurrence]) or None, "the sensor asks for the receipts")
    applied = desk.ended(found.run_id)
    assert (applied.status, applied.tags["ultracore/outcome"]) == ("SUCCESS", "COMPLETED")
    assert applied.tags["ultracore/actor"] == "ui:olga"
    assert applied.assets == ("fee_receipts",)
    held = dict(desk.app.ledger.balances(ACME, known_at=EVER_AFTER).select("account", "amount").iter_rows())
    assert held["cash:PF-1"] == held["cash:PF-2"] == -ONE_CHARGE
    assert held["fee_income:MANAGEMENT"] + held["gst_payable"] == 2 * ONE_CHARGE
    posted = desk.app.ledger.position()

    again = desk.ended(desk.launch("paul", "fee_charging", month=JUNE.isoformat(), assets=("fee_receipts",)))

    assert again.tags["ultracore/outcome"] == "COMPLETED"
    assert desk.app.ledger.position() == posted, "by hand once more: nothing is left to post"
    assert len(desk.runs(tags=[occurrence])) == 1, "nor does the sensor ask again"


@pytest.mark.slow
def test_receipts_launched_alone_for_a_month_nobody_decided_are_refused(desk: Desk) -> None:
    """The UI lets anyone launch them; the run fails, and its tags say why and what to do."""
    refused = desk.ended(desk.launch("paul", "fee_charging", month="2026-05-01", assets=("fee_receipts",)))

    assert (refused.status, refused.tags["ultracore/outcome"]) == ("FAILURE", "REFUSED")
    assert "no decisions of fee_charging" in refused.tags["ultracore/reason"]
    assert f"Remedy: run {FEES.name}" in refused.tags["ultracore/reason"]
