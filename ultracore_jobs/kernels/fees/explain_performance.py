"""The rule of performance fees as formulas: the mark grown by its hurdle, and the gain that is shared."""

from ultracore_jobs.kernels.explained import Row
from ultracore_jobs.kernels.fees.explain_terms import rate_of
from ultracore_jobs.kernels.fees.performance import HurdleType
from ultracore_jobs.kernels.fees.tables import DAYS_OF_YEAR
from ultracore_jobs.kernels.formula import Formula, largest, number, rounded

_UNIT_VALUE_DIGITS = 12


def hurdle_kind(schedule: Row, usual: HurdleType) -> HurdleType:
    """What the schedule says of its hurdle, else what is usual."""
    kind: HurdleType = schedule["hurdle_type"] or usual
    return kind


def grown_mark(mark: Formula, schedule: Row, days: Formula) -> Formula:
    """``HWM x (1 + h x days/365)``, with one division, so that only the result is rounded.

    Source: domain_rules 3.4.
    """
    year = number(DAYS_OF_YEAR)
    grown = year + rate_of(schedule["hurdle_annual"]) * days
    return rounded(mark * grown / year, _UNIT_VALUE_DIGITS)


def shared_gain(nav: Formula, mark: Formula, threshold: Formula, kind: HurdleType) -> Formula:
    """The gain per unit that is shared: hard above the threshold, soft all of it once NAV is above that.

    Source: domain_rules 3.4.
    """
    if kind == "hard":
        return largest(number(0), nav - threshold)
    return nav - mark if nav.value > threshold.value else number(0)


def fee_per_unit(schedule: Row, gain: Formula) -> Formula:
    """The schedule's share of the gain, to 12 decimals."""
    return rounded(rate_of(schedule["perf_rate"]) * gain, _UNIT_VALUE_DIGITS)
