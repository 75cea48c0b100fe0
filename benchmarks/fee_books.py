"""The books that a fee run is measured on: N portfolios over December 2026, drawn as whole numbers.

31 days, and the end of a quarter, so that performance fees crystallise. One seed, so the same books for the
same N. What is drawn here is written by `fee_lake` and computed anew, by other means, by `fee_checks`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

TENANT = "acme"
FIRST, END = date(2026, 12, 1), date(2027, 1, 1)
PUBLISHED_AT = datetime(2027, 1, 1, 3, tzinfo=UTC)
NOW = datetime(2027, 1, 4, 22, 30, tzinfo=UTC)
"""When the run is: 5 January, 09:30 in Sydney."""

SIGNED_ON, MARKED_ON = date(2026, 7, 1), date(2026, 9, 30)
DAYS_BEFORE = 10
"""Days before the month whose valuations a run reads: a NAV of the month's first day may be older."""

TIERS: dict[str, tuple[str, tuple[tuple[int, int | None, int], ...], int]] = {
    "FS-MARGINAL": ("marginal", ((0, 500_000, 100), (500_000, None, 60)), 1_500),
    "FS-CLIFF": ("cliff", ((0, 250_000, 110), (250_000, 1_000_000, 85), (1_000_000, None, 55)), 0),
}
"""Method, slices in dollars with basis points, annual minimum in dollars; 0 for none."""

PERFORMANCE_RATE, HURDLE = Decimal("0.2"), Decimal("0.05")
"""Share of the gain, above a hard annual hurdle, quarterly."""

Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_ONE_DAY = timedelta(days=1)
_SEED = 20261201
_SATURDAY, _CHRISTMAS = 5, (12, 25)


def is_session(day: date) -> bool:
    """A weekday, but Christmas."""
    return day.weekday() < _SATURDAY and (day.month, day.day) != _CHRISTMAS


def days_between(first: date, end: date) -> list[date]:
    """Every day of ``[first, end)``."""
    return [first + _ONE_DAY * place for place in range((end - first).days)]


SESSIONS = [day for day in days_between(FIRST - _ONE_DAY * DAYS_BEFORE, END) if is_session(day)]
BEFORE = sum(day < FIRST for day in SESSIONS)
"""How many of them lie before the month."""


@dataclass(frozen=True)
class Books:
    """What was drawn; row *n* is portfolio *n*, and of the last six arrays the *n*-th that pays on gains.

    Attributes:
        is_cliff: Pays by FS-CLIFF, else by FS-MARGINAL.
        is_signed: Both consents of every holder are in force; else the deduction was never signed.
        is_joint: Two holders.
        is_poor: Has one dollar in cash.
        gross: Cents before accrued fees, one column for each session; -1 where there is no NAV.
        earners: Numbers of the portfolios that pay a performance fee too.
        nav_unit: Their NAV per unit in 12 decimals, one column for each session.
        mark_unit: Their high-water mark in 12 decimals.
        units: Their units before any were redeemed, in 6 decimals.
        redeemed_at: Number of the session on which some units were redeemed; -1 for never.
        redeemed: How many, in 6 decimals.
    """

    is_cliff: Flags
    is_signed: Flags
    is_joint: Flags
    is_poor: Flags
    gross: Whole
    earners: Whole
    nav_unit: Whole
    mark_unit: Whole
    units: Whole
    redeemed_at: Whole
    redeemed: Whole

    def held(self, place: int) -> Whole:
        """Units of the earners at the end of a session."""
        has_left = (self.redeemed_at >= 0) & (self.redeemed_at <= place)
        return self.units - np.where(has_left, self.redeemed, 0)

    def cash(self) -> Whole:
        """Dollars paid in: the NAV of the first session, or one."""
        return np.where(self.is_poor, 1, self.gross[:, 0] // 100)


def draw(portfolios: int) -> Books:
    """The same books for the same number of portfolios."""
    rng = np.random.default_rng(_SEED)
    days = len(SESSIONS)
    start = np.exp(rng.normal(np.log(450_000), 0.9, portfolios)).clip(5_000, 20_000_000)
    moves = np.cumprod(1 + rng.normal(0, 0.008, (portfolios, days)), axis=1)
    gross = np.rint(start[:, None] * moves * 100).astype(np.int64)
    # Some at the edge of a tier, to the cent.
    gross[: portfolios // 100, BEFORE:] = 50_000_000
    has_nav = rng.random((portfolios, days)) >= 0.005
    has_nav[:, [*range(BEFORE), -1]] = True
    earners = np.flatnonzero(rng.random(portfolios) < 0.1)
    units = np.rint(start[earners] * 1e6 / 1.2).astype(np.int64)
    leaves = (rng.random(len(earners)) < 0.02) & has_nav[earners].all(axis=1)
    return Books(
        is_cliff=rng.random(portfolios) < 0.4,
        is_signed=rng.random(portfolios) < 0.98,
        is_joint=rng.random(portfolios) < 0.1,
        is_poor=rng.random(portfolios) < 0.005,
        gross=np.where(has_nav, gross, -1),
        earners=earners,
        nav_unit=(1.2e12 * moves[earners]).astype(np.int64),
        mark_unit=rng.integers(1_050_000_000_000, 1_250_000_000_000, len(earners)),
        units=units,
        redeemed_at=np.where(leaves, rng.integers(BEFORE, days, len(earners)), -1),
        redeemed=units // rng.integers(3, 30, len(earners)),
    )
