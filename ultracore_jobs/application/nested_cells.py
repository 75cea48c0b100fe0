"""Lists in a text file: a CSV cell holds them as JSON, such as ``["AAPL", "XOM"]``."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

import polars as pl

from ultracore_jobs.catalog import REJECTS_SCHEMA, Dataset


def decode_lists(rows: pl.DataFrame, dataset: Dataset) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Turn the text cells of list columns into lists.

    Args:
        rows: Rows of *dataset* before their types are checked.
        dataset: Tells which columns are lists, and of what.

    Returns:
        The rows, a blank cell being null, and a bad one too; and a `REJECTS_SCHEMA` table of bad cells.
        Numbers keep every digit; a struct may leave fields out, but not name others.
    """
    rejects = [pl.DataFrame(schema=REJECTS_SCHEMA)]
    for name, column in dataset.columns.items():
        if (
            name not in rows.columns
            or rows.schema[name] != pl.String
            or not isinstance(column.dtype, pl.List)
        ):
            continue
        cells = rows[name].str.strip_chars()
        texts = cells.unique().drop_nulls().to_list()
        decoded = {text: _decode(text, column.dtype) for text in texts if text}
        good = {text: value for text, value in decoded.items() if value is not None}
        lists = pl.DataFrame(
            {"text": list(good), "list": list(good.values())},
            schema={"text": pl.String, "list": column.dtype},
        )
        bad = cells.is_in([text for text, value in decoded.items() if value is None])
        rejects.append(_rejects(rows, dataset, name, bad))
        listed = cells.to_frame("text").join(lists, on="text", how="left", maintain_order="left")["list"]
        rows = rows.with_columns(listed.alias(name))
    return rows, pl.concat(rejects)


def _decode(text: str, dtype: pl.List) -> list[Any] | None:
    """The list that *text* holds; None where it holds none of that type."""
    try:
        # Numbers stay text until they are decimals: a float would lose digits on the way.
        value = json.loads(text, parse_float=str, parse_int=str)
        return _list_of(value, dtype)
    except (TypeError, ValueError, InvalidOperation):
        return None


def _list_of(value: object, dtype: pl.List) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return [_item(item, dtype.inner) for item in value]


def _item(value: object, dtype: Any) -> Any:
    if isinstance(dtype, pl.Struct):
        fields = {field.name: field.dtype for field in dtype.fields}
        if not isinstance(value, dict) or not set(value) <= set(fields):
            raise ValueError(value)
        return {name: _item(value.get(name), inner) for name, inner in fields.items()}
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(value)
    if isinstance(dtype, pl.Decimal):
        number = Decimal(value)
        if not number.is_finite() or number != round(number, dtype.scale):
            raise ValueError(value)
        return number
    return value


def _rejects(rows: pl.DataFrame, dataset: Dataset, name: str, bad: pl.Series) -> pl.DataFrame:
    return (
        rows.with_row_index("__row", offset=1)
        .filter(bad.fill_null(value=False))
        .select(
            pl.lit(dataset.name).alias("table_name"),
            pl.col("__row").cast(pl.Int64).alias("row_number"),
            pl.concat_str(
                [pl.col(key).cast(pl.String).fill_null("null") for key in dataset.key], separator="|"
            ).alias("row_key"),
            pl.lit(name).alias("column_name"),
            pl.col(name).alias("value"),
            pl.lit("NOT_READABLE as a list in JSON").alias("reason"),
            pl.lit(f"write it as JSON: {dataset.columns[name].description}").alias("remedy"),
        )
    )
