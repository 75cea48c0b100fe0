"""What is wrong with the books: rows to set aside, and the portfolios that have no NAV because of it."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

import polars as pl

from ultracore_jobs.catalog import REJECTS_SCHEMA
from ultracore_jobs.kernels.money import MINOR_DIGITS
from ultracore_jobs.kernels.valuation.lines import Lines
from ultracore_jobs.kernels.valuation.pricing import latest_prices
from ultracore_jobs.kernels.valuation.tables import REASONS, Books, Policy


class Faults(NamedTuple):
    """``portfolio_id``, ``code`` of `REASONS`, any number of rows; and a `REJECTS_SCHEMA` table."""

    found: pl.DataFrame
    quarantine: pl.DataFrame


class _Reject(NamedTuple):
    """One way in which a row is wrong in itself."""

    table: str
    key: tuple[str, ...]
    column: str
    reason: str
    remedy: str


_GIVE_CODE, _IMPORT_IT = "give an ISO 4217 code", "import the instrument"
_MOVE, _LOT, _ACTION = ("transaction_id",), ("lot_id", "effective_on"), ("action_id",)
_FOREIGN_BOOKS = _Reject("portfolios", ("portfolio_id",), "base_ccy", "UNKNOWN_CURRENCY", _GIVE_CODE)
_FOREIGN_MOVE = _Reject("transactions", _MOVE, "ccy", "UNKNOWN_CURRENCY", _GIVE_CODE)
_STRANGE_MOVE = _Reject("transactions", _MOVE, "instrument_id", "UNKNOWN_INSTRUMENT", _IMPORT_IT)
_STRAY_MOVE = _Reject("transactions", _MOVE, "portfolio_id", "UNKNOWN_PORTFOLIO", "import the portfolio")
_STRANGE_LOT = _Reject("lots", _LOT, "instrument_id", "UNKNOWN_INSTRUMENT", _IMPORT_IT)
_STRAY_LOT = _Reject("lots", _LOT, "portfolio_id", "UNKNOWN_PORTFOLIO", "import the portfolio")
_FOREIGN_PAPER = _Reject("instruments", ("instrument_id",), "ccy", "UNKNOWN_CURRENCY", _GIVE_CODE)
_NO_COUPON_TERMS = _Reject(
    "instruments",
    ("instrument_id",),
    "last_coupon_on",
    "INCOME_TERMS_UNKNOWN",
    "give coupon dates and frequency",
)
_NO_CASH_TERMS = _Reject(
    "corporate_actions", _ACTION, "pay_on", "INCOME_TERMS_UNKNOWN", "give cash_per_unit and pay_on"
)
_NO_RATIO = _Reject(
    "corporate_actions", _ACTION, "ratio", "SPLIT_BASIS_UNKNOWN", "give new units per old unit"
)
_BAD_PRICE = _Reject("prices", ("instrument_id", "price_date"), "close", "BAD_PRICE", "give a price above 0")

_FOUND = pl.Schema({"portfolio_id": pl.String, "code": pl.String})
_KNOWN = list(MINOR_DIGITS)


def find_faults(
    books: Books,
    portfolios: pl.DataFrame,
    lines: Lines,
    breaks: pl.DataFrame,
    policy: Policy,
    *,
    known_portfolios: pl.Series,
    as_of: date,
) -> Faults:
    """Name everything that keeps a portfolio from being COMPLETE.

    Args:
        books: What is known.
        portfolios: ``portfolio_id``, ``base_ccy`` of those valued.
        lines: Their lines.
        breaks: Where lots and ledger disagree (`position_breaks`).
        policy: The parameters.
        known_portfolios: Every portfolio in the register.
        as_of: The day.

    Returns:
        `Faults`. Rows that are wrong in themselves (unknown instrument, currency or portfolio, a price
        at or below zero, an action or instrument without its terms) are set aside; the portfolios they
        touch are named in ``found``.

    Source: domain_rules 1A (bad input), 20b.
    """
    ours = portfolios.select("portfolio_id")
    moves = books.transactions.filter(pl.col("trade_on") <= as_of)
    our_moves = moves.join(ours, on="portfolio_id", how="semi")
    known = books.instruments["instrument_id"].implode()
    strange_moves = our_moves.filter(
        pl.col("instrument_id").is_not_null() & ~pl.col("instrument_id").is_in(known)
    )
    strange_lots = lines.positions.filter(~pl.col("instrument_id").is_in(known))
    foreign_moves = our_moves.filter(~pl.col("ccy").is_in(_KNOWN))
    foreign_books = portfolios.filter(~pl.col("base_ccy").is_in(_KNOWN))
    positions = lines.table.filter(pl.col("line_type") == "POSITION")
    found = pl.concat(
        [
            lines.table.select("portfolio_id", pl.col("reason").alias("code")).filter(
                pl.col("code").is_in(list(REASONS))
            ),
            _named(positions.filter(pl.col("price_fault").is_not_null()), pl.col("price_fault")),
            _named(positions.filter(pl.col("matures_on") < as_of), "MATURED"),
            _named(positions.filter((pl.col("qty") < 0) & pl.lit(not policy.allow_short)), "SHORT_POSITION"),
            _named(breaks.filter("is_unknown"), "SPLIT_BASIS_UNKNOWN"),
            _named(breaks.filter(~pl.col("is_unknown")), "POSITION_BREAK"),
            _named(strange_moves, "UNKNOWN_INSTRUMENT"),
            _named(strange_lots, "UNKNOWN_INSTRUMENT"),
            _named(foreign_moves, "UNKNOWN_CURRENCY"),
            _named(foreign_books, "UNKNOWN_CURRENCY"),
        ]
    ).unique()
    registered = known_portfolios.implode()
    quarantine = pl.concat(
        [
            _aside(foreign_books, _FOREIGN_BOOKS),
            _aside(moves.filter(~pl.col("portfolio_id").is_in(registered)), _STRAY_MOVE),
            _aside(strange_moves, _STRANGE_MOVE),
            _aside(foreign_moves, _FOREIGN_MOVE),
            _aside(books.lots.filter(~pl.col("portfolio_id").is_in(registered)), _STRAY_LOT),
            _aside(
                books.lots.join(strange_lots, on=["portfolio_id", "instrument_id"], how="semi"), _STRANGE_LOT
            ),
            *_market_rows_aside(books, lines, positions, as_of),
        ]
    )
    return Faults(found.cast(_FOUND), quarantine.sort("table_name", "row_key", "column_name"))


def _named(rows: pl.DataFrame, code: str | pl.Expr) -> pl.DataFrame:
    reason = pl.lit(code) if isinstance(code, str) else code
    return rows.select("portfolio_id", reason.alias("code"))


def _market_rows_aside(
    books: Books, lines: Lines, positions: pl.DataFrame, as_of: date
) -> Iterable[pl.DataFrame]:
    """Rows of the shared tables, as far as a portfolio here is touched by them."""
    held = books.instruments.join(positions.select("instrument_id").unique(), on="instrument_id", how="semi")
    yield _aside(held.filter(~pl.col("ccy").is_in(_KNOWN)), _FOREIGN_PAPER)
    touched = lines.table.filter(pl.col("reason") == "INCOME_TERMS_UNKNOWN")["line_key"].unique().implode()
    yield _aside(books.instruments.filter(pl.col("instrument_id").is_in(touched)), _NO_COUPON_TERMS)
    yield _aside(books.corporate_actions.filter(pl.col("action_id").is_in(touched)), _NO_CASH_TERMS)
    without_ratio = (pl.col("type") == "SPLIT") & ~(pl.col("ratio") > 0).fill_null(value=False)
    moved = books.transactions["instrument_id"].unique().implode()
    yield _aside(
        books.corporate_actions.filter(
            without_ratio & (pl.col("ex_on") <= as_of) & pl.col("instrument_id").is_in(moved)
        ),
        _NO_RATIO,
    )
    bad = positions.filter(pl.col("price_fault") == "BAD_PRICE")["instrument_id"].unique().implode()
    prices = latest_prices(books.prices, as_of=as_of)
    yield _aside(prices.filter(pl.col("instrument_id").is_in(bad)), _BAD_PRICE)


def _aside(rows: pl.DataFrame, reject: _Reject) -> pl.DataFrame:
    return rows.select(
        pl.lit(reject.table).alias("table_name"),
        pl.lit(None, dtype=pl.Int64).alias("row_number"),
        pl.concat_str([pl.col(name).cast(pl.String) for name in reject.key], separator="|").alias("row_key"),
        pl.lit(reject.column).alias("column_name"),
        pl.col(reject.column).cast(pl.String).alias("value"),
        pl.lit(reject.reason).alias("reason"),
        pl.lit(reject.remedy).alias("remedy"),
    ).select(REJECTS_SCHEMA.names())
