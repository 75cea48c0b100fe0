"""One portfolio on one day, taken apart for its explanation: its own rows, its books, and the day's rates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from ultracore_jobs.catalog.holdings import TRANSACTIONS
from ultracore_jobs.catalog.ledger import LEDGER_ENTRIES
from ultracore_jobs.catalog.market import FX_RATES
from ultracore_jobs.kernels.explained import InputRow, Row, row_where, used
from ultracore_jobs.kernels.fees.posted import with_fee_cash
from ultracore_jobs.kernels.formula import Formula, number, rounded
from ultracore_jobs.kernels.fx import PIVOTS, cross_rates
from ultracore_jobs.kernels.valuation.positions import split_factors
from ultracore_jobs.kernels.valuation.tables import Books, Policy

_FX_DIGITS = 10
_LEDGER = "ledger"

Reasoned = tuple[Formula, tuple[InputRow, ...], str]
"""A formula, the rows it was made from, and what else there is to say."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One portfolio on one day.

    Attributes:
        portfolio_id: Which.
        as_of: The day.
        books: What is known, of this portfolio and of what it holds or held.
        policy: The parameters.
        row: Its row of `VALUATIONS`.
        lines: Its rows of `VALUATION_LINES`.
        before: Its row of the `VALUATIONS` before, where that is in the same base currency; else None.
    """

    portfolio_id: str
    as_of: date
    books: Books
    policy: Policy
    row: Row
    lines: Sequence[Row]
    before: Row | None
    _crosses: dict[date, pl.DataFrame] = field(default_factory=dict)

    @property
    def base_ccy(self) -> str:
        """The currency it is valued in."""
        return str(self.row["base_ccy"])

    def rate(self, ccy: str, base_ccy: str, on: date | None = None) -> Reasoned | None:
        """Base currency per unit of *ccy* on a day, the day valued if not given; None without a usable rate.

        Source: domain_rules 1A.3, 14.
        """
        if ccy == base_ccy:
            return number(1), (), f"{ccy} in itself is 1"
        day = on or self.as_of
        cross = row_where(self._cross_rates(day), base_ccy=ccy, quote_ccy=base_ccy)
        if cross is None or cross["rate"] is None:
            return None
        fixings = self.books.fx_rates.filter(
            (pl.col("source") == cross["source"])
            & (pl.col("base_ccy") == PIVOTS[cross["source"]])
            & (pl.col("status") == "OK")
            & (pl.col("rate_date") <= day)
        )
        over, under = (_fixing(fixings, cross, name) for name in (base_ccy, ccy))
        legs = tuple(used(FX_RATES, leg, "rate") for leg in (over, under) if leg is not None)
        parts = [number(1) if leg is None else number(leg["rate"]) for leg in (over, under)]
        words = f"{cross['source']} fixing of {cross['rate_date']}, both against {PIVOTS[cross['source']]}"
        return rounded(parts[0] / parts[1], _FX_DIGITS), legs, words

    def units_for_old(self, instrument_id: str, *, since: date) -> Formula | None:
        """New units per old unit of the splits after *since*, up to the day: 1 without one.

        None where one of them has no ratio.
        """
        factors = split_factors(self.books.corporate_actions, as_of=self.as_of)
        later = row_where(factors.filter(pl.col("ex_on") > since), instrument_id=instrument_id)
        if later is None:
            return number(1)
        return None if later["factor"] is None else number(later["factor"])

    def _cross_rates(self, day: date) -> pl.DataFrame:
        if day not in self._crosses:
            self._crosses[day] = cross_rates(
                self.books.fx_rates,
                self.books.calendars,
                as_of=day,
                max_stale_business_days=self.policy.max_fx_stale,
            )
        return self._crosses[day]


def _fixing(fixings: pl.DataFrame, cross: Row, ccy: str) -> dict[str, Any] | None:
    """The fixing of one leg: that of the cross's day, else the currency's newest; None for the pivot."""
    if ccy == PIVOTS[cross["source"]]:
        return None
    of_ccy = fixings.filter(pl.col("quote_ccy") == ccy).sort("rate_date")
    return row_where(of_ccy, rate_date=cross["rate_date"]) or of_ccy.tail(1).to_dicts()[0]


def books_of(
    books: Books, portfolios: pl.DataFrame, ledger_entries: pl.DataFrame, portfolio_id: str
) -> Books:
    """What concerns one portfolio: its lots and moves, with the fees that the ledger took, and their papers.

    Args:
        books: What is known of all; transactions as given.
        portfolios: `PORTFOLIOS`.
        ledger_entries: `LEDGER_ENTRIES`.
        portfolio_id: Which.
    """
    is_ours = pl.col("portfolio_id") == portfolio_id
    moves = with_fee_cash(books.transactions, ledger_entries, portfolios, TRANSACTIONS).filter(is_ours)
    lots = books.lots.filter(is_ours)
    papers = pl.concat([lots["instrument_id"], moves["instrument_id"].drop_nulls()]).unique().implode()
    is_held = pl.col("instrument_id").is_in(papers)
    return Books(
        lots=lots,
        transactions=moves,
        instruments=books.instruments.filter(is_held),
        prices=books.prices.filter(is_held),
        fx_rates=books.fx_rates,
        corporate_actions=books.corporate_actions.filter(is_held),
        calendars=books.calendars,
    )


def used_move(move: Row, *columns: str) -> InputRow:
    """A reference to a movement; one that the ledger made is an entry there."""
    if (move["type"], move["source"]) != ("FEE", _LEDGER):
        return used(TRANSACTIONS, move, *columns)
    return InputRow(
        table=LEDGER_ENTRIES.name,
        key={"entry_id": move["transaction_id"]},
        values={name: move[name] for name in columns},
        source=_LEDGER,
        known_at=move["known_at"],
    )
