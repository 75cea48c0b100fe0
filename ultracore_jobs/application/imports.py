"""Import: your own rows into a given table, through the contract that everything else goes through."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Final, NamedTuple

import polars as pl

from ultracore_jobs.application.import_checks import (
    LINE_NUMBER,
    fill_columns,
    limit_rejects,
    rename_columns,
    require_owner,
    row_numbers,
    screen_rows,
)
from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.quarantine import quarantine_dataset
from ultracore_jobs.application.stored_rows import new_rows
from ultracore_jobs.catalog import REJECTS_SCHEMA, Dataset
from ultracore_jobs.catalog.fingerprint import content_hash
from ultracore_jobs.catalog.given import GIVEN
from ultracore_jobs.errors import UnknownNameError, UsageError
from ultracore_jobs.lifecycle.identity import identifier
from ultracore_jobs.ports import Coverage, JobStamp, Provenance, TableVersion, VersionRef

MAX_REJECT_PCT: Final = 0.05
"""Share of bad rows above which nothing is written (domain_rules 1)."""

_NO_RENAMES: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True)
class ImportReport:
    """What an import did, or in a dry run would do.

    Attributes:
        read: Rows given.
        accepted: Rows that keep the contract.
        already_known: Accepted rows that the table held already.
        written: Rows written; 0 in a dry run.
        rejected: One row per broken promise (`REJECTS_SCHEMA`), by row number.
        version: The version written; None where nothing was.
        partition: The load they are part of.
        ignored_columns: Columns given that the table has not.
    """

    read: int
    accepted: int
    already_known: int
    written: int
    rejected: pl.DataFrame
    version: TableVersion | None
    partition: str
    ignored_columns: tuple[str, ...] = ()

    @property
    def new(self) -> int:
        """Accepted rows that the table did not hold: what was, or would be, written."""
        return self.accepted - self.already_known


def given_dataset(name: str) -> Dataset:
    """The given table of that name.

    Raises:
        UnknownNameError: Lists the tables there are.
    """
    if name not in GIVEN:
        raise UnknownNameError("table", name, tuple(GIVEN))
    return GIVEN[name]


def import_table(  # noqa: PLR0913 - each is an option of the command `import`
    app: Application,
    dataset: Dataset,
    rows: pl.DataFrame,
    *,
    tenant: str,
    source: str,
    renames: Mapping[str, str] = _NO_RENAMES,
    dry_run: bool = False,
    first_row: int = 1,
    partition: str | None = None,
    max_reject_pct: float = MAX_REJECT_PCT,
    covers: tuple[Coverage, ...] = (),
) -> ImportReport:
    """Load rows into a given table; bad rows are set aside with a reason, good ones go on.

    Columns that are absent are filled: ``tenant_id``, ``source``, and ``known_at`` with the present
    instant. Columns that are there are believed, and checked: another tenant's row, or one known in the
    future, is rejected. Rows that the table holds already are not written again, so the same file a
    second time writes nothing.

    Args:
        app: The platform.
        dataset: A given (BY_LOAD) table.
        rows: Text or typed columns. Lists in text cells are JSON. A ``__line`` column tells line numbers.
        tenant: Owner of the rows; ``shared`` for market data.
        source: Where they come from, such as the file's name.
        renames: Our column name by theirs.
        dry_run: Check and report; write nothing.
        first_row: Number of the first row in messages, where there is no ``__line``.
        partition: Load they are part of; default the present UTC date.
        max_reject_pct: Share of bad rows, 0 to 1, above which nothing is written.
        covers: Market sessions that these rows complete; a file that may be partial completes none.

    Returns:
        What was read, accepted, known, written and rejected.

    Raises:
        UsageError: The tenant cannot own rows of this table, a rename names no column, or a bound is none.
        ContractError: A required column is missing.
        TooManyRejectsError: Too many rows are bad; names the first, and nothing was written.

    Source: domain_rules 1 (bad input, idempotency, as-known-at), DESIGN 8.
    """
    require_owner(dataset, tenant)
    if not 0 <= max_reject_pct <= 1:
        raise UsageError(f"max_reject_pct is {max_reject_pct}; it must be a share from 0 to 1, such as 0.05")
    now = app.clock.now()
    input_hash = _input_hash(rows.drop(LINE_NUMBER, strict=False), renames)
    given = rename_columns(rows, renames)
    filled = fill_columns(given, tenant=tenant, source=source, now=now)
    accepted, rejected = screen_rows(filled, dataset, tenant=tenant, now=now)
    rejected = rejected.with_columns(row_numbers(rows, first_row).gather(rejected["row_number"] - 1))
    limit_rejects(rejected, rows.height, max_reject_pct, dataset)
    fresh = new_rows(
        app, dataset, accepted, tenant=tenant, ignoring={"source"} if "source" not in given.columns else ()
    )
    written = 0 if dry_run else fresh.height
    day = now.date().isoformat()
    version = None
    if not dry_run:
        provenance = Provenance(
            job=JobStamp(
                job_id=identifier("imp_", tenant, dataset.name, input_hash),
                job_type="import",
                code_version=app.code_version,
            ),
            as_of=now.date(),
            known_at=now,
            parameters={"source": source, "renames": dict(renames)},
            input_hash=input_hash,
            covers=covers,
            result={"read": rows.height, "accepted": accepted.height, "written": written},
        )
        target = _Target(app, dataset, tenant, partition or day)
        version = _write(target, fresh, rejected, provenance)
    return ImportReport(
        read=rows.height,
        accepted=accepted.height,
        already_known=accepted.height - fresh.height,
        written=written,
        rejected=rejected,
        version=version,
        partition=partition or day,
        ignored_columns=tuple(
            name for name in given.columns if name not in dataset.columns and name != LINE_NUMBER
        ),
    )


def _input_hash(rows: pl.DataFrame, renames: Mapping[str, str]) -> str:
    """SHA-256 over the rows as given and what their columns were taken for."""
    text = json.dumps([content_hash(rows), sorted(renames.items())])
    return sha256(text.encode()).hexdigest()


class _Target(NamedTuple):
    app: Application
    dataset: Dataset
    tenant: str
    partition: str


def _write(
    target: _Target, fresh: pl.DataFrame, rejected: pl.DataFrame, provenance: Provenance
) -> TableVersion | None:
    """Publish what is new: the rejects first, so that no row is ever accepted while its neighbours vanish."""
    app, dataset, tenant, partition = target
    job_id = provenance.job.job_id
    before = app.tables.written_by(job_id)
    written = list(before)
    aside = quarantine_dataset(f"import_{dataset.name}", dataset.scope)
    if rejected.height and not any(ref.dataset == aside.name for ref in before):
        written.append(_set_aside(app, aside, tenant, rejected, provenance))
    version = None
    if fresh.height:
        version = app.tables.append(
            dataset, tenant=tenant, partition=partition, frame=fresh, provenance=provenance
        )
        written.append(
            VersionRef(tenant=tenant, dataset=dataset.name, partition=partition, version=version.version)
        )
    if len(written) > len(before):
        app.tables.remember_job(job_id, tuple(written))
    return version


def _set_aside(
    app: Application, aside: Dataset, tenant: str, rejected: pl.DataFrame, provenance: Provenance
) -> VersionRef:
    """Add the rejects of this import to those of the day: a day may see many imports of one table."""
    partition = provenance.as_of.isoformat()
    ours = rejected.select(
        pl.lit(tenant).alias("tenant_id"),
        pl.lit(provenance.as_of).alias("as_of_date"),
        pl.lit(provenance.job.job_id).alias("job_id"),
        *REJECTS_SCHEMA.names(),
    )
    versions = app.tables.versions(aside, tenant=tenant, partition=partition)
    if versions:
        newest = VersionRef(
            tenant=tenant, dataset=aside.name, partition=partition, version=versions[-1].version
        )
        stored = app.tables.scan(aside, newest).filter(pl.col("job_id") != provenance.job.job_id).collect()
        ours = pl.concat([stored, ours])
    version = app.tables.publish(
        aside,
        tenant=tenant,
        partition=partition,
        frame=ours,
        provenance=provenance.model_copy(update={"covers": ()}),
    )
    return VersionRef(tenant=tenant, dataset=aside.name, partition=partition, version=version.version)
