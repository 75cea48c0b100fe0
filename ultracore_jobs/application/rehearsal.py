"""Dry run: the same path, from fetch to what would be done, and the difference; nothing is written."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from ultracore_jobs.application.pipeline import JobRequest, compute
from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.readiness import waiting_for
from ultracore_jobs.application.reading import moment_of, owner
from ultracore_jobs.application.results import Computation, Status, plain
from ultracore_jobs.application.shadow_tables import ShadowTables
from ultracore_jobs.catalog import Dataset, Partitioning
from ultracore_jobs.catalog.fingerprint import content_hash
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.jobs.effect import APPLY, HOLD, REFUSE
from ultracore_jobs.jobs.spec import call_by_name
from ultracore_jobs.kernels.gates import Severity
from ultracore_jobs.ports import VersionRef

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What a job would do.

    Attributes:
        job_type: Its type.
        tenant: Whose.
        as_of: Logical date.
        status: The outcome it would have.
        tables: By table: ``table``, ``rows``, ``stored_rows``, ``would`` (stay, be written, become version
            n).
        changes: For each table that would change, the first cells: ``row``, ``column``, ``stored``,
            ``computed``.
        effects: Decisions not applied yet: ``kind``, ``asks``, ``reason``, ``ccy``, ``decisions``,
            ``amount``.
        warnings: Laws and warnings that would not hold, or what it waits for.
        broken: Whether a law would be broken, so that nothing would be published.
    """

    job_type: str
    tenant: str
    as_of: date
    status: str
    tables: pl.DataFrame
    changes: Mapping[str, pl.DataFrame]
    effects: pl.DataFrame | None
    warnings: tuple[str, ...]
    broken: bool

    def as_json(self) -> dict[str, Any]:
        """The documented JSON."""
        return {
            "job_type": self.job_type,
            "tenant": self.tenant,
            "as_of_date": self.as_of.isoformat(),
            "dry_run": True,
            "status": self.status,
            "tables": self.tables.to_dicts(),
            "changes": {name: rows.to_dicts() for name, rows in self.changes.items()},
            "effects": None if self.effects is None else plain(self.effects.to_dicts()),
            "warnings": list(self.warnings),
        }


def rehearse(
    app: Application, spec: JobSpec, *, tenant: str, as_of: date, parameters: Mapping[str, Any]
) -> Rehearsal:
    """Compute a job as if it were run now, and compare with what stands.

    Raises:
        UsageError: A parameter is unknown or out of bounds.
        DataError: As the job itself would fail.
    """
    shadow = replace(app, tables=ShadowTables(app.tables))
    moment = moment_of(app, spec, tenant, as_of, app.clock.now())
    missing = waiting_for(app, spec, moment)
    if missing:
        nothing = pl.DataFrame(schema={"table": pl.String})
        return Rehearsal(
            job_type=spec.name, tenant=tenant, as_of=as_of, status=Status.SKIPPED_UPSTREAM.value,
            tables=nothing, changes={}, effects=None, warnings=tuple(missing), broken=False,
        )  # fmt: skip
    computation = compute(shadow, JobRequest(spec, moment, "job_rehearsal", None, parameters))
    stored = {dataset.name: _stored(app, dataset, computation) for dataset in spec.writes}
    rows = [_fate(dataset, computation.tables[dataset.name], stored[dataset.name]) for dataset in spec.writes]
    broken = any(not gate.passed and gate.gate.severity is Severity.LAW for gate in computation.gates)
    return Rehearsal(
        job_type=spec.name,
        tenant=tenant,
        as_of=as_of,
        status=(Status.FAILED if broken else computation.status).value,
        tables=pl.DataFrame(rows),
        changes={
            dataset.name: changes
            for dataset in spec.writes
            if (before := stored[dataset.name]) is not None
            and dataset.partitioning is Partitioning.BY_DATE
            and (changes := cells_that_differ(dataset, before, computation.tables[dataset.name])).height
        },
        effects=_effects(app, computation),
        warnings=tuple(
            f"{found.gate.name}: {found.offenders.height} row(s): {found.gate.law}"
            for found in computation.gates
            if not found.passed
        ),
        broken=broken,
    )


def cells_that_differ(dataset: Dataset, stored: pl.DataFrame, computed: pl.DataFrame) -> pl.DataFrame:
    """The first cells in which two tables differ: ``row``, ``column``, ``stored``, ``computed``, by row."""
    key = [pl.col(name).cast(pl.String) for name in dataset.key]
    named = pl.concat_str(key, separator="|").alias("row")
    values = [name for name in dataset.columns if name not in dataset.key]
    as_text = [_as_text(name, dataset.schema[name]) for name in values]
    long = [
        frame.select(named, *as_text).unpivot(index="row", variable_name="column", value_name="value")
        for frame in (stored, computed)
    ]
    both = long[0].join(long[1], on=["row", "column"], how="full", coalesce=True, suffix="_computed")
    return (
        both.filter(pl.col("value").ne_missing(pl.col("value_computed")))
        .rename({"value": "stored", "value_computed": "computed"})
        .sort("row", "column")
        .head(_SHOWN)
    )


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.List):
        return column.cast(pl.List(pl.String)).list.join(", ").alias(name)
    return column.cast(pl.String)


def _stored(app: Application, dataset: Dataset, computation: Computation) -> pl.DataFrame | None:
    tenant, day = owner(dataset, computation.moment.tenant), computation.moment.as_of.isoformat()
    versions = app.tables.versions(dataset, tenant=tenant, partition=day)
    if not versions:
        return None
    ref = VersionRef(tenant=tenant, dataset=dataset.name, partition=day, version=versions[-1].version)
    return app.tables.scan(dataset, ref).collect()


def _fate(dataset: Dataset, computed: pl.DataFrame, stored: pl.DataFrame | None) -> dict[str, Any]:
    if stored is None:
        would = "be written"
    elif dataset.partitioning is Partitioning.BY_LOAD:
        would = "stay" if computed.is_empty() else "be added to"
    else:
        would = "stay" if content_hash(stored) == content_hash(computed) else "be restated"
    return {
        "table": dataset.name,
        "rows": computed.height,
        "stored_rows": None if stored is None else stored.height,
        "would": would,
    }


def _effects(app: Application, computation: Computation) -> pl.DataFrame | None:
    """What would be done about the decisions, if they were approved; those applied already are left out."""
    effect = computation.spec.effect
    if effect is None:
        return None
    view: pl.DataFrame = call_by_name(effect.view, computation.available)
    applied = app.ledger.receipts(view["decision_id"].to_list())
    return (
        view.filter(pl.col("asks").is_in([APPLY, REFUSE, HOLD]) & ~pl.col("decision_id").is_in(list(applied)))
        .group_by("asks", "kind", "reason", "ccy")
        .agg(pl.len().alias("decisions"), pl.col("amount").sum())
        .sort("asks", "kind", "reason", "ccy")
    )
