"""Price spikes: a close that moved far more than its own history explains waits for a person.

The measure is the modified z-score of Iglewicz and Hoaglin, robust because one wild return moves
neither the median nor the median absolute deviation (MAD): ``z = 0.67448975 (x - median) / MAD`` over
the last 60 daily returns, the candidate's own left out (domain_rules 13).

Returns are simple returns between closes made comparable over splits and dividends, so a move that a
corporate action explains is none, and a split that a price does not follow is one.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ultracore_jobs.kernels.adjustment import with_factors
from ultracore_jobs.kernels.day_grid import Floats, day_grid

_TO_NORMAL = 0.67448975
"""Third quartile of the normal distribution: makes MAD comparable with a standard deviation."""

_OFFERED = "OFFERED"
"""Status of a candidate while it is among stored prices."""

_NO_SPREAD = 1e-12
"""A MAD this small is zero with the noise of floats."""


@dataclass(frozen=True)
class SpikeRule:
    """When a move is too large to be believed.

    Attributes:
        z_limit: Greatest modified z-score, up or down.
        flat_limit: Greatest move as a fraction where history has no spread (MAD = 0) or is too short.
        confirm_limit: Greatest move as a fraction that the next close may confirm; below the half that a
            2-for-1 split takes. Over 40,240 real closes of 20 shares, 2015 to 2022, 0.40 holds 90 of
            them, none for more than two days; 0.25 holds one share from March 2020 to the end of 2022.
        window: Number of returns that history is judged by.
        enough: Number of returns below which history is too short.
    """

    z_limit: float = 8.0
    flat_limit: float = 0.25
    confirm_limit: float = 0.40
    window: int = 60
    enough: int = 20


def judge_spikes(
    candidates: pl.DataFrame,
    stored: pl.DataFrame,
    corporate_actions: pl.DataFrame,
    *,
    as_of: date,
    rule: SpikeRule,
) -> pl.DataFrame:
    """Tell for each candidate whether it is a spike.

    Days are taken in order, because a candidate that is believed is what the next one is measured
    against. A move away from the last usable price that the next close confirms (it agrees with the
    price that was held back, and is within ``confirm_limit`` of the last usable one) is believed from that
    close on; the first price of the move stays held. Larger moves wait for a person: confirmed or not,
    they may be a change of unit or a split nobody told us.

    Args:
        candidates: ``instrument_id``, ``price_date``, ``new_close``; one row for each instrument and day.
        stored: `PRICES` as known, one row for each instrument and day. A candidate that is no spike
            takes the place of the stored row of its day.
        corporate_actions: `CORPORATE_ACTIONS` as known, those just delivered included.
        as_of: Logical date D; later ex dates do not count yet.
        rule: Limits.

    Returns:
        *candidates* in the same order with ``move`` (return against the last usable close, null where
        there is none), ``z`` (null where the flat limit judges) and ``is_spike``.

    Source: domain_rules 13, 16.
    """
    # Numbers for names: 10,000 instruments with their history are a million rows.
    names = candidates.select("instrument_id").unique().sort("instrument_id").with_row_index("instrument_no")
    columns = ("instrument_id", "price_date", "close", "status")
    offered = candidates.select(
        "instrument_id", "price_date", pl.col("new_close").alias("close"), pl.lit(_OFFERED).alias("status")
    )
    rows = with_factors(
        pl.concat([offered, stored.select(columns)]).join(
            names, on="instrument_id", how="inner", maintain_order="left"
        ),
        corporate_actions,
        as_of=as_of,
    )
    grid = day_grid([rows], series=["instrument_no"], day="price_date")
    comparable = pl.col("close").cast(pl.Float64) * pl.col("factor")
    new, at = grid.place(rows.filter(pl.col("status") == _OFFERED), comparable)
    usable, _ = grid.place(rows.filter(pl.col("status") == "OK"), comparable)
    held, _ = grid.place(rows.filter(pl.col("status") == "QUARANTINED"), comparable)
    moves, scores, spikes = _judge_days(new, usable, held, rule)
    return candidates.with_columns(
        pl.Series("move", moves[at], nan_to_null=True),
        pl.Series("z", scores[at], nan_to_null=True),
        pl.Series("is_spike", spikes[at]),
    )


def _judge_days(
    new: Floats, usable: Floats, held: Floats, rule: SpikeRule
) -> tuple[Floats, Floats, np.ndarray]:
    """Moves, z-scores and verdicts for grids of days x instruments; all instruments of a day at once."""
    days, instruments = new.shape
    moves, scores = np.full(new.shape, np.nan), np.full(new.shape, np.nan)
    spikes = np.zeros(new.shape, dtype=bool)
    returns = np.full((instruments, rule.window), np.nan)
    seen = np.zeros(instruments, dtype=np.int64)
    last_usable, last_any = np.full(instruments, np.nan), np.full(instruments, np.nan)
    for day in range(days):
        who = np.flatnonzero(~np.isnan(new[day]))
        if who.size:
            centre, spread = _median_and_mad(returns[who], rule.enough)
            move = new[day, who] / last_usable[who] - 1
            score = _TO_NORMAL * (move - centre) / spread
            since_any = new[day, who] / last_any[who] - 1
            agrees = ~_is_outlier(since_any, _TO_NORMAL * (since_any - centre) / spread, rule)
            is_confirmed = agrees & (np.abs(move) <= rule.confirm_limit)
            spikes[day, who] = _is_outlier(move, score, rule) & ~is_confirmed
            moves[day, who], scores[day, who] = move, score
        today = np.where(np.isnan(new[day]) | spikes[day], usable[day], new[day])
        step = today / last_usable - 1
        moved = np.flatnonzero(~np.isnan(step))
        returns[moved, seen[moved] % rule.window] = step[moved]
        seen[moved] += 1
        last_usable = np.where(np.isnan(today), last_usable, today)
        # What stands for the day when it is seen from the next one, believed or not.
        any_today = np.where(np.isnan(today), np.where(np.isnan(new[day]), held[day], new[day]), today)
        last_any = np.where(np.isnan(any_today), last_any, any_today)
    return moves, scores, spikes


def _is_outlier(move: Floats, score: Floats, rule: SpikeRule) -> np.ndarray:
    """Too far by the z-score, or by the flat limit where there is no score; NaN moves are none."""
    return np.where(np.isnan(score), np.abs(move) > rule.flat_limit, np.abs(score) > rule.z_limit)


def _median_and_mad(returns: Floats, enough: int) -> tuple[Floats, Floats]:
    """Median and MAD of each row, NaNs left out; NaN where there are too few or they do not spread."""
    centre = _median(returns)
    spread = _median(np.abs(returns - centre[:, np.newaxis]))
    count = np.count_nonzero(~np.isnan(returns), axis=1)
    is_known = (count >= enough) & (spread > _NO_SPREAD)
    return np.where(is_known, centre, np.nan), np.where(is_known, spread, np.nan)


def _median(values: Floats) -> Floats:
    """Median of each row, NaNs left out; `numpy.nanmedian` is many times slower on short rows."""
    ordered = np.sort(values, axis=1)
    count = np.count_nonzero(~np.isnan(values), axis=1)
    rows = np.arange(values.shape[0])
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    high = np.minimum(high, values.shape[1] - 1)
    return np.asarray((ordered[rows, low] + ordered[rows, high]) / 2)
