"""Publish: which tables already stand as computed, and writing those that do not."""

import polars as pl

from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.quarantine import quarantine_dataset
from ultracore_jobs.application.reading import Moment
from ultracore_jobs.application.results import Computation
from ultracore_jobs.catalog import REJECTS_SCHEMA, Dataset, Partitioning
from ultracore_jobs.catalog.fingerprint import content_hash
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.ports import Provenance, TableVersion, VersionRef


def published_from(
    app: Application, spec: JobSpec, moment: Moment, input_hash: str
) -> dict[str, pl.DataFrame] | None:
    """The stored tables of the day, where every one comes from these very inputs; else None.

    Only for tables of the day: what a load appends is compared row by row by its kernel.
    """
    found: dict[str, pl.DataFrame] = {}
    for dataset in spec.writes:
        if dataset.partitioning is not Partitioning.BY_DATE:
            return None
        newest = _newest(app, dataset, moment)
        if newest is None or newest.provenance.input_hash != input_hash:
            return None
        found[dataset.name] = app.tables.scan(dataset, _ref(dataset, moment, newest)).collect()
    return found


def publish_table(
    app: Application, computation: Computation, dataset: Dataset, provenance: Provenance
) -> tuple[TableVersion, bool]:
    """The version that stands for a table now, and whether it had to be written.

    A load without rows is still published once, and again when it covers more sessions: that a market
    was looked at and had nothing is knowledge too. A table of the day with the rows it had before
    stays as it is, whatever its inputs were; a restatement is a change of numbers.
    """
    moment, frame = computation.moment, computation.tables[dataset.name]
    newest = _newest(app, dataset, moment)
    stamp = provenance.model_copy(
        update={"covers": tuple(span for span in provenance.covers if span.market in dataset.covered_by)}
    )
    day, tenant = moment.as_of.isoformat(), moment.tenant
    if dataset.partitioning is Partitioning.BY_LOAD:
        known = newest.provenance.covers if newest is not None else ()
        if newest is not None and frame.is_empty() and all(span.lies_within(known) for span in stamp.covers):
            return newest, False
        return app.tables.append(dataset, tenant=tenant, partition=day, frame=frame, provenance=stamp), True
    if newest is not None and (computation.reused or newest.content_hash == content_hash(frame)):
        return newest, False
    return app.tables.publish(dataset, tenant=tenant, partition=day, frame=frame, provenance=stamp), True


def set_aside(app: Application, spec: JobSpec, moment: Moment) -> pl.DataFrame:
    """The rows that the job of that day set aside, as a kernel returns them."""
    dataset = quarantine_dataset(spec.name, spec.scope)
    newest = _newest(app, dataset, moment)
    if newest is None:
        return pl.DataFrame(schema=REJECTS_SCHEMA)
    rows = app.tables.scan(dataset, _ref(dataset, moment, newest))
    return rows.select(REJECTS_SCHEMA.names()).collect()


def publish_quarantine(app: Application, computation: Computation, provenance: Provenance) -> None:
    """Write the rows set aside, unless they stand already; none today empties those of an earlier run."""
    spec, moment = computation.spec, computation.moment
    stored, rows = set_aside(app, spec, moment), computation.quarantine.select(REJECTS_SCHEMA.names())
    if content_hash(stored) == content_hash(rows):
        return
    frame = rows.select(
        pl.lit(moment.tenant).alias("tenant_id"),
        pl.lit(moment.as_of).alias("as_of_date"),
        pl.lit(provenance.job.job_id).alias("job_id"),
        *REJECTS_SCHEMA.names(),
    )
    app.tables.publish(
        quarantine_dataset(spec.name, spec.scope),
        tenant=moment.tenant,
        partition=moment.as_of.isoformat(),
        frame=frame,
        provenance=provenance.model_copy(update={"covers": ()}),
    )


def _newest(app: Application, dataset: Dataset, moment: Moment) -> TableVersion | None:
    versions = app.tables.versions(dataset, tenant=moment.tenant, partition=moment.as_of.isoformat())
    return versions[-1] if versions else None


def _ref(dataset: Dataset, moment: Moment, version: TableVersion) -> VersionRef:
    return VersionRef(
        tenant=moment.tenant,
        dataset=dataset.name,
        partition=moment.as_of.isoformat(),
        version=version.version,
    )
