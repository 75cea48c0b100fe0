"""What a provider's bytes say: prices and actions as tables, fixings as the ECB or the RBA lay them out."""

from typing import Final

import polars as pl

from ultracore_jobs.adapters.deliveries import provider_columns
from ultracore_jobs.adapters.ecb import parse_ecb_csv, parse_ecb_xml
from ultracore_jobs.adapters.rba import looks_like_f11, parse_rba_f11
from ultracore_jobs.adapters.tabular_files import read_table
from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_FIXINGS, VENDOR_PRICES
from ultracore_jobs.errors import FeedError

_REQUIRED: Final = {
    VENDOR_PRICES.name: ("symbol", "exchange", "ccy", "price_date", "close"),
    VENDOR_ACTIONS.name: ("action_id", "symbol", "exchange", "type", "ex_on"),
}
_BOM: Final = b"\xef\xbb\xbf"


def parse_provider_file(dataset: Dataset, content: bytes, name: str, *, source: str) -> pl.DataFrame:
    """The rows of one provider file, all columns as text.

    Args:
        dataset: `VENDOR_PRICES`, `VENDOR_ACTIONS` or `VENDOR_FIXINGS`.
        content: Unpacked bytes. Prices and actions: CSV or Parquet with the columns of the dataset, those
            nobody needs may be left out and others are ignored. Fixings: ECB CSV or XML, or RBA F11.1 CSV.
        name: What messages call it.
        source: Written where the file has no ``source`` column of its own.

    Returns:
        The `provider_columns` of *dataset*, in the order of the file.

    Raises:
        FeedError: The content is not laid out so; names file, line, column, value and remedy.
    """
    if dataset.name == VENDOR_FIXINGS.name:
        return _fixings(content, name).select(provider_columns(dataset))
    table = read_table(content, name)
    missing = [column for column in _REQUIRED[dataset.name] if column not in table.columns]
    if missing:
        raise FeedError(
            f"{name}, line 1: column(s) {', '.join(missing)} not found among {', '.join(table.columns)}. "
            f"Remedy: {dataset.name} files have the header {','.join(provider_columns(dataset))}."
        )
    given = table.select(_as_text(column, table.schema[column]) for column in table.columns)
    absent = [
        pl.lit(None, pl.String).alias(column)
        for column in provider_columns(dataset)
        if column not in table.columns
    ]
    own = pl.col("source").str.strip_chars().replace("", None)
    return given.with_columns(absent).select(provider_columns(dataset)).with_columns(own.fill_null(source))


def _fixings(content: bytes, name: str) -> pl.DataFrame:
    start = content.removeprefix(_BOM).lstrip()
    if start.startswith(b"<"):
        return parse_ecb_xml(content, name)
    if looks_like_f11(content):
        return parse_rba_f11(content, name)
    return parse_ecb_csv(content, name)


def _as_text(column: str, dtype: pl.DataType) -> pl.Expr:
    """A typed Parquet column as a CSV would have it: the kernel reads text, whatever the file."""
    value = pl.col(column)
    if isinstance(dtype, pl.Datetime):
        value = value.dt.date()
    return value.cast(pl.String)
