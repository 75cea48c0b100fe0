"""The RBA's table F11.1, exchange rates of the Australian dollar, daily.

A rate is units of the currency per A$1, so to the dollar it is 1 / rate: the *inverse* direction of what
the ECB's rates give for AUD. Rows say so by their ``base_ccy``.

Source: domain_rules 14; https://www.rba.gov.au/statistics/tables/.
"""

import csv
import re
from typing import Final

import polars as pl

from ultracore_jobs.adapters.deliveries import RBA
from ultracore_jobs.adapters.payloads import require_text
from ultracore_jobs.adapters.tabular_files import read_table
from ultracore_jobs.application.import_checks import LINE_NUMBER
from ultracore_jobs.errors import FeedError

_PIVOT: Final = "AUD"
_SERIES_ROW: Final = re.compile(rb"^\"?Series ID\"?,", re.MULTILINE)
_TITLE: Final = re.compile(r"A\$1=([A-Z]{3})")
_ISO_CODES: Final = {"SDR": "XDR"}


def looks_like_f11(content: bytes) -> bool:
    """Whether *content* has the row of series names that every RBA table has."""
    return _SERIES_ROW.search(content) is not None


def parse_rba_f11(content: bytes, name: str) -> pl.DataFrame:
    """The fixings of ``f11.1-data.csv``.

    Args:
        content: Unpacked bytes: a title row; rows labelled Title (``A$1=USD``), Description, Frequency,
            Type, Units, Source, Publication date, Series ID; then a row for each day, `30-Oct-2026`.
        name: What messages call it.

    Returns:
        Columns ``rate_date`` (YYYY-MM-DD), ``base_ccy`` (AUD), ``quote_ccy``, ``rate`` (as published) and
        ``source``. Indices, such as the trade-weighted one, are no currency and give no row; nor do
        empty cells.

    Raises:
        FeedError: A label or date is not the RBA's, or the table is the monthly F11, whose averages are
            no fixings; names line, column and value.
    """
    content = require_text(content, name)
    series = _SERIES_ROW.search(content)
    if series is None:
        raise FeedError(
            f"{name}: has no row `Series ID`. Remedy: send f11.1-data.csv as the RBA publishes it."
        )
    labels = _labels(content[: series.start()])
    if any(frequency == "Monthly" for frequency in labels.get("Frequency", [])):
        raise FeedError(
            f"{name}: is monthly (table F11), and a month's figure is no day's fixing. "
            "Remedy: send f11.1-data.csv."
        )
    line = content.count(b"\n", 0, series.start()) + 1
    table = read_table(content[series.start() :], name, first_line=line)
    currencies = _currencies(labels, table.columns[1:-1], name)
    written = pl.col(table.columns[0]).str.strip_chars()
    dated = table.with_columns(
        written.alias("written"),
        written.str.to_date("%d-%b-%Y", strict=False).dt.to_string("%Y-%m-%d").alias("rate_date"),
    )
    bad = dated.filter(pl.col("rate_date").is_null())
    if bad.height:
        row = bad.row(0, named=True)
        raise FeedError(
            f"{name}, line {row[LINE_NUMBER]}, column 'Series ID', value {row['written']!r}: is no date "
            "such as 30-Oct-2026. Remedy: send the table as the RBA publishes it."
        )
    return (
        dated.select("rate_date", **{currency: pl.col(column) for column, currency in currencies.items()})
        .unpivot(index="rate_date", variable_name="quote_ccy", value_name="rate")
        .with_columns(pl.col("rate").str.strip_chars())
        .filter(pl.col("rate") != "")
        .select(
            "rate_date", pl.lit(_PIVOT).alias("base_ccy"), "quote_ccy", "rate", pl.lit(RBA).alias("source")
        )
    )


def _labels(preamble: bytes) -> dict[str, list[str]]:
    """The labelled rows above the data; their widths differ, so they are no table."""
    rows = csv.reader(preamble.decode().splitlines())
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows if row}


def _currencies(labels: dict[str, list[str]], columns: list[str], name: str) -> dict[str, str]:
    """The ISO code of each column of data that holds a currency, from the row Title."""
    titles = labels.get("Title", [])
    matches = {column: _TITLE.fullmatch(title) for column, title in zip(columns, titles, strict=False)}
    found = {column: _ISO_CODES.get(match[1], match[1]) for column, match in matches.items() if match}
    if not found:
        raise FeedError(
            f"{name}: row `Title` names no currency as `A$1=USD` does; "
            f"it holds {', '.join(titles[:5]) or 'nothing'}. "
            "Remedy: send f11.1-data.csv as the RBA publishes it."
        )
    return found
