"""Claims in the database: two unique keys decide, so that it takes no lock to ask."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ultracore_jobs.adapters.database import reading, writing
from ultracore_jobs.adapters.ledger_people import utc
from ultracore_jobs.adapters.ledger_tables import CLAIMS
from ultracore_jobs.errors import UnknownNameError
from ultracore_jobs.ports import Claim

OWNER_DIED = "owner died"


class SqlClaims:
    """`Claims` in a migrated database (SQLite or PostgreSQL)."""

    def __init__(self, engine: sa.Engine) -> None:
        """Keep claims in the database of *engine*."""
        self._engine = engine

    def claim(  # noqa: PLR0913 - as the port
        self,
        *,
        job_type: str,
        tenant: str,
        period: str,
        job_id: str,
        attempt: int,
        run_id: str,
        pid: int,
        boot_id: str,
        at: datetime,
    ) -> Claim | None:
        """Take (job type, tenant, period), which one holds at a time, for (job id, attempt), used once."""
        wanted = Claim(
            job_type=job_type,
            tenant=tenant,
            period=period,
            job_id=job_id,
            attempt=attempt,
            run_id=run_id,
            pid=pid,
            boot_id=boot_id,
            claimed_at=utc(at, "at"),
        )
        row = wanted.model_dump(exclude={"tenant"}) | {"tenant_id": tenant}
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        with writing(self._engine) as connection:
            done = connection.execute(insert(CLAIMS).values(row).on_conflict_do_nothing())
            if done.rowcount:
                return wanted
            held = _one(connection, _is(job_id, attempt), CLAIMS.c.released_at.is_(None))
        same = ("job_type", "tenant", "period", "job_id", "attempt", "run_id")
        if held is not None and all(getattr(held, name) == getattr(wanted, name) for name in same):
            return held
        return None

    def holder(self, job_type: str, tenant: str, period: str) -> Claim | None:
        """Who works on a period now; None where nobody does."""
        with reading(self._engine) as connection:
            return _one(
                connection,
                CLAIMS.c.job_type == job_type,
                CLAIMS.c.tenant_id == tenant,
                CLAIMS.c.period == period,
                CLAIMS.c.released_at.is_(None),
            )

    def attempts(self, job_id: str) -> tuple[Claim, ...]:
        """Every claim of a job, first attempt first."""
        with reading(self._engine) as connection:
            return _all(connection, CLAIMS.c.job_id == job_id)

    def release(self, claim: Claim, *, at: datetime) -> None:
        """Give a claim back; giving it back again changes nothing."""
        with writing(self._engine) as connection:
            if not _release(connection, claim, utc(at, "at"), "done"):
                known = _all(connection, CLAIMS.c.job_id == claim.job_id)
                if not any(one.attempt == claim.attempt for one in known):
                    names = [f"{one.job_id} attempt {one.attempt}" for one in known]
                    raise UnknownNameError("claim", f"{claim.job_id} attempt {claim.attempt}", names)

    def sweep(self, is_dead: Callable[[Claim], bool], *, at: datetime) -> tuple[Claim, ...]:
        """Release the claims whose owner is dead, as *is_dead* says of each held one; those released."""
        moment = utc(at, "at")
        with reading(self._engine) as connection:
            held = _all(connection, CLAIMS.c.released_at.is_(None))
        # Asked outside the transaction: looking at processes may take a while.
        dead = [claim for claim in held if is_dead(claim)]
        if not dead:
            return ()
        with writing(self._engine) as connection:
            freed = [claim for claim in dead if _release(connection, claim, moment, OWNER_DIED)]
        return tuple(
            claim.model_copy(update={"released_at": moment, "release_reason": OWNER_DIED}) for claim in freed
        )


def _is(job_id: str, attempt: int) -> sa.ColumnElement[bool]:
    return sa.and_(CLAIMS.c.job_id == job_id, CLAIMS.c.attempt == attempt)


def _release(connection: sa.Connection, claim: Claim, at: datetime, reason: str) -> bool:
    """Whether this call released it."""
    done = connection.execute(
        sa.update(CLAIMS)
        .where(_is(claim.job_id, claim.attempt), CLAIMS.c.released_at.is_(None))
        .values(released_at=at, release_reason=reason)
    )
    return done.rowcount == 1


def _all(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> tuple[Claim, ...]:
    query = (
        sa.select(CLAIMS).where(*conditions).order_by(CLAIMS.c.claimed_at, CLAIMS.c.job_id, CLAIMS.c.attempt)
    )
    return tuple(_claim(row) for row in connection.execute(query).mappings())


def _one(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> Claim | None:
    found = _all(connection, *conditions)
    return found[0] if found else None


def _claim(row: sa.RowMapping) -> Claim:
    fields: dict[str, Any] = dict(row)
    return Claim(tenant=fields.pop("tenant_id"), **fields)
