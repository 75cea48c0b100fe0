"""Who launched a run: the proxy's word, never the form's."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster._core.run_coordinator.base import SubmitRunContext
from dagster._core.test_utils import create_run_for_test
from dagster._core.workspace.context import WorkspaceRequestContext

from ultracore_jobs.orchestration.attribution import AttributedRunCoordinator
from ultracore_jobs.orchestration.identity import actor_of


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """An instance with our run coordinator, as dagster.yaml has it."""
    overrides = {
        "run_coordinator": {
            "module": "ultracore_jobs.orchestration.attribution",
            "class": "AttributedRunCoordinator",
        },
    }
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides=overrides) as instance:
        yield instance


def submitted(instance: dg.DagsterInstance, source: Any, **tags: str) -> dg.DagsterRun:
    """A run that somebody submits; *source* is the request, None for the daemon."""
    # One that is started already is tagged all the same, and needs no code location to be queued for.
    run = create_run_for_test(instance, status=dg.DagsterRunStatus.STARTED, tags=tags)
    workspace = object.__new__(WorkspaceRequestContext)
    workspace._source = source
    coordinator = instance.run_coordinator
    assert isinstance(coordinator, AttributedRunCoordinator)
    coordinator.submit_run(SubmitRunContext(run, workspace))
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


def request(**headers: str) -> Any:
    """A request of the webserver with these headers."""
    return SimpleNamespace(headers=headers)


def test_the_proxys_header_names_who_launched(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`X-Forwarded-User: olga` becomes `ui:olga`, and a tag typed into the form does not count."""
    monkeypatch.setenv("ULTRACORE_USER_HEADER", "X-Forwarded-User")

    run = submitted(instance, request(**{"X-Forwarded-User": "olga"}), **{"ultracore/actor": "ui:zoe"})

    assert actor_of(run) == "ui:olga"


@pytest.mark.parametrize("header", [None, "X-Forwarded-User"])
def test_without_a_header_nobody_is_named(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, header: str | None
) -> None:
    """Whether the header is not set up or not sent: the record says that it does not know."""
    if header is None:
        monkeypatch.delenv("ULTRACORE_USER_HEADER", raising=False)
    else:
        monkeypatch.setenv("ULTRACORE_USER_HEADER", header)

    run = submitted(instance, request(), **{"ultracore/actor": "ui:zoe"})

    assert actor_of(run) == "ui:unattributed"


def test_runs_of_the_daemon_keep_their_actor(instance: dg.DagsterInstance) -> None:
    """An approval's run is that of who approved."""
    run = submitted(instance, None, **{"ultracore/actor": "cli:olga"})

    assert actor_of(run) == "cli:olga"


def test_a_backfill_cannot_name_somebody(instance: dg.DagsterInstance) -> None:
    """Its runs come from the daemon; a tag typed into its form would let Paul approve what he asked for."""
    run = submitted(instance, None, **{"ultracore/actor": "ui:zoe", "dagster/backfill": "bkf1"})

    assert actor_of(run) == "ui:unattributed"
