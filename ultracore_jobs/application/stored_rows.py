"""What a given table already holds, and which of some new rows say anything new."""

from collections.abc import Collection
from datetime import date

import polars as pl

from ultracore_jobs.application.platform import Application
from ultracore_jobs.catalog import Dataset
from ultracore_jobs.ports import TableVersion, VersionRef

_HISTORY = "history"


def loads_of(app: Application, dataset: Dataset, *, tenant: str) -> list[tuple[VersionRef, TableVersion]]:
    """The newest version of each load of a BY_LOAD table: the ``history`` load first, then by date."""
    newest = app.tables.newest(dataset, tenant=tenant)
    names = sorted(newest, key=lambda name: "" if name == _HISTORY else name)
    return [
        (
            VersionRef(tenant=tenant, dataset=dataset.name, partition=name, version=newest[name].version),
            newest[name],
        )
        for name in names
    ]


def new_rows(
    app: Application, dataset: Dataset, rows: pl.DataFrame, *, tenant: str, ignoring: Collection[str]
) -> pl.DataFrame:
    """The rows that tell something the table does not know yet.

    A row is known where the table, with the rows before it, holds the same values under its key at the
    row's own ``known_at``. So a file that was loaded before brings nothing, also one that holds a history
    of corrections; and a value that returns to what it was two corrections ago is new.

    Args:
        app: The platform.
        dataset: A BY_LOAD contract.
        rows: Conforming rows.
        tenant: Under whom the table lies.
        ignoring: Columns that make no difference, beside ``known_at``.

    Returns:
        Those of *rows* that are new, in their order.
    """
    stored = _stored(app, dataset, rows, tenant)
    if stored is None:
        return rows
    key = list(dataset.key)
    values = [name for name in dataset.columns if name not in {*key, "known_at", *ignoring}]
    history = (
        pl.concat([stored, rows.with_row_index("__row")], how="diagonal")
        # Stable: loads arrive in order, and these rows after them, so of one instant the last stands last.
        .sort(*key, "known_at", maintain_order=True)
    )
    same_as_before = pl.all_horizontal(
        pl.col(name).eq_missing(pl.col(name).shift(1)) for name in [*key, *values]
    )
    is_first = pl.int_range(pl.len()) == 0
    return (
        history.filter(pl.col("__row").is_not_null() & (is_first | ~same_as_before))
        .sort("__row")
        .select(rows.columns)
    )


def _stored(app: Application, dataset: Dataset, rows: pl.DataFrame, tenant: str) -> pl.DataFrame | None:
    """Stored rows that have a key of *rows*; loads that cannot hold one are not opened."""
    valid = rows[dataset.valid_date] if dataset.valid_date in dataset.key and dataset.valid_date else None
    first, last = (valid.min(), valid.max()) if valid is not None else (None, None)
    scans = [
        app.tables.scan(dataset, ref)
        for ref, version in loads_of(app, dataset, tenant=tenant)
        if version.rows and not _outside(version, first, last)
    ]
    if not scans or rows.is_empty():
        return None
    keys = rows.lazy().select(dataset.key).unique()
    return pl.concat(scans).join(keys, on=list(dataset.key), how="semi", maintain_order="left").collect()


def _outside(version: TableVersion, first: object, last: object) -> bool:
    """Whether a load is about other days than *first* to *last* altogether."""
    if not isinstance(first, date) or not isinstance(last, date):
        return False
    if version.first_valid_on is None or version.last_valid_on is None:
        return False
    return version.last_valid_on < first or version.first_valid_on > last
