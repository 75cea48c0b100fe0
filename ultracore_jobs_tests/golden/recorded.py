"""One event of each type, as it is recorded: files that are read for ever, and the events they are of.

    python -m ultracore_jobs_tests.golden.recorded

writes the files that are missing, and never another. A file that was released is not edited: a type that
changes gets a new version, an upcaster, and a file of its own beside the old one.
"""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from ultracore_jobs.lifecycle.bodies import event_bodies
from ultracore_jobs.lifecycle.event_schemas import event_schema
from ultracore_jobs.lifecycle.events import (
    EVENT_TYPES,
    ComplianceCheckRecorded,
    Event,
    JobCancelled,
    JobCompleted,
    JobFailed,
    JobPriority,
    JobProgressUpdated,
    JobQueued,
    JobRetried,
    JobScheduleCreated,
    JobScheduled,
    JobSkipped,
    JobStarted,
    JobStatus,
    JobType,
    ScheduleDisabled,
    ScheduleEnabled,
    ScheduleType,
)

FOLDER: Final = Path(__file__).parent / "events"
SCHEMAS: Final = FOLDER / "schemas"

_AT = datetime(2024, 1, 15, 1, 0, 0, tzinfo=UTC)
_LATER = datetime(2024, 1, 15, 1, 2, 5, 250_000, tzinfo=UTC)
_SCHEDULE: dict[str, Any] = {
    "tenant_id": "t1",
    "schedule_id": "fee_charging_monthly",
    "actor": "olga@acme.example",
    "at": _AT,
}
_JOB: dict[str, Any] = {
    "tenant_id": "t1",
    "job_id": "job_0123456789abcdef0123456789abcdef",
    "actor": "executor_1",
    "at": _LATER,
    "code_version": "0.4.0",
    "correlation_id": "run-7",
    "causation_id": "run-7:1234",
}

EXAMPLES: Final[tuple[tuple[Event, int], ...]] = (
    (
        JobScheduleCreated(
            **_SCHEDULE,
            job_type=JobType.FEE_CHARGING,
            schedule_type=ScheduleType.CRON,
            cron_expression="0 1 1 * *",
            enabled=True,
            priority=JobPriority.CRITICAL,
            parameters={"fee_types": ["management", "performance"], "send_notifications": True},
            created_by="olga@acme.example",
        ),
        1,
    ),
    (ScheduleDisabled(**_SCHEDULE, disabled_by="olga@acme.example"), 2),
    (ScheduleEnabled(**_SCHEDULE, enabled_by="olga@acme.example"), 3),
    (
        JobScheduled(
            **_JOB | {"actor": "system", "at": _AT},
            schedule_id="fee_charging_monthly",
            scheduled_time=_AT,
            priority=JobPriority.CRITICAL,
            parameters={"fee_types": ["management"], "client": {"$enc": {"key": "key_1"}}},
            job_type=JobType.FEE_CHARGING,
            logical_date=date(2023, 12, 1),
        ),
        1,
    ),
    (JobQueued(**_JOB, run_id="run-7"), 2),
    (JobStarted(**_JOB, executor_id="executor_1", run_id="run-7"), 3),
    (
        JobProgressUpdated(
            **_JOB,
            progress_percentage=62.5,
            current_step="Calculating fees of Zoë",
            details={"fees": 150, "loss": 0.023, "largest": 1e21, "open": None},
        ),
        4,
    ),
    (
        ComplianceCheckRecorded(
            **_JOB, check_type="fee_consent", passed=True, details={"charges": 150, "blocked": 0}
        ),
        5,
    ),
    (
        JobCompleted(
            **_JOB, result={"fees_charged": 150, "total_amount": "25000.00"}, duration_seconds=120.0
        ),
        6,
    ),
    (
        JobFailed(
            **_JOB,
            error_message='no connection to "db"\nafter 30 s',
            error_details={"error_type": "database_timeout"},
            retry_count=0,
            will_retry=True,
        ),
        4,
    ),
    (JobRetried(**_JOB, retry_count=1, next_retry_at=datetime(2024, 1, 15, 1, 7, 5, tzinfo=UTC)), 5),
    (JobCancelled(**_JOB, reason="month is not closed", cancelled_by="paul@acme.example"), 6),
    (JobSkipped(**_JOB, status=JobStatus.SKIPPED_UPSTREAM, reason="no prices for 2024-01-12"), 2),
)
"""An event of each type in its present form, and a place that it could have in its stream."""


def body_of(event: Event, seq: int) -> str:
    """The canonical body, as today's code writes it."""
    return event_bodies(event.stream, [event], seq)[0]


def schema_text(event_type: type[Event]) -> str:
    """The schema, as today's code makes it."""
    return json.dumps(event_schema(event_type), indent=1, sort_keys=True) + "\n"


def file_name(event_type: type[Event]) -> str:
    """Of an event's body and of its schema."""
    return f"{event_type.__name__}.{event_type.SCHEMA_VERSION}.json"


def main() -> None:
    """Write what is missing."""
    wanted = {FOLDER / file_name(type(event)): body_of(event, seq) + "\n" for event, seq in EXAMPLES}
    wanted |= {SCHEMAS / file_name(one): schema_text(one) for one in EVENT_TYPES.values()}
    SCHEMAS.mkdir(parents=True, exist_ok=True)
    for path, text in wanted.items():
        if not path.exists():
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
