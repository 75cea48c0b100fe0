"""The ECB's euro reference rates, in the four layouts it publishes: CSV and XML, one day and history.

A rate is units of the currency per EUR 1. ``N/A``, or a currency left out, says that the ECB does not fix
it on that day: that is no value, so it gives no row. Any other text goes on, for the kernel to judge.

Source: domain_rules 14; https://www.ecb.europa.eu/stats/eurofxref/.
"""

from typing import Final
from xml.etree.ElementTree import ParseError

import polars as pl
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from ultracore_jobs.adapters.deliveries import ECB
from ultracore_jobs.adapters.payloads import require_text
from ultracore_jobs.adapters.tabular_files import read_table
from ultracore_jobs.application.import_checks import LINE_NUMBER
from ultracore_jobs.errors import FeedError

_PIVOT: Final = "EUR"
_CUBE: Final = "{http://www.ecb.int/vocabulary/2002-08-01/eurofxref}Cube"
_CURRENCY: Final = r"^[A-Z]{3}$"
_NOT_FIXED: Final = ("N/A", "")


def parse_ecb_csv(content: bytes, name: str) -> pl.DataFrame:
    """The fixings of ``eurofxref.csv`` (one day, written `30 October 2026`) or ``eurofxref-hist.csv``.

    Args:
        content: Unpacked bytes; wide, a column for each currency, and one without a name at the end.
        name: What messages call it.

    Returns:
        Columns ``rate_date`` (YYYY-MM-DD), ``base_ccy`` (EUR), ``quote_ccy``, ``rate`` (as published) and
        ``source``, in the order of the file. Header only gives no rows.

    Raises:
        FeedError: The header or a date is not the ECB's; names line, column and value.
    """
    table = read_table(content, name)
    currencies = [column for column in table.columns if _is_currency(column)]
    if table.columns[0] != "Date" or not currencies:
        raise FeedError(
            f"{name}, line 1: the header is {', '.join(table.columns[:6])}, ..., not `Date, USD, JPY, ...`. "
            "Remedy: send eurofxref.csv or eurofxref-hist.csv as the ECB publishes it."
        )
    written = pl.col("Date").str.strip_chars()
    day = pl.coalesce(
        written.str.to_date("%Y-%m-%d", strict=False), written.str.to_date("%d %B %Y", strict=False)
    )
    dated = table.with_columns(day.dt.to_string("%Y-%m-%d").alias("rate_date"))
    _require_dates(dated, name)
    return (
        dated.unpivot(currencies, index="rate_date", variable_name="quote_ccy", value_name="rate")
        .with_columns(pl.col("rate").str.strip_chars())
        .filter(~pl.col("rate").is_in(_NOT_FIXED))
        .select(
            "rate_date", pl.lit(_PIVOT).alias("base_ccy"), "quote_ccy", "rate", pl.lit(ECB).alias("source")
        )
    )


def parse_ecb_xml(content: bytes, name: str) -> pl.DataFrame:
    """The fixings of ``eurofxref-daily.xml`` or ``eurofxref-hist.xml``.

    Args:
        content: Unpacked bytes; ``Cube`` elements with ``time``, in them others with ``currency``
            and ``rate``.
        name: What messages call it.

    Returns:
        As `parse_ecb_csv`.

    Raises:
        FeedError: It is not well-formed, declares a document type or entities (refused: the ECB uses none,
            and a few lines of them can fill any memory), or holds no dated ``Cube``.
    """
    try:
        root = fromstring(require_text(content, name), forbid_dtd=True)
    except ParseError as error:
        line, column = error.position
        raise FeedError(
            f"{name}, line {line}, column {column}: is no well-formed XML ({error}). Remedy: fetch it again."
        ) from error
    except DefusedXmlException as error:
        raise FeedError(
            f"{name}: declares a document type or entities, which is refused ({type(error).__name__}). "
            "Remedy: send the ECB's own file, which has none."
        ) from error
    days = [cube for cube in root.iter(_CUBE) if "time" in cube.attrib]
    if not days:
        raise FeedError(
            f"{name}: holds no `Cube` with a `time`. Remedy: send eurofxref-daily.xml or -hist.xml."
        )
    fixings = [
        (day.attrib["time"], fixing.attrib.get("currency"), fixing.attrib.get("rate"))
        for day in days
        for fixing in day
    ]
    schema = {"rate_date": pl.String, "quote_ccy": pl.String, "rate": pl.String}
    return (
        pl.DataFrame(fixings, schema=schema, orient="row")
        .filter(pl.col("rate").is_null() | ~pl.col("rate").str.strip_chars().is_in(_NOT_FIXED))
        .select(
            "rate_date", pl.lit(_PIVOT).alias("base_ccy"), "quote_ccy", "rate", pl.lit(ECB).alias("source")
        )
    )


def _is_currency(column: str) -> bool:
    return len(column) == len(_PIVOT) and column.isascii() and column.isupper()


def _require_dates(dated: pl.DataFrame, name: str) -> None:
    bad = dated.filter(pl.col("rate_date").is_null())
    if bad.height:
        row = bad.row(0, named=True)
        raise FeedError(
            f"{name}, line {row[LINE_NUMBER]}, column 'Date', value {row['Date']!r}: is no date. "
            "Remedy: send the file as the ECB publishes it, dated 2026-10-30 or 30 October 2026."
        )
