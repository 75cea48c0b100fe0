"""Is everything a job reads there? Asked of the table store, so that wiped run history cannot lie."""

from datetime import date
from zoneinfo import ZoneInfo

import polars as pl

from ultracore_jobs.application.platform import SHARED, Application
from ultracore_jobs.application.reading import Moment, owner, rows_of
from ultracore_jobs.application.tenants import list_tenants
from ultracore_jobs.catalog import Dataset, Look, Read
from ultracore_jobs.catalog.market import CALENDARS, INSTRUMENTS, PRICES, XASX, XNYS
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.ports import InputPin, VersionRef


def landed(app: Application, dataset: Dataset, *, tenant: str, as_of: date) -> bool:
    """Whether the partition of *as_of* is published, its gates passed."""
    return bool(app.tables.versions(dataset, tenant=owner(dataset, tenant), partition=as_of.isoformat()))


def waiting_for(app: Application, spec: JobSpec, moment: Moment) -> list[str]:
    """What upstream jobs have yet to deliver before *spec* can run, one sentence each; empty if ready.

    A table of the day must have landed. Of market data a reader asks coverage, not a partition: each
    market's last business day up to D must be covered by some load known by now (DESIGN 4).
    """
    missing = []
    own = {dataset.name for dataset in spec.writes}
    writers = {dataset.name: job.name for job in app.jobs.values() for dataset in job.writes}
    for read in spec.inputs:
        dataset = read.dataset
        if dataset.name in own or not read.required:
            continue
        if read.look is Look.SAME_DAY and not landed(app, dataset, tenant=moment.tenant, as_of=moment.as_of):
            writer = writers.get(dataset.name, dataset.source)
            missing.append(
                f"{dataset.name} of {moment.as_of} ({writer} for tenant {owner(dataset, moment.tenant)})"
            )
        elif read.look is Look.PERIOD:
            missing += _sessions_missing(app, dataset, moment, writers.get(dataset.name, dataset.source))
        elif dataset.covered_by:
            missing += _uncovered(app, read, moment, writers.get(dataset.name, dataset.source))
    return list(dict.fromkeys(missing))


def _sessions_missing(app: Application, dataset: Dataset, moment: Moment, writer: str) -> list[str]:
    """Sessions of the job's period whose partition has not landed, in one sentence; and a period not over."""
    tenant = owner(dataset, moment.tenant)
    today = moment.known_at.astimezone(ZoneInfo(moment.timezone)).date()
    if today < moment.period_end:
        return [f"the end of the period that began on {moment.as_of}: it is over on {moment.period_end}"]
    calendars = _newest(app, CALENDARS.plainly(), moment)
    register = list_tenants(app, known_at=moment.known_at).filter(pl.col("tenant_id") == moment.tenant)
    since = max([moment.as_of, *register["starts_on"]])
    sessions = calendars.filter(
        pl.col("calendar_id").is_in([XASX, XNYS])
        & pl.col("is_business_day")
        & pl.col("date").is_between(since, moment.period_end, closed="left")
    )["date"]
    present = set(app.tables.partitions(dataset, tenant=tenant))
    missing = [day for day in sessions.unique().sort().to_list() if day.isoformat() not in present]
    if not missing:
        return []
    others = f" and {len(missing) - 1} other sessions to {missing[-1]}" if missing[1:] else ""
    return [f"{dataset.name} of {missing[0]}{others} ({writer} for tenant {tenant})"]


def _uncovered(app: Application, read: Read, moment: Moment, writer: str) -> list[str]:
    dataset = read.dataset
    spans = [
        span
        for version in app.tables.newest(dataset, tenant=SHARED).values()
        for span in version.provenance.covers
    ]
    calendars = _newest(app, CALENDARS.last(days=30), moment)
    missing = []
    for market in _markets(app, dataset, moment):
        last = calendars.filter(
            (pl.col("calendar_id") == market) & pl.col("is_business_day") & (pl.col("date") <= moment.as_of)
        )["date"].max()
        if not isinstance(last, date):
            missing.append(f"calendar {market} up to {moment.as_of} (ultracore-jobs import calendars FILE)")
        elif not any(span.market == market and span.first <= last <= span.last for span in spans):
            missing.append(f"{dataset.name} of {market} for {last} ({writer} for tenant {SHARED})")
    return missing


def _markets(app: Application, dataset: Dataset, moment: Moment) -> list[str]:
    """The markets a table must cover; of exchanges only those on which some instrument of ours trades."""
    if dataset.name != PRICES.name:
        return list(dataset.covered_by)
    exchanges = set(_newest(app, INSTRUMENTS.plainly(), moment)["exchange"])
    return [market for market in dataset.covered_by if market in exchanges or not exchanges]


def _newest(app: Application, read: Read, moment: Moment) -> pl.DataFrame:
    """The rows of a shared table, from the newest version of each load."""
    pins = [
        InputPin(
            ref=VersionRef(
                tenant=SHARED, dataset=read.dataset.name, partition=partition, version=version.version
            ),
            sha256=version.sha256,
        )
        for partition, version in app.tables.newest(read.dataset, tenant=SHARED).items()
    ]
    return rows_of(app, read, pins, moment)
