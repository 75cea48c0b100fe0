"""Fetch: the rows a job reads for its day D as known at K, and pins of the exact bytes they came from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from ultracore_jobs.application.landing import land_delivery
from ultracore_jobs.application.ledger_reading import pin_of_ledger, rows_of_ledger
from ultracore_jobs.application.platform import SHARED, Application
from ultracore_jobs.application.tenants import DEFAULT_TIMEZONE, timezone_of
from ultracore_jobs.catalog import Dataset, Look, Read, Scope
from ultracore_jobs.errors import MissingInputError
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.kernels.bitemporal import as_known
from ultracore_jobs.ports import Coverage, InputPin, TableVersion, VersionRef


@dataclass(frozen=True)
class Moment:
    """For whom, about which day, and with what knowledge a job computes.

    Attributes:
        tenant: Owner of the job; ``shared`` for market data.
        as_of: Logical date D; of a month or a quarter the first day.
        known_at: Knowledge cut-off K.
        period_end: First day after the period that D stands for; the day after D where not given.
        timezone: IANA zone whose dates the tenant's dates are.
    """

    tenant: str
    as_of: date
    known_at: datetime
    period_end: date = date.min
    timezone: str = DEFAULT_TIMEZONE

    def __post_init__(self) -> None:
        """A day, where nothing longer is given."""
        if self.period_end <= self.as_of:
            object.__setattr__(self, "period_end", self.as_of + timedelta(days=1))


def moment_of(app: Application, spec: JobSpec, tenant: str, as_of: date, known_at: datetime) -> Moment:
    """The moment of one job of *spec*: its cadence says how long the period is, the register which zone."""
    zone = timezone_of(app, tenant, known_at=known_at)
    return Moment(tenant, as_of, known_at, spec.cadence.period_end(as_of), zone)


@dataclass(frozen=True)
class Inputs:
    """What a job read.

    Attributes:
        tables: By kernel parameter name.
        pins: The versions read, by kernel parameter name.
        covers: Market sessions that the deliveries complete.
        labels: What the providers say about their deliveries.
    """

    tables: Mapping[str, pl.DataFrame]
    pins: Mapping[str, tuple[InputPin, ...]]
    covers: tuple[Coverage, ...] = ()
    labels: tuple[str, ...] = ()
    delivered_rows: int = field(default=0)

    @property
    def all_pins(self) -> tuple[InputPin, ...]:
        """Every pin once, in a fixed order."""
        distinct = {pin.model_dump_json(): pin for pins in self.pins.values() for pin in pins}
        return tuple(distinct[text] for text in sorted(distinct))


def owner(dataset: Dataset, tenant: str) -> str:
    """Under which tenant the rows of *dataset* lie for a job of *tenant*."""
    return SHARED if dataset.scope is Scope.SHARED else tenant


def fetch(
    app: Application, spec: JobSpec, moment: Moment, parameters: Mapping[str, Any] | None = None
) -> Inputs:
    """Read every input of *spec*, but those that *parameters* make it do without.

    What a provider delivers is stored first, as it came, so that the load can be replayed.

    Raises:
        MissingInputError: A required table has no rows known by K; names it and says how to load it.
        FeedError: A provider's delivery cannot be used.
    """
    tables: dict[str, pl.DataFrame] = {}
    pins: dict[str, tuple[InputPin, ...]] = {}
    covers: list[Coverage] = []
    labels: list[str] = []
    delivered = 0
    for read in spec.inputs:
        if read.look is Look.FEED:
            landed = land_delivery(app, spec, read, as_of=moment.as_of, known_at=moment.known_at)
            covers += landed.covers
            labels.append(landed.label)
            delivered += landed.version.rows
            pins[read.argument] = (_pin(landed.ref, landed.version, moment.known_at),)
            tables[read.argument] = rows_of(app, read, pins[read.argument], moment)
        else:
            tables[read.argument], pins[read.argument] = take(app, read, moment, parameters or {})
    return Inputs(tables, pins, tuple(covers), tuple(labels), delivered)


def take(
    app: Application, read: Read, moment: Moment, parameters: Mapping[str, Any]
) -> tuple[pl.DataFrame, tuple[InputPin, ...]]:
    """The rows that *read* takes at *moment*, and the pins of what they came from; not for feeds.

    Raises:
        MissingInputError: It is required and there are none; says how to load them.
    """
    if read.unless and parameters.get(read.unless, True):
        return read.dataset.empty(), ()
    if read.look is Look.LEDGER:
        rows = rows_of_ledger(app, read.dataset, moment.tenant, known_at=moment.known_at)
        return rows, (pin_of_ledger(read.dataset, moment.tenant, rows),)
    pins = tuple(_pins(app, read, moment))
    rows = rows_of(app, read, pins, moment)
    if read.required and rows.is_empty():
        raise MissingInputError(_how_to_load(read, moment))
    return rows, pins


def rows_of(app: Application, read: Read, pins: Sequence[InputPin], moment: Moment) -> pl.DataFrame:
    """The rows of the pinned versions that *read* takes; the same bytes give the same rows."""
    dataset = read.dataset
    if read.look is Look.LEDGER:
        return rows_of_ledger(
            app, dataset, moment.tenant, known_at=moment.known_at, upto=pins[0].ref.version if pins else 0
        )
    frames = [app.tables.scan(dataset, pin.ref) for pin in pins]
    if not frames:
        return dataset.empty().select(read.columns or pl.all())
    rows = pl.concat(frames)
    if read.look in {Look.AS_KNOWN, Look.WINDOW}:
        rows = as_known(rows, dataset, known_at=moment.known_at)
    if read.look is Look.WINDOW and dataset.valid_date is not None:
        valid_on = pl.col(dataset.valid_date)
        rows = rows.filter(valid_on < moment.period_end)
        if read.days is not None:
            rows = rows.filter(valid_on > moment.as_of - timedelta(days=read.days))
    return rows.select(read.columns or pl.all()).collect()


def days_of(read: Read, moment: Moment) -> tuple[date, date]:
    """The half-open range of days whose partitions *read* takes, for a table of the day."""
    after = timedelta(days=1)
    match read.look:
        case Look.SAME_DAY | Look.STORED:
            return moment.as_of, moment.as_of + after
        case Look.PERIOD:
            return moment.as_of - timedelta(days=read.days or 0), moment.period_end
        case _:
            return moment.as_of - timedelta(days=read.days or 0), moment.as_of


def _pins(app: Application, read: Read, moment: Moment) -> Iterable[InputPin]:
    dataset, tenant = read.dataset, owner(read.dataset, moment.tenant)
    if read.look in {Look.AS_KNOWN, Look.WINDOW}:
        for partition, version in _loads_in_order(app, dataset, tenant):
            if _may_hold(version, read, moment):
                yield _pin(_ref(tenant, dataset, partition, version), version, moment.known_at)
        return
    first, end = (day.isoformat() for day in days_of(read, moment))
    if read.look in {Look.SAME_DAY, Look.STORED}:
        candidates: Iterable[str] = [first]
    else:
        partitions = app.tables.partitions(dataset, tenant=tenant)
        candidates = [name for name in partitions if first <= name < end]
    if read.look is Look.PREVIOUS:
        candidates = reversed(list(candidates))
    for partition in candidates:
        known = [
            version
            for version in app.tables.versions(dataset, tenant=tenant, partition=partition)
            if version.published_at <= moment.known_at
        ]
        if known:
            yield _pin(_ref(tenant, dataset, partition, known[-1]), known[-1], moment.known_at, whole=True)
            if read.look is Look.PREVIOUS:
                return


def _loads_in_order(app: Application, dataset: Dataset, tenant: str) -> list[tuple[str, TableVersion]]:
    """Newest version of each load, the `history` load first and then by date."""
    newest = app.tables.newest(dataset, tenant=tenant)
    return sorted(newest.items(), key=lambda load: "" if load[0] == "history" else load[0])


def _may_hold(version: TableVersion, read: Read, moment: Moment) -> bool:
    """Whether a load can hold a row that *read* takes, by the ranges in its manifest."""
    if version.rows == 0 or version.first_known_at is None or version.first_known_at > moment.known_at:
        return False
    if read.look is not Look.WINDOW or version.first_valid_on is None or version.last_valid_on is None:
        return True
    if read.dataset.valid_date not in read.dataset.key:
        # A correction may move the day: out of the range itself, it still replaces a row within.
        return True
    if version.first_valid_on >= moment.period_end:
        return False
    return read.days is None or version.last_valid_on > moment.as_of - timedelta(days=read.days)


def _pin(ref: VersionRef, version: TableVersion, known_at: datetime, *, whole: bool = False) -> InputPin:
    cut = not whole and version.last_known_at is not None and version.last_known_at > known_at
    return InputPin(ref=ref, sha256=version.sha256, known_at=known_at if cut else None)


def _ref(tenant: str, dataset: Dataset, partition: str, version: TableVersion) -> VersionRef:
    return VersionRef(tenant=tenant, dataset=dataset.name, partition=partition, version=version.version)


def _how_to_load(read: Read, moment: Moment) -> str:
    tenant = owner(read.dataset, moment.tenant)
    return (
        f"table {read.dataset.name!r} of tenant {tenant!r} has no rows for {moment.as_of} known by "
        f"{moment.known_at:%Y-%m-%dT%H:%M:%SZ} ({read.look.value}). Remedy: ultracore-jobs import "
        f"{read.dataset.name} FILE --tenant {tenant}, or run the job that writes it."
    )
