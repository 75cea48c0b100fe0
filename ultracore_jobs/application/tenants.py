"""Who the platform works for: a register of tenants, kept like any other given table."""

import re
from datetime import date, datetime
from hashlib import sha256
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from ultracore_jobs.application.platform import SHARED, Application
from ultracore_jobs.application.stored_rows import loads_of
from ultracore_jobs.catalog import Dataset, Partitioning, Scope
from ultracore_jobs.catalog.columns import KNOWN_AT, SOURCE, TENANT_ID, day, text
from ultracore_jobs.errors import UnknownNameError, UsageError
from ultracore_jobs.kernels.bitemporal import as_known
from ultracore_jobs.lifecycle.identity import identifier
from ultracore_jobs.ports import JobStamp, Provenance

DEFAULT_TIMEZONE: Final = "Australia/Sydney"
"""Source: domain_rules 1."""

TENANTS: Final = Dataset(
    name="tenants",
    grain="one tenant, as known from one moment on",
    key=("tenant_id",),
    partitioning=Partitioning.BY_LOAD,
    scope=Scope.SHARED,
    source="operators of the platform",
    licence="the platform's own records",
    columns={
        # Here the tenant a row is about; the table itself lies under `shared`.
        "tenant_id": TENANT_ID.described("Short id of the tenant"),
        "name": text("Name for people"),
        "timezone": text("IANA time zone whose dates its dates are"),
        "starts_on": day("First business day we work for it"),
        "closed_on": day("First day we no longer do", nullable=True),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)

_SOURCE: Final = "tenant add"


def add_tenant(
    app: Application,
    tenant: str,
    *,
    name: str | None = None,
    timezone: str | None = None,
    starts_on: date | None = None,
) -> bool:
    """Register a tenant, or change what the register says of it.

    Args:
        app: The platform.
        tenant: Short id: lower-case letters, digits, ``-`` and ``_``, a letter first.
        name: Name for people.
        timezone: IANA time zone.
        starts_on: First business day.
            What is left out stays as it is; for a new tenant it is the id, Sydney and today (UTC).

    Returns:
        Whether anything was written: a second call that says the same writes nothing.

    Raises:
        UsageError: The id or the time zone is not valid, or the id is the reserved ``shared``.
    """
    _require_valid_id(tenant)
    now = app.clock.now()
    present = list_tenants(app).filter(pl.col("tenant_id") == tenant)
    before = present.row(0, named=True) if present.height else {}
    zone = timezone or str(before.get("timezone", DEFAULT_TIMEZONE))
    _require_timezone(zone)
    row = {
        "tenant_id": tenant,
        "name": name or before.get("name", tenant),
        "timezone": zone,
        "starts_on": starts_on or before.get("starts_on", now.date()),
        "closed_on": before.get("closed_on"),
    }
    if before and all(before[column] == value for column, value in row.items()):
        return False
    frame = pl.DataFrame([{**row, "known_at": now, "source": _SOURCE}], schema=TENANTS.schema)
    said = "|".join(str(value) for value in row.values())
    stamp = JobStamp(
        job_id=identifier("tnt_", said, now.isoformat()), job_type="tenant", code_version=app.code_version
    )
    app.tables.append(
        TENANTS,
        tenant=SHARED,
        partition=now.date().isoformat(),
        frame=frame,
        provenance=Provenance(
            job=stamp, as_of=now.date(), known_at=now, input_hash=sha256(said.encode()).hexdigest()
        ),
    )
    return True


def list_tenants(app: Application, *, known_at: datetime | None = None) -> pl.DataFrame:
    """The tenants as known now, or at *known_at*: a `TENANTS` table, one row each, by tenant_id."""
    scans = [app.tables.scan(TENANTS, ref) for ref, _ in loads_of(app, TENANTS, tenant=SHARED)]
    if not scans:
        return TENANTS.empty()
    return (
        as_known(pl.concat(scans), TENANTS, known_at=known_at or app.clock.now()).sort("tenant_id").collect()
    )


def timezone_of(app: Application, tenant: str, *, known_at: datetime) -> str:
    """The IANA zone whose dates a tenant's dates are, as known at *known_at*; Sydney if nothing is said."""
    known = list_tenants(app, known_at=known_at).filter(pl.col("tenant_id") == tenant)
    return str(known["timezone"][0]) if known.height else DEFAULT_TIMEZONE


def require_tenant(app: Application, tenant: str) -> None:
    """Refuse a tenant that is not in the register; ``shared`` is always there.

    Raises:
        UnknownNameError: Lists the tenants there are.
    """
    known = [SHARED, *list_tenants(app)["tenant_id"].to_list()]
    if tenant not in known:
        raise UnknownNameError("tenant", tenant, known)


def _require_valid_id(tenant: str) -> None:
    if tenant == SHARED:
        raise UsageError(
            f"tenant {SHARED!r} is reserved for market data, calendars and lists; choose another id"
        )
    if not re.fullmatch(TENANT_ID.pattern or "", tenant):
        raise UsageError(
            f"tenant {tenant!r} is no valid id: a lower-case letter, then at most 62 lower-case letters, "
            "digits, `-` or `_`, such as acacia-wealth"
        )


def _require_timezone(timezone: str) -> None:
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"time zone {timezone!r} is none of the IANA list, such as {DEFAULT_TIMEZONE}"
        ) from error
