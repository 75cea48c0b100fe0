"""Who there is: portfolios and their clients, as arrays, before any row is written."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from ultracore_jobs.sample.draws import Draws, Flags, Floats, Ints
from ultracore_jobs.sample.grid import Grid, day_number
from ultracore_jobs.sample.instruments import FUND, STALE, SUSPENDED
from ultracore_jobs.sample.planted import Planted, is_planted

OPENED_FIRST = date(2023, 2, 1)
MOST_SLOTS = 7
"""US instruments a portfolio may hold; it has four to seven."""

NO_SLOT = -1
INVESTED = 0.80
"""Share of each contribution that buys US instruments; 0.08 more may buy the Australian one."""
AUSTRALIAN = 0.08

_OWN_CLIENT = 32
"""So many first portfolios have a client of their own; from there on, one client in four has two."""
_DAYS_OF_2023 = 330
_DAYS_OF_2024 = 180


@dataclass(frozen=True)
class Roster:
    """Portfolios by place (0, 1, ...); every array has one entry for each.

    Attributes:
        opened: Day number on which it was opened.
        client: Place of its client.
        base: Base currency.
        first_cents: First deposit, cents of the base currency.
        step_days: Days between contributions.
        step_share: Each later contribution as a share of the first.
        slots: US instruments by number, `NO_SLOT` where there are fewer than `MOST_SLOTS`.
        weights: Share of a contribution's US part for each slot; a row adds to 1, or is 0.
        australian: The Australian instrument it buys, or `NO_SLOT`.
        wants_income: Whether it buys the bond and the deposit.
        excluded: Two instruments it does not hold, which its mandate may forbid.
    """

    tenant: str
    prefix: str
    draws: Draws
    opened: Ints
    client: Ints
    base: npt.NDArray[np.str_]
    first_cents: Ints
    step_days: Floats
    step_share: Floats
    slots: Ints
    weights: Floats
    australian: Ints
    wants_income: Flags
    excluded: Ints

    @property
    def places(self) -> Ints:
        """0, 1, ... for each portfolio."""
        return np.arange(len(self.opened))

    @property
    def portfolio_ids(self) -> pl.Series:
        """Portfolio ids by place."""
        return _ids(self.prefix, "P", len(self.opened))

    @property
    def client_ids(self) -> pl.Series:
        """Client ids by place of the client."""
        return _ids(self.prefix, "C", int(self.client.max()) + 1)

    @property
    def user_ids(self) -> pl.Series:
        """User ids by place of the client: one user for each client."""
        return _ids(self.prefix, "U", int(self.client.max()) + 1)


def make_roster(tenant: str, *, portfolios: int, seed: int, grid: Grid) -> Roster:
    """Portfolios of one tenant; portfolio n is the same however many there are."""
    draws, p = Draws(tenant, seed), np.arange(portfolios)
    early = p < _OWN_CLIENT
    base = np.where(draws.chance("base", 0.11, p) & ~early, "USD", "AUD")
    base = np.where(is_planted(p, Planted.JPY_BASE), "JPY", base)
    in_2024 = draws.chance("opened/year", 0.1, p)
    later = np.where(
        in_2024,
        _DAYS_OF_2023 + draws.below("opened/2024", _DAYS_OF_2024, p),
        draws.below("opened", _DAYS_OF_2023, p),
    )
    opened = grid.next_day["NSW"][day_number(OPENED_FIRST) + np.where(early, p % 10, later) - 1]
    slots, weights, excluded = _slots(draws, p, grid)
    return Roster(
        tenant=tenant,
        prefix=tenant[:3].upper(),
        draws=draws,
        opened=opened,
        client=np.where(early, p, p - (p - _OWN_CLIENT) // 5),
        base=base,
        first_cents=_first_deposits(draws, p, base),
        step_days=draws.choice(
            "step", {"30.4375": 0.10, "91.3125": 0.30, "182.625": 0.20, "365.25": 0.40}, p
        ).astype(np.float64),
        step_share=0.01 + 0.03 * draws.uniform("step/share", p),
        slots=slots,
        weights=weights,
        australian=_australian(draws, p, base, grid),
        wants_income=(draws.chance("income", 0.25, p) & (base == "AUD") & ~early)
        | is_planted(p, Planted.INCOME_HOLDER),
        excluded=excluded,
    )


def _first_deposits(draws: Draws, p: Ints, base: npt.NDArray[np.str_]) -> Ints:
    """From 20,000 to 800,000, more small ones than large; whole hundreds, a hundred times as many yen."""
    amount = np.exp(np.log(20_000) + np.log(40) * draws.uniform("first", p))
    amount = np.where(is_planted(p, Planted.LARGE_WHOLESALE), 3_200_000, amount)
    amount = np.where(is_planted(p, Planted.AML_DORMANT), 700_000, amount)
    hundreds = np.rint(amount / 100).astype(np.int64) * 100 * 100
    return np.where(base == "JPY", hundreds * 100, hundreds)


def _slots(draws: Draws, p: Ints, grid: Grid) -> tuple[Ints, Floats, Ints]:
    """Which US instruments each portfolio holds, in what shares, and two that it does not hold."""
    american = np.array([n for n, name in enumerate(grid.instruments) if name.startswith("XNYS-")])
    order = np.argsort(draws.uniform("slots", p[:, None], american[None, :]), axis=1)
    ranked = american[order]
    count = 4 + draws.below("slots/count", MOST_SLOTS - 3, p)
    none = is_planted(p, Planted.CASH_ONLY, Planted.EMPTY, Planted.CLOSED)
    used = (np.arange(MOST_SLOTS)[None, :] < count[:, None]) & ~none[:, None]
    rough = np.where(used, 0.5 + draws.uniform("weights", p[:, None], np.arange(MOST_SLOTS)[None, :]), 0.0)
    weights = rough / np.maximum(rough.sum(axis=1, keepdims=True), 1e-9)
    return np.where(used, ranked[:, :MOST_SLOTS], NO_SLOT), weights, ranked[:, -2:]


def _australian(draws: Draws, p: Ints, base: npt.NDArray[np.str_], grid: Grid) -> Ints:
    kind = draws.choice("australian", {FUND: 0.2, STALE: 0.02, "": 0.78}, p)
    ordinary = p >= _OWN_CLIENT
    held = np.full(len(p), NO_SLOT)
    held[ordinary & (kind == FUND)] = grid.number(FUND)
    held[ordinary & (kind == STALE)] = grid.number(STALE)
    held[is_planted(p, Planted.STALE_HOLDER_1, Planted.STALE_HOLDER_2, Planted.STALE_HOLDER_3)] = grid.number(
        STALE
    )
    held[is_planted(p, Planted.SUSPENDED_HOLDER)] = grid.number(SUSPENDED)
    held[is_planted(p, Planted.INCOME_HOLDER)] = grid.number(FUND)
    return np.where(base == "AUD", held, NO_SLOT)


def _ids(prefix: str, letter: str, count: int) -> pl.Series:
    number = (pl.int_range(count, eager=True) + 1).cast(pl.String).str.zfill(6)
    return pl.select(pl.format(f"{prefix}-{letter}{{}}", pl.lit(number))).to_series()
