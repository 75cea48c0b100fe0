"""Where the rows behind a number lie: the very version of which table, by its hash."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ultracore_jobs.application.platform import Application
from ultracore_jobs.catalog import Dataset, Partitioning
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.kernels.explained import InputRow
from ultracore_jobs.ports import InputPin, Provenance

_DAY = "as_of_date"
_LOAD = "__load"

Key = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Origin:
    """One version of one partition, and its hash; of the ledger the last place that was read.

    Attributes:
        partition: Which.
        version: Which of its versions.
        sha256: Of its bytes; of the ledger of the rows read.
    """

    partition: str
    version: int
    sha256: str


def key_of(row: InputRow) -> Key:
    """What identifies a row over all tables."""
    return row.table, tuple(row.key.values())


def origins_of(
    app: Application,
    spec: JobSpec,
    provenance: Provenance,
    own: Mapping[str, Origin],
    rows: Iterable[InputRow],
) -> dict[Key, Origin]:
    """Where each of *rows* lies, as far as it lies in a table.

    Args:
        app: The platform.
        spec: The job that read them.
        provenance: What it read.
        own: The versions that it wrote, by table.
        rows: References, any number of them to one row.

    Returns:
        By `key_of`. A row of a given table lies in the load that brought it, which is looked up; one of a
        table of the day in the partition of its day.
    """
    datasets = {read.dataset.name: read.dataset for read in spec.inputs}
    pins: defaultdict[str, list[InputPin]] = defaultdict(list)
    for pin in provenance.inputs:
        pins[pin.ref.dataset].append(pin)
    wanted: defaultdict[str, dict[Key, InputRow]] = defaultdict(dict)
    for row in rows:
        wanted[row.table][key_of(row)] = row
    found: dict[Key, Origin] = {}
    for table, by_key in wanted.items():
        days = {pin.ref.partition: _origin(pin) for pin in pins[table]}
        for key, row in by_key.items():
            day = row.key.get(_DAY, provenance.as_of)
            origin = own[table] if table in own and day == provenance.as_of else days.get(str(day))
            if origin is not None:
                found[key] = origin
        if table in datasets and datasets[table].partitioning is Partitioning.BY_LOAD:
            found |= _of_loads(app, datasets[table], pins[table], by_key, provenance)
    return found


def _origin(pin: InputPin) -> Origin:
    return Origin(pin.ref.partition, pin.ref.version, pin.sha256)


def _of_loads(
    app: Application,
    dataset: Dataset,
    pins: list[InputPin],
    wanted: Mapping[Key, InputRow],
    provenance: Provenance,
) -> dict[Key, Origin]:
    """The load of each row: the one whose row stood when the job read, as `as_known` chooses it."""
    ordered = sorted(pins, key=lambda pin: "" if pin.ref.partition == "history" else pin.ref.partition)
    if len(ordered) == 1:
        return dict.fromkeys(wanted, _origin(ordered[0]))
    if not ordered:
        return {}
    key = list(dataset.key)
    schema = {name: dataset.schema[name] for name in key}
    keys = pl.DataFrame([row.key for row in wanted.values()], schema=schema).unique().lazy()
    loads = [
        app.tables.scan(dataset, pin.ref)
        .filter(pl.col("known_at") <= provenance.known_at)
        .join(keys, on=key, how="semi")
        .select(*key, "known_at", pl.lit(place).alias(_LOAD))
        for place, pin in enumerate(ordered)
    ]
    standing = (
        pl.concat(loads)
        .sort("known_at", maintain_order=True)
        .unique(key, keep="last", maintain_order=True)
        .select(*key, _LOAD)
        .collect()
    )
    return {(dataset.name, tuple(values)): _origin(ordered[load]) for *values, load in standing.iter_rows()}
