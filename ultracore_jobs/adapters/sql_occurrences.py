"""Occurrences and cancellations in the database.

Whoever writes is alone until the commit, so what a caller is given back still stands when it is given.
"""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ultracore_jobs.adapters.database import reading, writing
from ultracore_jobs.adapters.ledger_people import utc
from ultracore_jobs.adapters.occurrence_tables import CANCELLATIONS, OCCURRENCES
from ultracore_jobs.errors import UsageError
from ultracore_jobs.lifecycle.canonical import canonical_json
from ultracore_jobs.ports.occurrences import ASKED_FOR, Cancellation, Occurrence, OccurrenceState

_COLUMN = OCCURRENCES.c
_INSTANTS = ("due_at", "ready_at", "requested_at")


class SqlOccurrences:
    """`Occurrences` in a migrated database (SQLite or PostgreSQL)."""

    def __init__(self, engine: sa.Engine) -> None:
        """Keep them in the database of *engine*."""
        self._engine = engine

    def put(self, occurrence: Occurrence) -> Occurrence:
        """Record what should run; asking again gives back what stands."""
        instants = {name: utc(getattr(occurrence, name), name) for name in _INSTANTS}
        wanted = occurrence.model_copy(update=instants)
        parameters = _canonical(wanted)
        with writing(self._engine) as connection:
            standing = _standing(connection, wanted)
            if standing is not None:
                _require_same(standing, wanted)
                return standing
            wish = _cancellation(connection, wanted.job_id)
            if wish is not None:
                wanted = wanted.model_copy(
                    update={
                        "state": OccurrenceState.CANCELLED,
                        "settled_at": wanted.requested_at,
                        "note": wish.reason,
                    }
                )
            row = wanted.model_dump(exclude={"tenant"}) | {
                "tenant_id": wanted.tenant,
                "parameters": parameters,
                "state": wanted.state.value,
            }
            connection.execute(sa.insert(OCCURRENCES), row)
        return wanted

    def due(self, now: datetime, limit: int) -> tuple[Occurrence, ...]:
        """What is DUE and ready at *now*: higher priority first, then by due instant, then by job id."""
        query = (
            sa.select(OCCURRENCES)
            .where(_COLUMN.state == OccurrenceState.DUE.value, _COLUMN.ready_at <= utc(now, "now"))
            .order_by(_COLUMN.priority.desc(), _COLUMN.due_at, _COLUMN.job_id, _COLUMN.attempt)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return _occurrences(connection, query)

    def of_job(self, job_id: str) -> tuple[Occurrence, ...]:
        """Every occurrence of a job, first attempt first."""
        query = sa.select(OCCURRENCES).where(_COLUMN.job_id == job_id).order_by(_COLUMN.attempt)
        with reading(self._engine) as connection:
            return _occurrences(connection, query)

    def fire(self, job_id: str, attempt: int, run_id: str, *, at: datetime) -> bool:
        """Note that a run of a DUE occurrence was seen; whether this call noted it."""
        return self._settle(job_id, attempt, at, state=OccurrenceState.FIRED.value, run_id=run_id)

    def miss(self, job_id: str, attempt: int, note: str, *, at: datetime) -> bool:
        """Note that a DUE occurrence will never run, and why; whether this call noted it."""
        return self._settle(job_id, attempt, at, state=OccurrenceState.MISSED.value, note=note)

    def cancel(self, wish: Cancellation) -> Cancellation:
        """Record that a job is to stop, and cancel what of it is DUE, in one commit."""
        wanted = wish.model_copy(update={"requested_at": utc(wish.requested_at, "requested_at")})
        with writing(self._engine) as connection:
            standing = _cancellation(connection, wanted.job_id)
            if standing is not None:
                return standing
            row = wanted.model_dump(exclude={"tenant"}) | {"tenant_id": wanted.tenant}
            connection.execute(sa.insert(CANCELLATIONS), row)
            connection.execute(
                sa.update(OCCURRENCES)
                .where(_COLUMN.job_id == wanted.job_id, _COLUMN.state == OccurrenceState.DUE.value)
                .values(
                    state=OccurrenceState.CANCELLED.value,
                    settled_at=wanted.requested_at,
                    note=wanted.reason,
                )
            )
        return wanted

    def cancellation(self, job_id: str) -> Cancellation | None:
        """The wish that a job stop; None where nobody has it."""
        with reading(self._engine) as connection:
            return _cancellation(connection, job_id)

    def open_cancellations(self, limit: int) -> tuple[Cancellation, ...]:
        """Wishes that are not acknowledged, oldest first."""
        query = (
            sa.select(CANCELLATIONS)
            .where(CANCELLATIONS.c.acknowledged_at.is_(None))
            .order_by(CANCELLATIONS.c.requested_at, CANCELLATIONS.c.job_id)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return tuple(_wish(row) for row in connection.execute(query).mappings())

    def acknowledge(self, job_id: str, outcome: str, *, at: datetime) -> bool:
        """Note what came of a wish; whether this call noted it: the first word stands."""
        change = (
            sa.update(CANCELLATIONS)
            .where(CANCELLATIONS.c.job_id == job_id, CANCELLATIONS.c.acknowledged_at.is_(None))
            .values(acknowledged_at=utc(at, "at"), outcome=outcome)
        )
        with writing(self._engine) as connection:
            return connection.execute(change).rowcount == 1

    def _settle(self, job_id: str, attempt: int, at: datetime, **values: str) -> bool:
        change = (
            sa.update(OCCURRENCES)
            .where(
                _COLUMN.job_id == job_id,
                _COLUMN.attempt == attempt,
                _COLUMN.state == OccurrenceState.DUE.value,
            )
            .values(settled_at=utc(at, "at"), **values)
        )
        with writing(self._engine) as connection:
            return connection.execute(change).rowcount == 1


def _standing(connection: sa.Connection, wanted: Occurrence) -> Occurrence | None:
    """What stands under the same key, the same place of the schedule, or the same attempt of the job."""
    same_place = sa.and_(
        _COLUMN.tenant_id == wanted.tenant,
        _COLUMN.schedule_id == wanted.schedule_id,
        _COLUMN.due_at == wanted.due_at,
        _COLUMN.attempt == wanted.attempt,
    )
    same_attempt = sa.and_(_COLUMN.job_id == wanted.job_id, _COLUMN.attempt == wanted.attempt)
    same_key = sa.and_(_COLUMN.tenant_id == wanted.tenant, _COLUMN.idempotency_key == wanted.idempotency_key)
    conditions = [same_place, same_attempt, *([same_key] if wanted.idempotency_key else [])]
    for condition in conditions:
        found = _occurrences(connection, sa.select(OCCURRENCES).where(condition))
        if found:
            return found[0]
    return None


def _require_same(standing: Occurrence, wanted: Occurrence) -> None:
    by_key = wanted.idempotency_key is not None and standing.idempotency_key == wanted.idempotency_key
    # Under a key each call has its own instant, and so would be another job.
    asked = [name for name in ASKED_FOR if not (by_key and name == "job_id")]
    differing = [name for name in asked if getattr(standing, name) != getattr(wanted, name)]
    if differing:
        under = (
            f"idempotency key {wanted.idempotency_key!r}"
            if by_key
            else f"{wanted.schedule_id} of {wanted.due_at:%Y-%m-%dT%H:%M:%S.%fZ}, attempt {wanted.attempt}"
        )
        raise UsageError(
            f"{under} stands already for {standing.job_type} of {standing.logical_date} for "
            f"{standing.tenant} ({standing.job_id}), differing in {', '.join(differing)}; "
            "ask under another name"
        )


def _canonical(occurrence: Occurrence) -> str:
    try:
        return canonical_json(occurrence.parameters)
    except ValueError as error:
        raise UsageError(f"parameters of {occurrence.job_type}: {error}") from error


def _occurrences(connection: sa.Connection, query: sa.Select[Any]) -> tuple[Occurrence, ...]:
    return tuple(_occurrence(row) for row in connection.execute(query).mappings())


def _occurrence(row: sa.RowMapping) -> Occurrence:
    fields: dict[str, Any] = dict(row)
    fields["parameters"] = json.loads(fields["parameters"])
    return Occurrence(tenant=fields.pop("tenant_id"), **fields)


def _cancellation(connection: sa.Connection, job_id: str) -> Cancellation | None:
    row = (
        connection.execute(sa.select(CANCELLATIONS).where(CANCELLATIONS.c.job_id == job_id))
        .mappings()
        .first()
    )
    return None if row is None else _wish(row)


def _wish(row: sa.RowMapping) -> Cancellation:
    fields: dict[str, Any] = dict(row)
    return Cancellation(tenant=fields.pop("tenant_id"), **fields)
