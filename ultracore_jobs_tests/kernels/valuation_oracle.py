"""Net asset values once more, in plain Python and `decimal`, written from domain_rules 1A, 1 and 14.

Fees are in `fee_oracle`.

It shares no code with the kernel: no Polars expressions, no floats, fractions where a division stands.
`recompute_navs` takes the same tables, one row for each key as known at the cut-off.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache

import polars as pl

from ultracore_jobs_tests.kernels.fee_oracle import FeeDay, accrued_fees
from ultracore_jobs_tests.kernels.oracle_money import DECIMALS, Row, half_up

Tables = Mapping[str, pl.DataFrame | Iterable[Row]]

PIVOTS = {"ECB": "EUR", "RBA_F11": "AUD"}


def recompute_navs(
    tables: Tables,
    as_of: date,
    *,
    max_stale_business_days: int = 5,
    max_stale_unlisted: int = 25,
    missing_price: str = "fail_portfolio",
    allow_short: bool = False,
    max_fx_stale: int = 3,
    hurdle_type: str = "hard",
) -> dict[str, Decimal | None]:
    """The NAV of every portfolio that exists on a day, None where it has none.

    Args:
        tables: ``portfolios``, ``lots``, ``transactions``, ``instruments``, ``prices``, ``fx_rates``,
            ``corporate_actions``, ``calendars``: frames, or rows as mappings. And, where fees are paid, the
            other inputs of the job by name.
        as_of: The day.
        max_stale_business_days: Parameter of the job.
        max_stale_unlisted: Parameter of the job.
        missing_price: Parameter of the job.
        allow_short: Parameter of the job.
        max_fx_stale: Parameter of the job.
        hurdle_type: Parameter of the job.
    """
    rows = {name: _rows(table) for name, table in tables.items()}
    rows["transactions"] = [*rows["transactions"], *_fees_charged(rows.get("ledger_entries", []))]
    market = Market(rows, as_of, max_fx_stale)
    holdings = _holdings(rows, as_of)
    rates_on = cache(lambda day: Market(rows, day, max_fx_stale).rate)
    limits = {"UNLISTED": max_stale_unlisted}
    navs: dict[str, Decimal | None] = {}
    for portfolio in rows["portfolios"]:
        opened, closed = portfolio["opened_on"], portfolio["closed_on"]
        if opened <= as_of and (closed is None or closed > as_of):
            name = portfolio["portfolio_id"]
            pricing = Pricing(missing_price, limits, max_stale_business_days, allow_short=allow_short)
            navs[name] = gross = _nav(holdings[name], portfolio["base_ccy"], market, pricing)
            if gross is not None:
                day = FeeDay(
                    rows,
                    portfolio,
                    as_of,
                    market.rate,
                    rates_on,
                    market.open,
                    hurdle_type,
                )
                fees = accrued_fees(day, gross)
                navs[name] = None if fees is None else gross - fees
    return navs


@dataclass(frozen=True)
class Pricing:
    """How a price may be used."""

    missing_price: str
    limits: Mapping[str, int]
    limit: int
    allow_short: bool


@dataclass
class Holding:
    """What one portfolio holds."""

    lots: list[Row] = field(default_factory=list)
    moves: list[Row] = field(default_factory=list)


class Market:
    """Prices, rates, splits and calendars of one day."""

    def __init__(self, rows: Mapping[str, list[Row]], as_of: date, max_fx_stale: int) -> None:
        """Index the shared tables."""
        self.as_of, self.max_fx_stale = as_of, max_fx_stale
        self.instruments = {row["instrument_id"]: row for row in rows["instruments"]}
        self.open = {(row["calendar_id"], row["date"]): row["is_business_day"] for row in rows["calendars"]}
        self.closes: dict[str, tuple[date, Decimal]] = {}
        for row in rows["prices"]:
            known = self.closes.get(row["instrument_id"])
            usable = row["status"] == "OK" and row["price_date"] <= as_of
            if usable and (known is None or row["price_date"] > known[0]):
                self.closes[row["instrument_id"]] = (row["price_date"], row["close"])
        self.actions = [row for row in rows["corporate_actions"] if row["ex_on"] <= as_of]
        self.splits: dict[str, list[Row]] = defaultdict(list)
        for row in self.actions:
            if row["type"] == "SPLIT":
                self.splits[row["instrument_id"]].append(row)
        self.source, self.fixings = self._fixings(rows["fx_rates"])

    def age(self, calendar_id: str, since: date) -> int | None:
        """Business days in (since, as_of]; None where the calendar does not reach."""
        days = [since + timedelta(days=n) for n in range(1, (self.as_of - since).days + 1)]
        states = [self.open.get((calendar_id, day)) for day in days]
        return None if None in states else sum(map(bool, states))

    def times(self, instrument_id: str, since: date) -> Fraction | None:
        """Units now for one unit then; None where a ratio is not known."""
        product = Fraction(1)
        for split in self.splits[instrument_id]:
            if split["ex_on"] > since:
                if split["ratio"] is None:
                    return None
                product *= Fraction(split["ratio"])
        return product

    def is_rounded(self, instrument_id: str, since: date) -> bool:
        """Whether a ratio since then uses its last decimal, so that it may stand for a fraction."""
        return any(
            split["ex_on"] > since and split["ratio"] is not None and split["ratio"] * 10**5 % 1
            for split in self.splits[instrument_id]
        )

    def rate(self, base: str, quote: str) -> Decimal | None:
        """Quote units for one base unit, 10 decimals; None where no rate may be used."""
        if base == quote:
            return Decimal(1)
        if self.source is None:
            return None
        common = [day for day, quotes in self.fixings.items() if base in quotes and quote in quotes]
        if common and self._fresh(max(common)):
            quotes = self.fixings[max(common)]
            return _cross(quotes[base], quotes[quote])
        legs = []
        for ccy in (base, quote):
            days = [day for day, quotes in self.fixings.items() if ccy in quotes]
            if not days or not self._fresh(max(days)):
                return None
            legs.append(self.fixings[max(days)][ccy])
        return _cross(*legs)

    def _fresh(self, day: date) -> bool:
        age = self.age("TARGET", day)
        return age is not None and age <= self.max_fx_stale

    def _fixings(self, rates: Iterable[Row]) -> tuple[str | None, dict[date, dict[str, Decimal]]]:
        by_source: dict[str, dict[date, dict[str, Decimal]]] = defaultdict(dict)
        for row in rates:
            pivot = PIVOTS[row["source"]]
            if row["status"] == "OK" and row["rate_date"] <= self.as_of and row["base_ccy"] == pivot:
                day = by_source[row["source"]].setdefault(row["rate_date"], {pivot: Decimal(1)})
                day[row["quote_ccy"]] = row["rate"]
        given = [source for source in PIVOTS if by_source[source]]
        fresh = [source for source in given if self._fresh(max(by_source[source]))]
        source = next(iter([*fresh, *given]), None)
        return source, by_source[source] if source else {}


def _rows(table: pl.DataFrame | Iterable[Row]) -> list[Row]:
    rows: Iterable[Row] = table.to_dicts() if isinstance(table, pl.DataFrame) else table
    return list(rows)


def _cross(base: Decimal, quote: Decimal) -> Decimal:
    return half_up(Fraction(quote) / Fraction(base), 10)


def _fees_charged(entries: Iterable[Row]) -> Iterable[Row]:
    """What the ledger took out of cash, as movements of cash."""
    for entry in entries:
        if entry["account"].startswith("cash:"):
            yield {
                "portfolio_id": entry["account"].removeprefix("cash:"), "trade_on": entry["as_of_date"],
                "ccy": entry["ccy"], "amount": entry["amount"], "instrument_id": None, "qty": None,
                "external_flow": False,
            }  # fmt: skip


def _holdings(rows: Mapping[str, list[Row]], as_of: date) -> dict[str, Holding]:
    holdings: dict[str, Holding] = defaultdict(Holding)
    for row in rows["transactions"]:
        if row["trade_on"] <= as_of:
            holdings[row["portfolio_id"]].moves.append(row)
    for row in rows["lots"]:
        holdings[row["portfolio_id"]].lots.append(row)
    return holdings


def _open_lots(lots: Iterable[Row], evening: date) -> list[Row]:
    """The state of each parcel on an evening."""
    states: dict[str, Row] = {}
    for lot in lots:
        known = states.get(lot["lot_id"])
        if max(lot["effective_on"], lot["acquired_on"]) <= evening and (
            known is None or lot["effective_on"] > known["effective_on"]
        ):
            states[lot["lot_id"]] = lot
    return [lot for lot in states.values() if lot["qty_open"]]


def _held(lots: Iterable[Row], evening: date) -> dict[str, Fraction]:
    """Units by instrument, on an evening."""
    units: dict[str, Fraction] = defaultdict(Fraction)
    for lot in _open_lots(lots, evening):
        units[lot["instrument_id"]] += Fraction(lot["qty_open"])
    return {name: qty for name, qty in units.items() if qty}


def _cost(name: str, holding: Holding, base: str, market: Market) -> Decimal | None:
    """Cost base in base currency: what was paid in it, else the AUD cost at the rate of the day."""
    lots = [lot for lot in _open_lots(holding.lots, market.as_of) if lot["instrument_id"] == name]
    paper = market.instruments[name]
    if paper["ccy"] == base != "AUD":
        paid = [_paid(lot, holding.moves, paper, market) for lot in lots]
        if None not in paid:
            return half_up(sum((part for part in paid if part is not None), Fraction(0)), DECIMALS[base])
    home = market.rate("AUD", base)
    aud = sum((Fraction(lot["cost_base_aud"]) for lot in lots), Fraction(0))
    return None if home is None else half_up(aud * Fraction(home), DECIMALS[base])


def _paid(lot: Row, moves: Iterable[Row], paper: Row, market: Market) -> Fraction | None:
    """The share of a lot in what the purchases of its day cost, in the instrument's currency, 6 decimals."""
    bought = [
        move
        for move in moves
        if move["instrument_id"] == lot["instrument_id"]
        and move["trade_on"] == lot["acquired_on"]
        and move["qty"] is not None
        and move["qty"] > 0
    ]
    times = market.times(lot["instrument_id"], lot["acquired_on"])
    if not bought or times is None or lot["qty_open"] < 0:
        return None
    cost = Fraction(0)
    for move in bought:
        if move["type"] == "BUY" and move["ccy"] == paper["ccy"]:
            cost -= Fraction(move["amount"])
        elif move["price"] is None:
            return None
        else:
            value = Fraction(move["qty"]) * Fraction(move["price"]) * Fraction(paper["price_factor"])
            cost += Fraction(half_up(value, 6))
    units = sum((Fraction(move["qty"]) for move in bought), Fraction(0)) * times
    return Fraction(half_up(Fraction(lot["qty_open"]) * cost / units, 6))


def _nav(holding: Holding, base: str, market: Market, pricing: Pricing) -> Decimal | None:
    units = _held(holding.lots, market.as_of)
    instruments = {move["instrument_id"] for move in holding.moves} - {None}
    if (
        base not in DECIMALS
        or not instruments | set(units) <= set(market.instruments)
        or any(move["ccy"] not in DECIMALS for move in holding.moves)
        or not _agrees_with_ledger(units, holding.moves, market)
        or (not pricing.allow_short and any(qty < 0 for qty in units.values()))
    ):
        return None
    values = [
        *(_position(name, qty, holding, base, market, pricing) for name, qty in units.items()),
        *_cash(holding.moves, base, market),
        *_dividends(holding.lots, base, market),
        *(_interest(name, qty, base, market) for name, qty in units.items()),
    ]
    return None if None in values else sum((value for value in values if value is not None), Decimal(0))


def _agrees_with_ledger(units: Mapping[str, Fraction], moves: Iterable[Row], market: Market) -> bool:
    ledger: dict[str, Fraction] = defaultdict(Fraction)
    slack: dict[str, Fraction] = defaultdict(Fraction)
    for move in moves:
        name = move["instrument_id"]
        if name is None or move["qty"] is None:
            continue
        times = market.times(name, move["trade_on"])
        if times is None:
            return False
        ledger[name] += Fraction(move["qty"]) * times
        if times != 1:
            slack[name] += Fraction(1, 10**6)
        if market.is_rounded(name, move["trade_on"]):
            slack[name] += abs(Fraction(move["qty"])) / 10**6
    names = set(ledger) | set(units)
    return all(abs(ledger[name] - units.get(name, Fraction(0))) <= slack[name] for name in names)


def _position(  # noqa: PLR0917 - what rule 1A.3 names
    name: str, qty: Fraction, holding: Holding, base: str, market: Market, pricing: Pricing
) -> Decimal | None:
    paper = market.instruments[name]
    rate = market.rate(paper["ccy"], base)
    matures_on = paper["matures_on"]
    if paper["ccy"] not in DECIMALS or rate is None or (matures_on is not None and matures_on < market.as_of):
        return None
    day, close = market.closes.get(name, (None, None))
    price = None
    if day is not None and close is not None:
        times = market.times(name, day)
        if close <= 0 or times is None:
            return None
        price = Fraction(close) if times == 1 else Fraction(half_up(Fraction(close) / times, 6))
        limit = pricing.limits.get(paper["exchange"], pricing.limit)
        age = market.age("NSW" if paper["exchange"] == "UNLISTED" else paper["exchange"], day)
        if (age is None or age > limit) and pricing.missing_price != "carry_forward":
            price = None
    if price is not None:
        return half_up(qty * price * Fraction(paper["price_factor"]) * Fraction(rate), DECIMALS[base])
    if pricing.missing_price == "cost":
        return _cost(name, holding, base, market)
    return Decimal(0) if pricing.missing_price == "zero" else None


def _cash(moves: Iterable[Row], base: str, market: Market) -> Iterable[Decimal | None]:
    balances: dict[str, Fraction] = defaultdict(Fraction)
    for move in moves:
        balances[move["ccy"]] += Fraction(move["amount"])
    for ccy, balance in balances.items():
        if balance:
            yield _converted(balance, ccy, base, market)


def _dividends(lots: list[Row], base: str, market: Market) -> Iterable[Decimal | None]:
    for action in market.actions:
        is_paid = action["pay_on"] is not None and action["pay_on"] <= market.as_of
        if action["type"] != "DIVIDEND" or (is_paid and action["cash_per_unit"] is not None):
            continue
        units = _held(lots, action["ex_on"] - timedelta(days=1))
        qty = units.get(action["instrument_id"])
        if qty and action["instrument_id"] in market.instruments:
            if action["pay_on"] is None or action["cash_per_unit"] is None:
                yield None
            else:
                ccy = market.instruments[action["instrument_id"]]["ccy"]
                yield _converted(qty * Fraction(action["cash_per_unit"]), ccy, base, market)


def _interest(name: str, qty: Fraction, base: str, market: Market) -> Decimal | None:
    paper = market.instruments[name]
    if paper["type"] not in {"BOND", "TERM_DEPOSIT"} or not paper["coupon_rate"]:
        return Decimal(0)
    rate, last, following = (
        Fraction(str(paper["coupon_rate"])),
        paper["last_coupon_on"],
        paper["next_coupon_on"],
    )
    if last is None or following is None or paper["coupon_freq"] is None:
        return None
    step = 12 // paper["coupon_freq"]
    start, number = last, 0
    while last > market.as_of:
        number -= 1
        last, following = _months(start, number * step), _months(start, (number + 1) * step)
    while following <= market.as_of:
        number += 1
        last, following = _months(start, number * step), _months(start, (number + 1) * step)
    days = (market.as_of - last).days
    if paper["type"] == "BOND":
        earned = qty * rate / paper["coupon_freq"] * Fraction(days, (following - last).days)
    else:
        earned = qty * rate * Fraction(days, 365)
    return _converted(earned, paper["ccy"], base, market)


def _months(start: date, months: int) -> date:
    month = start.month - 1 + months
    year, month = start.year + month // 12, month % 12 + 1
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(start.day, last))


def _converted(amount: Fraction, ccy: str, base: str, market: Market) -> Decimal | None:
    rate = market.rate(ccy, base)
    return None if rate is None else half_up(amount * Fraction(rate), DECIMALS[base])
