"""What the log of one Dagster run says of one job type: started, how far, checks, result, why it failed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import dagster as dg

from ultracore_jobs.application.record_facts import CheckFact, ProgressFact
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.orchestration.effects import receipts_key

_TYPES = {
    dg.DagsterEventType.RUN_ENQUEUED,
    dg.DagsterEventType.RUN_START,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
    dg.DagsterEventType.ENGINE_EVENT,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.ASSET_OBSERVATION,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
}
"""Few of a run's entries are read: not what its steps print, nor what they mean to do."""

_SHOWN = {
    dg.DagsterEventType.ASSET_OBSERVATION,
    dg.DagsterEventType.ASSET_MATERIALIZATION,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
}
_AT_ONCE = 1000
_LONGEST_ERROR = 20_000
_EFFECT_COUNTS = ("receipts", "posted", "blocked", "held", "not_applied_yet")


@dataclass(frozen=True)
class Failure:
    """Why a run failed.

    Attributes:
        message: For people.
        details: Kind of the error, and the step.
        worker_died: No step of it failed: its process went away, or never came.
    """

    message: str
    details: Mapping[str, Any] = field(default_factory=dict)
    worker_died: bool = False


def read_log(instance: dg.DagsterInstance, run_id: str) -> tuple[dg.EventLogRecord, ...]:
    """The entries of a run that matter here, oldest first."""
    return tuple(_pages(instance, run_id))


def _pages(instance: dg.DagsterInstance, run_id: str) -> Iterator[dg.EventLogRecord]:
    cursor, has_more = None, True
    while has_more:
        page = instance.get_records_for_run(run_id, cursor=cursor, of_type=_TYPES, limit=_AT_ONCE)
        yield from page.records
        cursor, has_more = page.cursor, page.has_more


class RunLog:
    """The log of a run, as far as it is about one job type."""

    def __init__(self, records: Sequence[dg.EventLogRecord], job: JobSpec, *, alone: bool) -> None:
        """Look at a log.

        Args:
            records: The log (`read_log`).
            job: The job type.
            alone: Whether the run does nothing else, so that all of it is about the job type.
        """
        self._records = [
            (record, event)
            for record in records
            if (event := record.event_log_entry.dagster_event) is not None
            and (alone or event.step_key is None or _is_step_of(event.step_key, job))
        ]
        self._job, self._alone = job, alone
        self._a_step_failed = any(
            event.event_type is dg.DagsterEventType.STEP_FAILURE
            for record in records
            if (event := record.event_log_entry.dagster_event) is not None
        )

    @property
    def queued_at(self) -> datetime | None:
        """When the run was put into the queue."""
        return self._first_at(dg.DagsterEventType.RUN_ENQUEUED)

    @property
    def started_at(self) -> datetime | None:
        """When its process began."""
        return self._first_at(dg.DagsterEventType.RUN_START)

    @property
    def pid(self) -> int | None:
        """The process that runs it, as it said itself."""
        for _, event in self._of(dg.DagsterEventType.ENGINE_EVENT):
            found = event.engine_event_data.metadata.get("pid")
            if found is not None and str(found.value).isdigit():
                return int(str(found.value))
        return None

    @property
    def has_shown_work(self) -> bool:
        """Whether it got beyond the question if it may run at all."""
        return any(event.event_type in _SHOWN for _, event in self._records)

    @property
    def progress(self) -> tuple[ProgressFact, ...]:
        """Its observations, oldest first."""
        found = []
        for record, event in self._of(dg.DagsterEventType.ASSET_OBSERVATION):
            metadata = event.asset_observation_data.asset_observation.metadata
            done, step = metadata.get("progress"), metadata.get("current_step")
            if done is not None and isinstance(done.value, float | int):
                found.append(
                    ProgressFact(
                        key=str(record.storage_id),
                        at=instant(record.timestamp),
                        # As a person would say it, not 28.999999999999996.
                        percent=round(float(done.value) * 100, 1),
                        step=str(step.value) if step is not None else "",
                    )
                )
        return tuple(found)

    @property
    def checks(self) -> tuple[CheckFact, ...]:
        """What its gates said: the law and how many rows break it, never the rows."""
        found = []
        for record, event in self._of(dg.DagsterEventType.ASSET_CHECK_EVALUATION):
            said = event.asset_check_evaluation_data
            rows = said.metadata.get("rows_breaking_it")
            details = {
                "asset": said.asset_key.to_user_string(),
                "severity": said.severity.value,
                "law": said.description,
                "rows_breaking_it": rows.value if rows is not None else None,
            }
            found.append(
                CheckFact(
                    name=said.check_name,
                    passed=said.passed,
                    at=instant(record.timestamp),
                    details={name: value for name, value in details.items() if value is not None},
                )
            )
        return tuple(found)

    @cached_property
    def result(self) -> dict[str, Any]:
        """The job's result; empty where nothing was computed."""
        found = self._metadata(dg.AssetKey([self._job.writes[0].name])).get("ultracore/result")
        if isinstance(found, dg.JsonMetadataValue) and isinstance(found.data, dict):
            return dict(found.data)
        return {}

    @property
    def with_errors(self) -> bool:
        """Whether rows had to be left out."""
        status = self._metadata(dg.AssetKey([self._job.writes[0].name])).get("status")
        return status is not None and status.value == "COMPLETED_WITH_ERRORS"

    @property
    def effects(self) -> dict[str, Any]:
        """How many decisions were applied; empty where the run applied none."""
        if self._job.effect is None:
            return {}
        metadata = self._metadata(receipts_key(self._job))
        counts = {name: metadata[name].value for name in _EFFECT_COUNTS if name in metadata}
        batch = metadata.get("batch_id")
        return {**({"batch_id": batch.value} if batch is not None else {}), **counts}

    @property
    def failure(self) -> Failure | None:
        """Why the first step that failed did, else why the run did; None where neither failed."""
        steps = self._of(dg.DagsterEventType.STEP_FAILURE)
        if steps:
            return _step_failure(steps[0][1])
        runs = self._of(dg.DagsterEventType.RUN_FAILURE)
        if not runs or (self._a_step_failed and not self._alone):
            return None
        event = runs[-1][1]
        data = event.event_specific_data
        error = getattr(data, "error", None)
        reason = getattr(getattr(data, "failure_reason", None), "value", None)
        details = {"reason": reason} if reason else {}
        if error is None:
            return Failure((event.message or "")[:_LONGEST_ERROR], details, worker_died=True)
        kind = {"error_type": error.cls_name} if error.cls_name else {}
        return Failure(error.message.strip()[:_LONGEST_ERROR], {**kind, **details})

    @property
    def cancellation(self) -> str:
        """What the log says of a cancellation."""
        found = self._of(dg.DagsterEventType.RUN_CANCELED)
        return (found[-1][1].message or "") if found else ""

    def _of(self, kind: dg.DagsterEventType) -> list[tuple[dg.EventLogRecord, dg.DagsterEvent]]:
        return [(record, event) for record, event in self._records if event.event_type is kind]

    def _first_at(self, kind: dg.DagsterEventType) -> datetime | None:
        found = self._of(kind)
        return instant(found[0][0].timestamp) if found else None

    def _metadata(self, key: dg.AssetKey) -> Mapping[str, dg.MetadataValue[Any]]:
        for _, event in reversed(self._of(dg.DagsterEventType.ASSET_MATERIALIZATION)):
            made = event.step_materialization_data.materialization
            if made.asset_key == key:
                return made.metadata
        return {}


def instant(timestamp: float) -> datetime:
    """A time of Dagster's as an instant."""
    return datetime.fromtimestamp(timestamp, UTC)


def _is_step_of(step_key: str, job: JobSpec) -> bool:
    steps = {f"{job.name}_{step}" for step in ("compute", "read", "apply", "verify")}
    return step_key.rpartition(".")[2] in steps


def _step_failure(event: dg.DagsterEvent) -> Failure:
    data = event.step_failure_data
    said = data.user_failure_data
    named = said.metadata.get("error") if said is not None else None
    error = data.error
    # Dagster wraps what a step raises in an error of its own; why it failed is the innermost.
    while error is not None and error.cause is not None:
        error = error.cause
    kind = str(named.value) if named is not None else (error.cls_name if error is not None else None)
    details = {"step": event.step_key, **({"error_type": kind} if kind else {})}
    message = said.description if said is not None and said.description else None
    if message is None:
        message = error.message.strip() if error is not None else (event.message or "")
    return Failure(message[:_LONGEST_ERROR], details)
