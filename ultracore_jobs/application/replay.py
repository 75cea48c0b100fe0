"""Replay: compute a stored table again from its pinned inputs and hold the two side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from ultracore_jobs.application.ledger_reading import require_same
from ultracore_jobs.application.pipeline import read_parameters
from ultracore_jobs.application.platform import Application
from ultracore_jobs.application.reading import Moment, days_of, moment_of, rows_of
from ultracore_jobs.application.results import by_name
from ultracore_jobs.catalog import Dataset, Look, Partitioning, Read
from ultracore_jobs.catalog.fingerprint import content_hash
from ultracore_jobs.errors import UnknownNameError
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.jobs.spec import call_by_name
from ultracore_jobs.ports import InputPin, TableVersion, VersionRef


@dataclass(frozen=True)
class Difference:
    """The first cell in which a replay differs from what was stored."""

    row_key: str
    column: str
    stored: str
    replayed: str


@dataclass(frozen=True)
class ReplayedTable:
    """One table, stored and computed again.

    Attributes:
        ref: The version that was stored.
        rows: Rows stored.
        stored_hash: Content hash of the stored rows that the job computed.
        replayed_hash: Content hash of the rows computed now.
        difference: The first differing cell; None where the hashes agree.
    """

    ref: VersionRef
    rows: int
    stored_hash: str
    replayed_hash: str
    difference: Difference | None

    @property
    def agrees(self) -> bool:
        """Whether the replay gives the stored rows."""
        return self.stored_hash == self.replayed_hash


@dataclass(frozen=True)
class Replay:
    """A job, computed again from what it read then."""

    job_id: str
    job_type: str
    moment: Moment
    stored_code_version: str
    code_version: str
    tables: tuple[ReplayedTable, ...]

    @property
    def agrees(self) -> bool:
        """Whether every table agrees."""
        return all(table.agrees for table in self.tables)


def replay_job(app: Application, job_id: str) -> Replay:
    """Compute the tables of a past job again, from the very versions it read.

    Nothing is written. A job that found its tables already there is replayed from the job that wrote
    them.

    Raises:
        UnknownNameError: No job of that id wrote a table here, or its type is no longer registered.
        IntegrityError: A pinned input no longer has the bytes it had.
    """
    refs = app.tables.written_by(job_id)
    if not refs:
        raise UnknownNameError("job", job_id, ("those printed by `ultracore-jobs demo`, or in the run tags",))
    stored = [(ref, _version(app, ref)) for ref in refs]
    provenance = stored[0][1].provenance
    if provenance.job.job_type not in app.jobs:
        raise UnknownNameError("job type", provenance.job.job_type, tuple(app.jobs))
    spec = app.jobs[provenance.job.job_type]
    moment = moment_of(app, spec, refs[0].tenant, provenance.as_of, provenance.known_at)
    returned = _compute_again(app, spec, moment, provenance.parameters, provenance.inputs)
    datasets = {dataset.name: dataset for dataset in spec.writes}
    return Replay(
        job_id=job_id,
        job_type=spec.name,
        moment=moment,
        stored_code_version=provenance.job.code_version,
        code_version=app.code_version,
        tables=tuple(
            _compare(app, datasets[ref.dataset], ref, version, returned[ref.dataset])
            for ref, version in stored
        ),
    )


def _version(app: Application, ref: VersionRef) -> TableVersion:
    dataset = _written_dataset(app, ref.dataset)
    versions = app.tables.versions(dataset, tenant=ref.tenant, partition=ref.partition)
    return next(version for version in versions if version.version == ref.version)


def _written_dataset(app: Application, name: str) -> Dataset:
    for job in app.jobs.values():
        for dataset in job.writes:
            if dataset.name == name:
                return dataset
    raise UnknownNameError(
        "table", name, tuple(item.name for job in app.jobs.values() for item in job.writes)
    )


def _compute_again(
    app: Application, spec: JobSpec, moment: Moment, parameters: dict[str, Any], inputs: tuple[InputPin, ...]
) -> dict[str, pl.DataFrame]:
    tables = pinned_tables(app, spec, moment, inputs)
    available = by_name(moment, read_parameters(spec, parameters), tables)
    returned: dict[str, pl.DataFrame] = call_by_name(spec.kernel, available)._asdict()
    return returned


def pinned_tables(
    app: Application, spec: JobSpec, moment: Moment, inputs: Sequence[InputPin]
) -> dict[str, pl.DataFrame]:
    """The inputs of a past job, by kernel parameter name, read from the very bytes it read.

    Raises:
        IntegrityError: They no longer are what they were.
    """
    tables = {}
    for read in spec.inputs:
        pins = _pins_of(read, moment, inputs)
        if read.look is not Look.LEDGER:
            for pin in pins:
                app.tables.verify(read.dataset, pin.ref)
        tables[read.argument] = rows_of(app, read, pins, moment)
        if read.look is Look.LEDGER:
            for pin in pins:
                require_same(tables[read.argument], pin)
    return tables


def _pins_of(read: Read, moment: Moment, inputs: Sequence[InputPin]) -> list[InputPin]:
    """The pins that are of *read*; a table may be read twice, of the day and of days before."""
    pins = [pin for pin in inputs if pin.ref.dataset == read.dataset.name]
    if read.look in {Look.AS_KNOWN, Look.WINDOW, Look.FEED, Look.LEDGER}:
        return sorted(pins, key=lambda pin: "" if pin.ref.partition == "history" else pin.ref.partition)
    first, end = (day.isoformat() for day in days_of(read, moment))
    within = sorted(
        (pin for pin in pins if first <= pin.ref.partition < end), key=lambda pin: pin.ref.partition
    )
    return within[-1:] if read.look is Look.PREVIOUS else within


def _compare(
    app: Application, dataset: Dataset, ref: VersionRef, version: TableVersion, replayed: pl.DataFrame
) -> ReplayedTable:
    stored = app.tables.scan(dataset, ref).collect()
    if dataset.partitioning is Partitioning.BY_LOAD:
        # A load holds the rows of the versions before it; the job computed only those it added.
        before = ref.version - 1
        earlier = app.tables.versions(dataset, tenant=ref.tenant, partition=ref.partition)
        stored = stored.slice(sum(item.rows for item in earlier if item.version == before))
    stored_hash, replayed_hash = content_hash(stored), content_hash(replayed)
    difference = None if stored_hash == replayed_hash else first_difference(dataset, stored, replayed)
    return ReplayedTable(ref, version.rows, stored_hash, replayed_hash, difference)


def first_difference(dataset: Dataset, stored: pl.DataFrame, replayed: pl.DataFrame) -> Difference:
    """The first cell that differs, by key and then by column; a row that stands on one side only."""
    key = list(dataset.key)
    sides = [
        frame.with_columns(
            pl.concat_str([pl.col(name).cast(pl.String) for name in key], separator="|").alias("__key")
        )
        for frame in (stored, replayed)
    ]
    for mine, other, words in (
        (sides[0], sides[1], ("present", "absent")),
        (sides[1], sides[0], ("absent", "present")),
    ):
        alone = mine.join(other, on="__key", how="anti")
        if alone.height:
            return Difference(alone["__key"][0], "(row)", *words)
    both = sides[0].join(sides[1], on="__key", how="left", suffix="__replayed", maintain_order="left")
    for name in dataset.columns:
        if name in key:
            continue
        wrong = both.filter(pl.col(name).ne_missing(pl.col(f"{name}__replayed")))
        if wrong.height:
            row = wrong.row(0, named=True)
            return Difference(row["__key"], name, str(row[name]), str(row[f"{name}__replayed"]))
    return Difference("(all)", "(order)", "rows in stored order", "the same rows in another order")
