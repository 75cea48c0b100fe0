"""Run now: a one-time occurrence, due at once, which the one sensor launches (DESIGN 6).

No door launches anything itself. So every wish is on record before anything happens, is carried out when
the daemon is back if it is away, and goes by the same priorities as all else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any
from zoneinfo import ZoneInfo

from ultracore_jobs.application.job_standing import Standing, standing_of
from ultracore_jobs.application.job_streams import record_occurrence
from ultracore_jobs.application.people import named
from ultracore_jobs.application.pipeline import read_parameters
from ultracore_jobs.application.platform import SHARED, Application
from ultracore_jobs.application.results import plain
from ultracore_jobs.application.tenants import require_tenant, timezone_of
from ultracore_jobs.catalog import Scope
from ultracore_jobs.errors import UnknownNameError, UsageError
from ultracore_jobs.jobs import JobSpec, Priority
from ultracore_jobs.lifecycle.canonical import canonical_json, instant_text
from ultracore_jobs.lifecycle.identity import identifier, job_identifier
from ultracore_jobs.ports.occurrences import Occurrence


@dataclass(frozen=True)
class Submission:
    """What was asked for, and where it stands.

    Attributes:
        occurrence: The one that stands; that of the first call where an idempotency key was used before.
        standing: ``queued``, ``running`` or ``waiting``, with the reason; or what it came to already.
    """

    occurrence: Occurrence
    standing: Standing

    @property
    def job_id(self) -> str:
        """The business execution."""
        return self.occurrence.job_id

    def as_json(self) -> dict[str, Any]:
        """The documented JSON of the answer."""
        asked = self.occurrence
        return {
            "job_id": asked.job_id,
            "job_type": asked.job_type,
            "tenant": asked.tenant,
            "as_of_date": asked.logical_date.isoformat(),
            "schedule_id": asked.schedule_id,
            "due_at": instant_text(asked.due_at),
            **self.standing.as_json(),
        }


def submit_job(
    app: Application,
    job_type: str,
    *,
    as_of: date,
    actor: str,
    tenant: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    priority: Priority | None = None,
    idempotency_key: str | None = None,
) -> Submission:
    """Let a job run now.

    Args:
        app: The platform.
        job_type: Such as ``fee_charging``.
        as_of: Day that it is about, or any day of its period.
        actor: Who wants it.
        tenant: Whose; not for market data.
        parameters: Those that are to differ from the page's.
        priority: Its place among jobs that are ready; the page's where not given.
        idempotency_key: Names this request of this tenant: asking again under it is asking once.

    Raises:
        UnknownNameError: No such job type or tenant.
        UsageError: A parameter is wrong, nobody is named, the day lies ahead, or the key was used before
            for something else.
    """
    spec = app.jobs.get(job_type)
    if spec is None:
        raise UnknownNameError("job type", job_type, list(app.jobs))
    who = named(actor)
    owner = _owner(app, spec, tenant)
    given = plain(dict(parameters or {}))
    read_parameters(spec, given)
    now = app.clock.now().astimezone(UTC)
    day = spec.cadence.key_of(as_of)
    _require_begun(app, day, owner)
    # The same wish of the same person at the same instant is one wish; so nothing is left to chance.
    name = identifier(
        "", owner, job_type, day.isoformat(), canonical_json(given), who, idempotency_key or instant_text(now)
    )
    schedule_id = f"now:{name}"
    occurrence = app.occurrences.put(
        Occurrence(
            tenant=owner,
            schedule_id=schedule_id,
            due_at=now,
            ready_at=now,
            job_id=job_identifier(owner, job_type, f"{schedule_id}:{instant_text(now)}"),
            job_type=job_type,
            logical_date=day,
            priority=int(spec.priority if priority is None else priority),
            parameters=given,
            requested_by=who,
            requested_at=now,
            idempotency_key=idempotency_key,
        )
    )
    return Submission(occurrence, standing_of(app, record_occurrence(app, occurrence)))


def _owner(app: Application, spec: JobSpec, tenant: str | None) -> str:
    if spec.scope is Scope.SHARED:
        if tenant not in {None, SHARED}:
            raise UsageError(f"{spec.name} runs once for all, not for {tenant}; leave the tenant out")
        return SHARED
    if tenant in {None, SHARED}:
        raise UsageError(f"{spec.name} runs for each tenant; say whose job it is")
    require_tenant(app, str(tenant))
    return str(tenant)


def _require_begun(app: Application, day: date, tenant: str) -> None:
    now = app.clock.now()
    today = now.astimezone(ZoneInfo(timezone_of(app, tenant, known_at=now))).date()
    if day > today:
        raise UsageError(f"{day} lies ahead: it is {today} for {tenant}")
