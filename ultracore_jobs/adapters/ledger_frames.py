"""Rows of the ledger as tables for kernels: read as plain numbers and text, turned into columns in one go."""

from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa

from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.columns import INSTANT, MONEY


def money(column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """The stored ten-thousandths of an amount, labelled ``amount``."""
    return sa.type_coerce(column, sa.BigInteger).label("amount")


def total(column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """The sum of amounts in ten-thousandths, labelled ``amount``; exact, an overflow is an error."""
    return sa.cast(sa.func.sum(sa.type_coerce(column, sa.BigInteger)), sa.BigInteger).label("amount")


def instant(column: sa.ColumnElement[datetime], dialect: sa.Dialect) -> sa.ColumnElement[Any]:
    """A moment as this database gives it, labelled ``known_at``."""
    plain: sa.types.TypeEngine[Any] = (
        sa.TIMESTAMP(timezone=True) if dialect.name == "postgresql" else sa.String()
    )
    return sa.type_coerce(column, plain).label("known_at")


def read_table(
    connection: sa.Connection, query: sa.Select[tuple[object, ...]], dataset: Dataset
) -> pl.DataFrame:
    """The rows of *query* as a table of *dataset*; its columns are labelled as the dataset's.

    Amounts come as whole ten-thousandths (`money`), moments as the database gives them (`instant`).
    """
    text_moments = connection.dialect.name != "postgresql"
    as_read: dict[str, pl.DataType | type[pl.DataType]] = {}
    for name, dtype in dataset.schema.items():
        if dtype == MONEY:
            as_read[name] = pl.Int64
        elif dtype == INSTANT and text_moments:
            as_read[name] = pl.String
        else:
            as_read[name] = dtype
    rows = connection.execute(query).fetchall()
    frame = pl.DataFrame(rows, schema=as_read, orient="row")
    return frame.select(_as_stored(name, dtype, frame.schema[name]) for name, dtype in dataset.schema.items())


def _as_stored(name: str, dtype: pl.DataType, read: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if dtype == MONEY:
        # A quotient of decimals has the scale of the dividend, and this one always comes out even.
        return (column.cast(pl.Decimal(38, 4)) / 10_000).cast(MONEY)
    if dtype == INSTANT and read == pl.String:
        return column.str.to_datetime("%Y-%m-%dT%H:%M:%S%.6fZ", time_unit="us", time_zone="UTC")
    return column
