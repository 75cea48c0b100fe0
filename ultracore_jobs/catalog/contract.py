"""Hold a table against its contract: every bad row is found, named and explained.

Two ways to use it. `conform` is for tables of our own making: one bad value is a fault, so it
raises, naming table, row, column, value and remedy. `screen` is for tables from outside: good rows
go on, bad rows come back with a reason each, for quarantine.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from ultracore_jobs.catalog.casting import Fault, Reading, present, reading
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
_ROW = "__row"


@dataclass(frozen=True)
class Screened:
    """A delivery, parted into what may go on and what may not.

    Attributes:
        accepted: Rows that conform, in the order they came.
        rejects: `REJECTS_SCHEMA`, by row and column; a row has one line for each column at fault.
    """

    accepted: pl.DataFrame
    rejects: pl.DataFrame


def conform(frame: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """Return *frame* in the stored column order of *dataset*, or raise.

    Raises:
        ContractError: A column is missing, unknown or of another type, or a row breaks a bound.
            The message names up to five rows, with column, value and remedy.
    """
    _require_exact_columns(frame, dataset)
    ordered = frame.select(dataset.schema.names())
    numbered = ordered.with_row_index(_ROW, offset=1)
    rejects = _in_order([*_broken_laws(numbered, dataset), _duplicates(numbered, dataset)])
    if rejects.height:
        raise ContractError(describe_rejects(rejects))
    return ordered


def screen(frame: pl.DataFrame, dataset: Dataset, *, first_row: int = 1) -> Screened:
    """Read *frame* as the types of *dataset* and part good rows from bad ones.

    A value that cannot be read is a bad value of that row, not a failed delivery; what can be read, and
    how, says `ultracore_jobs.catalog.casting.reading`. Nullable columns may be absent. Columns the contract
    does not know are dropped. Of good rows with the same key the first is kept.

    Args:
        frame: Rows as they came, text or typed.
        dataset: The contract.
        first_row: Number that the first row has in messages, such as its line in a file.

    Returns:
        Good rows and rejects; a row is in exactly one of them.

    Raises:
        ContractError: A required column is missing altogether.
    """
    given = _with_required_columns(frame, dataset)
    readings = {name: reading(name, given.schema[name], column) for name, column in dataset.columns.items()}
    typed = given.select(read.value.alias(name) for name, read in readings.items())
    given = given.with_row_index(_ROW, offset=first_row)
    typed = typed.with_row_index(_ROW, offset=first_row)
    rejects = [*_unreadable(given, typed, dataset, readings), *_broken_laws(typed, dataset)]
    good = _without(typed, rejects)
    # Only now: a bad row must not take the place of a good one with the same key.
    twice = _duplicates(good, dataset)
    return Screened(_without(good, [twice]).drop(_ROW), _in_order([*rejects, twice]))


def describe_rejects(rejects: pl.DataFrame) -> str:
    """The first rejects as sentences, and how many more there are."""
    lines = [
        f"table {row['table_name']!r}, row {row['row_number']} ({row['row_key']}), "
        f"column {row['column_name']!r}, value {row['value']!r}: {row['reason']}. Remedy: {row['remedy']}."
        for row in rejects.head(_SHOWN).iter_rows(named=True)
    ]
    if rejects.height > _SHOWN:
        lines.append(f"... and {rejects.height - _SHOWN} more")
    return "\n".join(lines)


def _require_exact_columns(frame: pl.DataFrame, dataset: Dataset) -> None:
    wanted, found = dataset.schema, frame.schema
    faults = [
        *(f"{name} is missing" for name in wanted if name not in found),
        *(f"{name} is no column of it" for name in found if name not in wanted),
        *(
            f"{name} is {found[name]}, not {wanted[name]}"
            for name in wanted
            if name in found and found[name] != wanted[name]
        ),
    ]
    if faults:
        told = "; ".join(faults)
        message = f"table {dataset.name!r}: {told}. Remedy: add, drop or cast them where it is made."
        raise ContractError(message)


def _with_required_columns(frame: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """*frame* with the contract's columns and no others; absent ones that may be null are null."""
    absent = {name: column for name, column in dataset.columns.items() if name not in frame.columns}
    missing = [name for name, column in absent.items() if not column.nullable]
    if missing:
        there_are = ", ".join(frame.columns) or "none"
        message = (
            f"table {dataset.name!r}: column(s) {', '.join(missing)} not found; there are: {there_are}. "
            "Remedy: add them to the source, or rename with --map theirs=ours."
        )
        raise ContractError(message)
    nulls = [pl.lit(None, dtype=column.dtype).alias(name) for name, column in absent.items()]
    return frame.with_columns(nulls).select(dataset.schema.names())


def _unreadable(
    given: pl.DataFrame, typed: pl.DataFrame, dataset: Dataset, readings: Mapping[str, Reading]
) -> Iterator[pl.DataFrame]:
    """Values that were there and could not be read, with the first fault that each has."""
    for name, read in readings.items():
        if not read.faults:
            continue
        lost = typed[name].is_null() & given.select(present(name, given.schema[name])).to_series()
        rows = given.filter(lost)
        if rows.is_empty():
            continue
        first = pl.coalesce(
            pl.when(fault.found).then(pl.lit(index)) for index, fault in enumerate(read.faults)
        )
        which = rows.select(first).to_series()
        for index, fault in enumerate(read.faults):
            yield _report(rows.filter(which == index), dataset, name, fault.reason, fault.remedy)


def _broken_laws(numbered: pl.DataFrame, dataset: Dataset) -> Iterator[pl.DataFrame]:
    """Values that break a bound of their column."""
    laws = [(name, law) for name, column in dataset.columns.items() for law in _laws(name, column)]
    # One pass over all columns tells which laws are broken at all; as a rule none is.
    broken = numbered.select(law.found.any().alias(str(index)) for index, (_, law) in enumerate(laws))
    for (name, law), any_row in zip(laws, broken.row(0), strict=True):
        if any_row:
            yield _report(numbered.filter(law.found), dataset, name, law.reason, law.remedy)


def _laws(name: str, column: Column) -> Iterator[Fault]:
    """Each bound of one column; of several that a value breaks the first counts."""
    value = pl.col(name)
    if not column.nullable:
        yield Fault(value.is_null(), "MISSING_VALUE", "give a value; null never means zero")
    if column.dtype == pl.Float64:
        yield Fault(~value.is_finite(), "NOT_A_NUMBER", "give a finite number")
    if column.dtype == pl.String and not column.nullable:
        yield Fault(value.str.strip_chars() == "", "MISSING_VALUE", "give a value")
    if column.above is not None:
        yield Fault(value <= column.above, f"NOT_ABOVE {column.above}", f"give a value above {column.above}")
    if column.at_least is not None:
        yield Fault(value < column.at_least, f"BELOW {column.at_least}", f"give {column.at_least} or more")
    if column.at_most is not None:
        yield Fault(value > column.at_most, f"ABOVE {column.at_most}", f"give {column.at_most} or less")
    if column.one_of is not None:
        codes = ", ".join(column.one_of)
        unknown = ~value.is_in(list(column.one_of))
        yield Fault(unknown, f"UNKNOWN_CODE (not one of {codes})", f"use one of {codes}")
    if column.pattern is not None:
        other = ~value.str.contains(f"^(?:{column.pattern})$")
        yield Fault(other, f"BAD_FORMAT (not {column.pattern})", f"write it as {column.pattern}")


def _duplicates(numbered: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    """Rows whose key an earlier row has; for given tables the key is that of one moment."""
    if not dataset.unique_within_load:
        return pl.DataFrame(schema=REJECTS_SCHEMA)
    moment = ["known_at"] if "known_at" in dataset.columns and "known_at" not in dataset.key else []
    key = [*dataset.key, *moment]
    later = numbered.filter(~pl.struct(key).is_first_distinct())
    return _report(later, dataset, key[0], f"DUPLICATE_KEY ({', '.join(key)})", "send each key once")


def _report(rows: pl.DataFrame, dataset: Dataset, name: str, reason: str, remedy: str) -> pl.DataFrame:
    """The rejects table for *rows*, all of which have the same fault in one column."""
    key = [_as_text(rows[part]).fill_null("null") for part in dataset.key]
    return pl.DataFrame(
        [
            rows[_ROW].cast(pl.Int64).alias("row_number"),
            _as_text(rows[name]).alias("value"),
            *(part.alias(f"key {index}") for index, part in enumerate(key)),
        ]
    ).select(
        pl.lit(dataset.name).alias("table_name"),
        "row_number",
        pl.concat_str([f"key {index}" for index in range(len(key))], separator="|").alias("row_key"),
        pl.lit(name).alias("column_name"),
        "value",
        pl.lit(reason).alias("reason"),
        pl.lit(remedy).alias("remedy"),
    )


def _as_text(values: pl.Series) -> pl.Series:
    """Values as a person would recognise them."""
    if values.dtype.is_nested() or values.dtype in {pl.Binary, pl.Object}:
        # Rare, and only for rows to be shown; Polars has no text for these.
        texts = [None if value is None else str(value) for value in values.to_list()]
        return pl.Series(values.name, texts, dtype=pl.String)
    return values.cast(pl.String)


def _in_order(reports: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """One line for each row and column at fault, by row; of several faults the first."""
    found = pl.concat([pl.DataFrame(schema=REJECTS_SCHEMA), *reports])
    return found.unique(["row_number", "column_name"], keep="first", maintain_order=True).sort(
        "row_number", maintain_order=True
    )


def _without(numbered: pl.DataFrame, reports: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows that no report names."""
    bad = pl.concat([pl.DataFrame(schema=REJECTS_SCHEMA), *reports])["row_number"].unique()
    return numbered.filter(~pl.col(_ROW).cast(pl.Int64).is_in(bad.implode())) if bad.len() else numbered
