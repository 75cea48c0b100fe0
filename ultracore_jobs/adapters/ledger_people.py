"""What people say to the ledger: approvals and freezes, as rows that are only ever added."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ultracore_jobs.adapters.database import reading, writing
from ultracore_jobs.adapters.ledger_tables import APPROVALS, FREEZES, RELEASES
from ultracore_jobs.errors import LedgerConflictError, UnknownNameError, UsageError
from ultracore_jobs.lifecycle.identity import identifier
from ultracore_jobs.ports import Approval, Freeze, Verdict

_FREEZES = sa.select(
    FREEZES,
    RELEASES.c.recorded_at.label("released_at"),
    RELEASES.c.actor.label("released_by"),
    RELEASES.c.note.label("release_note"),
).outerjoin_from(FREEZES, RELEASES)


class LedgerPeople:
    """Approvals and freezes; `SqlLedger` is one of these, and posts."""

    def __init__(self, engine: sa.Engine) -> None:
        """Keep them in the migrated database of *engine*."""
        self._engine = engine

    def record_verdict(self, approval: Approval) -> Approval:
        """Record a person's word on a batch; the one that stands."""
        given = approval.model_copy(update={"at": utc(approval.at, "at")})
        with writing(self._engine) as connection:
            first = _verdict_on(connection, given.tenant, given.batch_id)
            if first is None:
                row = given.model_dump(exclude={"tenant", "at"})
                connection.execute(
                    sa.insert(APPROVALS), {**row, "tenant_id": given.tenant, "recorded_at": given.at}
                )
                return given
        if (first.actor, first.verdict) == (given.actor, given.verdict):
            return first
        message = (
            f"batch {given.batch_id} was {first.verdict} by {first.actor} at {first.at.isoformat()}; "
            f"the first word stands"
        )
        raise LedgerConflictError(message)

    def verdict_on(self, tenant: str, batch_id: str) -> Approval | None:
        """What was said about a batch; None where nobody has."""
        with reading(self._engine) as connection:
            return _verdict_on(connection, tenant, batch_id)

    def verdicts(self, *, since: datetime) -> tuple[Approval, ...]:
        """What was said about any batch of any tenant at or after *since*, oldest first."""
        query = (
            sa.select(APPROVALS)
            .where(APPROVALS.c.recorded_at >= utc(since, "since"))
            .order_by(APPROVALS.c.recorded_at, APPROVALS.c.batch_id)
        )
        with reading(self._engine) as connection:
            return tuple(_approval(row) for row in connection.execute(query).mappings())

    def freeze(
        self,
        *,
        actor: str,
        reason: str,
        at: datetime,
        from_at: datetime | None = None,
        until_at: datetime | None = None,
    ) -> Freeze:
        """Stop all effects of all tenants, from *at* or from a later *from_at* on."""
        recorded_at = utc(at, "at")
        begins = utc(from_at, "from_at") if from_at else recorded_at
        ends = utc(until_at, "until_at") if until_at else None
        if ends is not None and ends <= begins:
            message = f"a freeze from {begins.isoformat()} cannot end at {ends.isoformat()}; give a later end"
            raise UsageError(message)
        frozen = Freeze(
            freeze_id=identifier("frz_", actor, reason, recorded_at.isoformat(), begins.isoformat()),
            actor=actor,
            reason=reason,
            recorded_at=recorded_at,
            from_at=begins,
            until_at=ends,
        )
        with writing(self._engine) as connection:
            same = _freezes(connection, FREEZES.c.freeze_id == frozen.freeze_id)
            if same:
                return same[0]
            connection.execute(
                sa.insert(FREEZES), frozen.model_dump(include={column.name for column in FREEZES.c})
            )
        return frozen

    def release(self, freeze_id: str, *, actor: str, note: str, at: datetime) -> Freeze:
        """End a freeze; releasing it again changes nothing."""
        name_of(actor)
        with writing(self._engine) as connection:
            found = _freezes(connection, FREEZES.c.freeze_id == freeze_id)
            if not found:
                known = connection.scalars(sa.select(FREEZES.c.freeze_id)).all()
                raise UnknownNameError("freeze", freeze_id, list(known))
            if found[0].released_at is None:
                row = {"freeze_id": freeze_id, "actor": actor, "note": note, "recorded_at": utc(at, "at")}
                connection.execute(sa.insert(RELEASES), row)
            return _freezes(connection, FREEZES.c.freeze_id == freeze_id)[0]

    def freezes(self) -> tuple[Freeze, ...]:
        """Every freeze there was, oldest first."""
        with reading(self._engine) as connection:
            return _freezes(connection, sa.true())

    def frozen(self, at: datetime) -> Freeze | None:
        """The freeze that stops effects at *at*; None where they may go on."""
        with reading(self._engine) as connection:
            return in_force(connection, utc(at, "at"))


def in_force(connection: sa.Connection, at: datetime) -> Freeze | None:
    """The first freeze that holds at *at*, as *connection* sees it."""
    open_ones = _freezes(connection, RELEASES.c.freeze_id.is_(None))
    return next((freeze for freeze in open_ones if freeze.holds(at)), None)


def utc(moment: datetime, name: str) -> datetime:
    """*moment* in UTC.

    Raises:
        UsageError: It is naive, so nobody knows when it is.
    """
    if moment.tzinfo is None:
        message = f"{name}={moment.isoformat()} has no time zone; give an aware instant"
        raise UsageError(message)
    return moment.astimezone(UTC)


def name_of(actor: str) -> str:
    """*actor*, who must be named.

    Raises:
        UsageError: Nobody is named.
    """
    if not actor.strip():
        message = "the actor is blank; name the person or the service that does this"
        raise UsageError(message)
    return actor


def _verdict_on(connection: sa.Connection, tenant: str, batch_id: str) -> Approval | None:
    this = sa.select(APPROVALS).where(APPROVALS.c.tenant_id == tenant, APPROVALS.c.batch_id == batch_id)
    row = connection.execute(this).mappings().one_or_none()
    return None if row is None else _approval(row)


def _approval(row: sa.RowMapping) -> Approval:
    return Approval(
        tenant=row["tenant_id"],
        batch_id=row["batch_id"],
        verdict=Verdict(row["verdict"]),
        actor=row["actor"],
        note=row["note"],
        at=row["recorded_at"],
    )


def _freezes(connection: sa.Connection, which: sa.ColumnElement[Any]) -> tuple[Freeze, ...]:
    query = _FREEZES.where(which).order_by(FREEZES.c.recorded_at, FREEZES.c.freeze_id)
    return tuple(Freeze(**row) for row in connection.execute(query).mappings())
