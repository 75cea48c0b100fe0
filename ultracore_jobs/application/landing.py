"""Landing: what a provider delivers is stored word for word before anything is computed from it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ultracore_jobs.application.platform import SHARED, Application
from ultracore_jobs.catalog import Dataset, Read
from ultracore_jobs.catalog.fingerprint import content_hash
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.lifecycle.identity import identifier
from ultracore_jobs.ports import Coverage, JobStamp, Provenance, TableVersion, VersionRef


@dataclass(frozen=True)
class Landed:
    """One delivery, stored."""

    ref: VersionRef
    version: TableVersion
    covers: tuple[Coverage, ...]
    label: str


def land_delivery(app: Application, spec: JobSpec, read: Read, *, as_of: date, known_at: datetime) -> Landed:
    """Ask the provider for the days *read* wants and store what it delivers.

    The window reaches back further than ``read.days`` where older sessions are not covered yet, so
    that days of outage are made up for. A delivery equal to the newest stored one is not stored again,
    whenever it was fetched.

    Raises:
        FeedError: The delivery cannot be used.
    """
    since = min(as_of - timedelta(days=(read.days or 1) - 1), _first_uncovered(app, spec, as_of))
    delivery = app.feeds.deliver(read.dataset, since=since, until=as_of, known_at=known_at)
    partition = as_of.isoformat()
    stored = app.tables.versions(read.dataset, tenant=SHARED, partition=partition)
    rows_hash = content_hash(delivery.frame.drop("known_at"))
    if stored:
        newest = app.tables.scan(read.dataset, _ref(read.dataset, partition, stored[-1])).collect()
        if content_hash(newest.drop("known_at")) == rows_hash:
            return Landed(
                _ref(read.dataset, partition, stored[-1]), stored[-1], delivery.covers, delivery.label
            )
    version = app.tables.publish(
        read.dataset,
        tenant=SHARED,
        partition=partition,
        frame=delivery.frame,
        provenance=Provenance(
            job=JobStamp(
                job_id=identifier("lnd_", SHARED, read.dataset.name, partition, rows_hash),
                job_type=f"{spec.name}_landing",
                code_version=app.code_version,
            ),
            as_of=as_of,
            known_at=known_at,
            input_hash=rows_hash,
            covers=delivery.covers,
            result={"label": delivery.label},
        ),
    )
    return Landed(_ref(read.dataset, partition, version), version, delivery.covers, delivery.label)


def _first_uncovered(app: Application, spec: JobSpec, as_of: date) -> date:
    """The day after the last one that every market is covered to; *as_of* where nothing was loaded yet."""
    last: dict[str, date] = {}
    for dataset in spec.writes:
        for version in app.tables.newest(dataset, tenant=SHARED).values() if dataset.covered_by else ():
            for covered in version.provenance.covers:
                if covered.first <= as_of:
                    last[covered.market] = max(last.get(covered.market, covered.last), covered.last)
    return min([as_of, *(day + timedelta(days=1) for day in last.values())])


def _ref(dataset: Dataset, partition: str, version: TableVersion) -> VersionRef:
    return VersionRef(tenant=SHARED, dataset=dataset.name, partition=partition, version=version.version)
