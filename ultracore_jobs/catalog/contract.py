"""Hold a table against its contract: every bad row is found, named and explained.

Two ways to use it. `conform` is for tables of our own making: one bad value is a fault, so it
raises, naming table, row, column, value and remedy. `screen` is for tables from outside: good rows
go on, bad rows come back with a reason each, for quarantine.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from ultracore_jobs.catalog.columns import Column
from ultracore_jobs.catalog.dataset import Dataset
from ultracore_jobs.errors import ContractError

REJECTS_SCHEMA = pl.Schema(
    {
        "table_name": pl.String,
        "row_number": pl.Int64,
        "row_key": pl.String,
        "column_name": pl.String,
        "value": pl.String,
        "reason": pl.String,
        "remedy": pl.String,
    }
)
"""One row per broken promise: which table, row (counted from 1), column, value, why, and what to do."""

_SHOWN = 5


@dataclass(frozen=True)
class Screened:
    """A delivery, parted into what may go on and what may not."""

    accepted: pl.DataFrame
    rejects: pl.DataFrame


def conform(frame: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """Return *frame* in the stored column order of *dataset*, or raise.

    Raises:
        ContractError: A column is missing, unknown or of another type, or a row breaks a bound.
            The message names up to five rows, with column, value and remedy.
    """
    _require_columns(frame, dataset, exact_types=True)
    ordered = frame.select(dataset.schema.names())
    rejects = _rejects(ordered, dataset)
    if rejects.height:
        raise ContractError(describe_rejects(rejects))
    return ordered


def screen(frame: pl.DataFrame, dataset: Dataset) -> Screened:
    """Cast *frame* to the types of *dataset* and part good rows from bad ones.

    A value that cannot be cast is a bad value of that row, not a failed delivery. Columns the
    contract does not know are dropped. Of rows with the same key the first is kept.

    Raises:
        ContractError: A required column is missing altogether.
    """
    frame = _with_optional_columns(frame, dataset)
    _require_columns(frame, dataset, exact_types=False)
    given = frame.select(dataset.schema.names())
    typed = given.select(_cast(name, given.schema[name], column) for name, column in dataset.columns.items())
    rejects = pl.concat([_unreadable(given, typed, dataset), _rejects(typed, dataset)])
    rejects = rejects.sort("row_number", "column_name", maintain_order=True).unique(
        ["row_number", "column_name"], keep="first", maintain_order=True
    )
    bad_rows = rejects["row_number"].unique() - 1
    numbered = typed.with_row_index("__row").with_columns(pl.col("__row").cast(pl.Int64))
    accepted = numbered.filter(~pl.col("__row").is_in(bad_rows.implode())).drop("__row")
    return Screened(accepted, rejects)


def describe_rejects(rejects: pl.DataFrame) -> str:
    """The first rejects as sentences, and how many more there are."""
    lines = [
        f"table {row['table_name']!r}, row {row['row_number']} ({row['row_key']}), column {row['column_name']!r}, "
        f"value {row['value']!r}: {row['reason']}. Remedy: {row['remedy']}."
        for row in rejects.head(_SHOWN).iter_rows(named=True)
    ]
    if rejects.height > _SHOWN:
        lines.append(f"... and {rejects.height - _SHOWN} more")
    return "\n".join(lines)


def _require_columns(frame: pl.DataFrame, dataset: Dataset, *, exact_types: bool) -> None:
    wanted = dataset.schema
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        message = (
            f"table {dataset.name!r}: column(s) {', '.join(missing)} not found among {', '.join(frame.columns)}. "
            "Remedy: add them to the source, or rename with --map theirs=ours."
        )
        raise ContractError(message)
    if not exact_types:
        return
    unknown = [name for name in frame.columns if name not in wanted]
    wrong = [
        f"{name} is {frame.schema[name]}, not {wanted[name]}"
        for name in wanted
        if frame.schema[name] != wanted[name]
    ]
    if unknown or wrong:
        faults = [*(f"{name} is no column of it" for name in unknown), *wrong]
        message = f"table {dataset.name!r}: {'; '.join(faults)}. Remedy: cast or drop them in the kernel."
        raise ContractError(message)


def _with_optional_columns(frame: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    absent = [
        pl.lit(None, dtype=column.dtype).alias(name)
        for name, column in dataset.columns.items()
        if column.nullable and name not in frame.columns
    ]
    return frame.with_columns(absent)


def _cast(name: str, given: pl.DataType, column: Column) -> pl.Expr:
    value = pl.col(name)
    if given == column.dtype:
        return value
    if given == pl.String:
        value = value.str.strip_chars()
        value = pl.when(value == "").then(None).otherwise(value)
        if column.dtype == pl.Boolean:
            lowered = value.str.to_lowercase()
            truths = lowered.is_in(["true", "1", "yes"])
            return (
                pl.when(truths | lowered.is_in(["false", "0", "no"])).then(truths).otherwise(None).alias(name)
            )
        if column.dtype == pl.Date:
            return value.str.to_date(strict=False).alias(name)
        if isinstance(column.dtype, pl.Datetime):
            return value.str.to_datetime(time_unit="us", time_zone="UTC", strict=False).alias(name)
    return value.cast(column.dtype, strict=False).alias(name)


def _unreadable(given: pl.DataFrame, typed: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """Values that were there and that the cast could not read."""
    found = []
    for name, column in dataset.columns.items():
        blank = given[name].is_null()
        if given.schema[name] == pl.String:
            blank |= given[name].str.strip_chars() == ""
        lost = typed[name].is_null() & ~blank
        if lost.any():
            found.append(
                _report(
                    given,
                    dataset,
                    name,
                    lost,
                    f"NOT_READABLE as {column.dtype}",
                    f"send a value of type {column.dtype}",
                )
            )
    return pl.concat([pl.DataFrame(schema=REJECTS_SCHEMA), *found])


def _rejects(frame: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    found = [
        _report(frame, dataset, name, frame.select(broken.fill_null(value=False)).to_series(), reason, remedy)
        for name, column in dataset.columns.items()
        for broken, reason, remedy in _laws(name, column)
    ]
    if dataset.unique_within_load:
        key = [
            *dataset.key,
            *(["known_at"] if "known_at" in dataset.columns and "known_at" not in dataset.key else []),
        ]
        later = frame.select(~pl.struct(key).is_first_distinct()).to_series()
        found.append(
            _report(frame, dataset, key[0], later, f"DUPLICATE_KEY ({', '.join(key)})", "send each key once")
        )
    return pl.concat([pl.DataFrame(schema=REJECTS_SCHEMA), *(part for part in found if part.height)])


def _laws(name: str, column: Column) -> Iterator[tuple[pl.Expr, str, str]]:
    """Each bound of one column: an expression true where it is broken, the reason, the remedy."""
    value = pl.col(name)
    if not column.nullable:
        yield value.is_null(), "MISSING_VALUE", "give a value; null never means zero"
    if column.dtype == pl.Float64:
        yield value.is_nan() | value.is_infinite(), "NOT_A_NUMBER", "give a finite number"
    if column.dtype == pl.String and not column.nullable:
        yield value.str.strip_chars() == "", "MISSING_VALUE", "give a value"
    if column.above is not None:
        yield value <= column.above, f"NOT_ABOVE {column.above}", f"give a value above {column.above}"
    if column.at_least is not None:
        yield value < column.at_least, f"BELOW {column.at_least}", f"give {column.at_least} or more"
    if column.at_most is not None:
        yield value > column.at_most, f"ABOVE {column.at_most}", f"give {column.at_most} or less"
    if column.one_of is not None:
        codes = ", ".join(column.one_of)
        yield ~value.is_in(list(column.one_of)), f"UNKNOWN_CODE (not one of {codes})", f"use one of {codes}"
    if column.pattern is not None:
        yield (
            ~value.str.contains(f"^(?:{column.pattern})$"),
            f"BAD_FORMAT (not {column.pattern})",
            f"write it as {column.pattern}",
        )


def _report(
    frame: pl.DataFrame, dataset: Dataset, name: str, broken: pl.Series, reason: str, remedy: str
) -> pl.DataFrame:
    """The rejects table for the rows where *broken* is true."""
    if not broken.any():
        return pl.DataFrame(schema=REJECTS_SCHEMA)
    return (
        frame.with_row_index("__row")
        .filter(broken)
        .select(
            pl.lit(dataset.name).alias("table_name"),
            (pl.col("__row").cast(pl.Int64) + 1).alias("row_number"),
            pl.concat_str(
                [pl.col(key).cast(pl.String).fill_null("null") for key in dataset.key], separator="|"
            ).alias("row_key"),
            pl.lit(name).alias("column_name"),
            pl.col(name).cast(pl.String).alias("value"),
            pl.lit(reason).alias("reason"),
            pl.lit(remedy).alias("remedy"),
        )
    )
