"""What a fee run on the books of `fee_books` must come to, computed apart from the product.

All fees on assets in whole numbers with numpy, all performance fees and some fees on assets day by day with
`decimal`, as domain_rules 3 says it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import polars as pl

from benchmarks.fee_books import (
    END,
    FIRST,
    HURDLE,
    MARKED_ON,
    NOW,
    PERFORMANCE_RATE,
    SESSIONS,
    TENANT,
    TIERS,
    Books,
    Whole,
    days_between,
)
from ultracore_jobs.ports import Ledger

_CENT, _LAST_PLACE = Decimal("0.01"), Decimal(1).scaleb(-12)
_SAMPLE = 300


@dataclass
class Expected:
    """What becomes of the charges, in cents.

    Attributes:
        outcomes: How many are DUE, BLOCKED, HELD, or only MARK: nothing is due and the mark moves.
        fees: Sum of those DUE, ex GST.
        gst: Their GST.
        paid: What each portfolio pays, by number.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    fees: int = 0
    gst: int = 0
    paid: Counter[int] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """Fees and GST."""
        return self.fees + self.gst


def expected(books: Books) -> Expected:
    """The outcome of the whole run."""
    found = Expected()
    charges: dict[int, list[int]] = {number: [fee] for number, fee in enumerate(fees_on_assets(books))}
    for number, fee in fees_on_gains(books):
        charges[number].append(fee)
    for number, fees in charges.items():
        cash = None if not books.is_poor[number] else 100
        for fee in sorted(fees):
            tax = (2 * fee * 10 + 100) // 200
            if fee == 0:
                found.outcomes["MARK"] += 1
            elif not books.is_signed[number]:
                found.outcomes["BLOCKED"] += 1
            elif cash is not None and cash < fee + tax:
                found.outcomes["HELD"] += 1
            else:
                cash = None if cash is None else cash - fee - tax
                found.outcomes["DUE"] += 1
                found.fees += fee
                found.gst += tax
                found.paid[number] += fee + tax
    return found


def fees_on_assets(books: Books) -> list[int]:
    """Each portfolio's fee of the month in cents: cents times basis points, rounded once."""
    on_day = np.searchsorted(np.array(SESSIONS, dtype="M8[D]"), np.array(DAYS, dtype="M8[D]"), "right") - 1
    last = np.maximum.accumulate(np.where(books.gross >= 0, np.arange(len(SESSIONS)), 0), axis=1)
    assets = np.take_along_axis(books.gross, last, axis=1)[:, on_day]
    yearly = np.where(books.is_cliff[:, None], _yearly(assets, "FS-CLIFF"), _yearly(assets, "FS-MARGINAL"))
    least = np.where(books.is_cliff, TIERS["FS-CLIFF"][2], TIERS["FS-MARGINAL"][2])
    owed = np.maximum(yearly.sum(axis=1), least * 100 * 10_000 * len(DAYS))
    found: list[int] = ((2 * owed + 3_650_000) // 7_300_000).tolist()
    return found


DAYS = days_between(FIRST, END)


def _yearly(assets: Whole, schedule: str) -> Whole:
    """The fee of a year on cents, in cents times 10,000."""
    method, slices, _ = TIERS[schedule]
    fees = np.zeros_like(assets)
    for low, high, bps in slices:
        above = assets - low * 100
        if method == "cliff":
            within = (above >= 0) & (high is None or assets < high * 100)
            fees += np.where(within, assets * bps, 0)
        else:
            fees += np.clip(above, 0, None if high is None else (high - low) * 100) * bps
    return fees


def fees_on_gains(books: Books) -> Iterator[tuple[int, int]]:
    """Number of the portfolio and cents of each performance fee: on redeemed units, and on all at the end."""
    last = len(SESSIONS) - 1
    for place, number in enumerate(books.earners.tolist()):
        redeemed_at = int(books.redeemed_at[place])
        if redeemed_at == last:
            yield number, _fee_on_gain(books, place, last, int(books.units[place]))
            continue
        if redeemed_at >= 0:
            fee = _fee_on_gain(books, place, redeemed_at, int(books.redeemed[place]))
            if fee:
                yield number, fee
        yield number, _fee_on_gain(books, place, last, int(books.held(last)[place]))


def _fee_on_gain(books: Books, place: int, session: int, units: int) -> int:
    mark = Decimal(int(books.mark_unit[place])).scaleb(-12)
    value = Decimal(int(books.nav_unit[place, session])).scaleb(-12)
    days = (SESSIONS[session] - MARKED_ON).days
    hurdle = (mark * (365 + HURDLE * days) / 365).quantize(_LAST_PLACE, ROUND_HALF_UP)
    gain = max(Decimal(0), value - max(mark, hurdle))
    return _cents(PERFORMANCE_RATE * gain * Decimal(units).scaleb(-6))


def _cents(dollars: Decimal) -> int:
    return int(dollars.quantize(_CENT, ROUND_HALF_UP) * 100)


def fee_by_hand(books: Books, number: int) -> int:
    """The fee on assets of one portfolio, day by day in `decimal`."""
    method, slices, minimum = TIERS["FS-CLIFF" if books.is_cliff[number] else "FS-MARGINAL"]
    navs = {
        day: Decimal(cents).scaleb(-2)
        for day, cents in zip(SESSIONS, books.gross[number].tolist(), strict=True)
        if cents >= 0
    }
    owed = Decimal(0)
    for day in DAYS:
        held_on = day
        while held_on not in navs:
            held_on -= timedelta(days=1)
        assets = navs[held_on]
        for low, high, bps in slices:
            if assets < low or (method == "cliff" and high is not None and assets >= high):
                continue
            reach = assets if high is None or method == "cliff" else min(assets, Decimal(high))
            owed += (reach - (low if method == "marginal" else 0)) * bps / 10_000
    return _cents(max(owed, Decimal(minimum * len(DAYS))) / 365)


def check_run(books: Books, result: dict[str, Any], ledger: Ledger) -> None:
    """Hold a run's result and the ledger it left against what they must be.

    Raises:
        SystemExit: They are not, so its time says nothing.
    """
    wanted = expected(books)
    applied, stopped = result["effect"], wanted.outcomes
    pairs: dict[str, tuple[Any, Any]] = {
        "charges due": (result["fees_charged"], stopped["DUE"]),
        "charges blocked": (result["blocked"], stopped["BLOCKED"]),
        "charges held": (result["held"], stopped["HELD"]),
        "sum of charges": (_hundredfold(Decimal(result["total_amount"])), wanted.total),
        "posted": (applied["posted"], stopped["DUE"] + stopped["MARK"]),
        "refused on record": (applied["blocked"], stopped["BLOCKED"]),
        "places in the ledger": (
            ledger.position(),
            stopped["DUE"] + stopped["MARK"] + stopped["BLOCKED"],
        ),
    }
    held = ledger.balances(TENANT, known_at=NOW)
    cash = held.filter(pl.col("account").str.starts_with("cash:"))
    income = held.filter(pl.col("account").str.starts_with("fee_income:"))
    pairs |= {
        "income": (_sum(income), wanted.fees),
        "GST payable": (_sum(held.filter(pl.col("account") == "gst_payable")), wanted.gst),
        "cash, by portfolio": (
            {
                int(account.removeprefix("cash:PF-")): -_hundredfold(amount)
                for account, amount in cash.select("account", "amount").iter_rows()
            },
            dict(wanted.paid),
        ),
    }
    for what, (found, due) in pairs.items():
        require(found == due, f"{what}: {str(found)[:80]}, and not {str(due)[:80]}")
    fees = fees_on_assets(books)
    for number in range(0, len(fees), max(1, len(fees) // _SAMPLE)):
        require(fees[number] == fee_by_hand(books, number), f"fee of portfolio {number} in decimals")


def require(holds: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
    """Stop where a result is wrong.

    Raises:
        SystemExit: It is.
    """
    if not holds:
        raise SystemExit(f"not equal, so not timed: {what}")


def _hundredfold(amount: Decimal) -> int:
    return int(amount * 100)


def _sum(balances: pl.DataFrame) -> int:
    return sum((_hundredfold(amount) for amount in balances["amount"]), 0)
