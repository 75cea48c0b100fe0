"""Old events in the form of today."""

from typing import Any

import pytest

from ultracore_jobs.errors import StoreError
from ultracore_jobs.lifecycle.bodies import read_body
from ultracore_jobs.lifecycle.events import EVENT_TYPES, JobStarted
from ultracore_jobs.lifecycle.upcasting import Upcasters


class JobMoved(JobStarted):
    """As JobStarted, in its third version: made up for this test, and known to nobody else."""

    SCHEMA_VERSION = 3


def _split_host(payload: dict[str, Any]) -> dict[str, Any]:
    return {"executor": payload["executor_id"].split("@")[0]}


def _rename(payload: dict[str, Any]) -> dict[str, Any]:
    return {"executor_id": payload["executor"]}


STEPS = Upcasters({("JobMoved", 1): _split_host, ("JobMoved", 2): _rename})


def _recorded(version: str, payload: str) -> str:
    return (
        f'{{"actor":"ex","at":"2024-01-15T00:00:00Z","event_type":"JobMoved","job_id":"job_1",'
        f'"payload":{payload},{version}"seq":2,"tenant_id":"t1"}}'
    )


@pytest.mark.parametrize(
    ("version", "payload"),
    [
        ("", '{"executor_id":"ex@host"}'),
        ('"schema_version":1,', '{"executor_id":"ex@host"}'),
        ('"schema_version":2,', '{"executor":"ex"}'),
        ('"schema_version":3,', '{"executor_id":"ex"}'),
    ],
)
def test_every_version_is_read_as_the_present_one(
    monkeypatch: pytest.MonkeyPatch, version: str, payload: str
) -> None:
    """Step by step; one without a version is of the first."""
    monkeypatch.setitem(EVENT_TYPES, "JobMoved", JobMoved)
    event = read_body(_recorded(version, payload), STEPS)

    assert isinstance(event, JobMoved)
    assert event.executor_id == "ex"


def test_a_missing_step_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between which versions."""
    monkeypatch.setitem(EVENT_TYPES, "JobMoved", JobMoved)
    with pytest.raises(StoreError, match="nothing leads from JobMoved of version 2 to version 3"):
        read_body(_recorded('"schema_version":2,', "{}"), Upcasters({}))
