"""Flows, units and what one unit is worth, as formulas."""

import polars as pl

from ultracore_jobs.catalog.holdings import TRANSACTIONS
from ultracore_jobs.kernels.explained import InputRow, Row, RowExplainer, row_where, used
from ultracore_jobs.kernels.formula import Formula, largest, number, rounded, total
from ultracore_jobs.kernels.money import MINOR_DIGITS
from ultracore_jobs.kernels.valuation.explain_case import Case, Reasoned
from ultracore_jobs.kernels.valuation.pricing import price_instruments
from ultracore_jobs.kernels.valuation.tables import (
    COMPLETE,
    FIRST_UNIT_VALUE,
    PERFORMANCE_ACCRUALS,
    VALUATIONS,
)

_UNIT_DIGITS, _UNIT_VALUE_DIGITS = 6, 12
_RULE = "1A.6"
_TRANSFERS = ("TRANSFER_IN", "TRANSFER_OUT")


def explain_flows(page: RowExplainer, case: Case) -> None:
    """Explain ``flow_base``: what the client brought in or took out since the last COMPLETE day.

    Source: domain_rules 1A.6, 2A.
    """
    since = case.before["units_on"] if case.before is not None else None
    if since is None:
        page.computed(
            "flow_base", number(0), how="there is no COMPLETE day before: no flow counts", source=_RULE
        )
        return
    moves = (
        case.books.transactions.filter(
            "external_flow", pl.col("trade_on").is_between(since, case.as_of, closed="right")
        )
        .sort("trade_on", "transaction_id")
        .to_dicts()
    )
    parts: list[Formula] = []
    inputs: list[InputRow] = []
    for move in moves:
        for part in _worth(case, move):
            parts.append(part[0])
            inputs += part[1]
    page.computed(
        "flow_base",
        total(parts),
        inputs=inputs,
        how=f"external flows after {since}, each at the rate of its day",
        source=f"{_RULE}, 2A",
    )


def _worth(case: Case, move: Row) -> list[Reasoned]:
    """What one flow is worth in base currency: its cash, and its units at their market price."""
    found = []
    if move["amount"]:
        taken = used(TRANSACTIONS, move, "amount", "ccy", "trade_on")
        found.append(_in_base(case, number(move["amount"]), taken, move["ccy"], move))
    if move["type"] in _TRANSFERS and move["qty"] is not None:
        priced = price_instruments(case.books, case.policy, as_of=move["trade_on"])
        paper = row_where(priced, instrument_id=move["instrument_id"])
        is_known = paper is not None and paper["price"] is not None and paper["price_fault"] is None
        price = paper["price"] if paper is not None and is_known else move["price"]
        ccy, factor = (paper["ccy"], paper["price_factor"]) if paper is not None else (move["ccy"], None)
        if price is not None and factor is not None:
            amount = number(move["qty"]) * number(price) * number(factor)
            taken = used(TRANSACTIONS, move, "qty", "price", "ccy", "trade_on")
            found.append(_in_base(case, amount, taken, ccy, move))
    return [each for each in found if each is not None]


def _in_base(case: Case, amount: Formula, taken: InputRow, ccy: str, move: Row) -> Reasoned | None:
    rate = case.rate(ccy, case.base_ccy, move["trade_on"]) or case.rate(ccy, case.base_ccy)
    if rate is None:
        return None
    fx, legs, words = rate
    digits = MINOR_DIGITS[case.base_ccy]
    return rounded(amount * fx, digits), (taken, *legs), words


def explain_units(page: RowExplainer, case: Case, performance: list[Row]) -> None:
    """Explain ``units``, ``nav_per_unit_base`` and ``last_nav``.

    Args:
        page: The valuation; its NAV is explained already.
        case: The portfolio.
        performance: Its rows of `PERFORMANCE_ACCRUALS`.

    Source: domain_rules 1A.6, 2A.
    """
    if page.row["status"] != COMPLETE:
        for column in ("units", "nav_per_unit_base", "last_nav"):
            if case.before is None or page.row[column] is None:
                page.absent(column, "there is no COMPLETE day before", source=_RULE)
            else:
                of_day = f"no NAV today: of {case.before['units_on']}, the last COMPLETE day"
                page.copied(column, used(VALUATIONS, case.before, column), how=of_day, source=_RULE)
        return
    _explain_count(page, case, performance)
    _explain_worth(page, case)
    page.copied("last_nav", page.itself("nav"), how="today is COMPLETE", source=_RULE)


def _explain_count(page: RowExplainer, case: Case, performance: list[Row]) -> None:
    # What buys units is NAV before the performance fee, which is itself a fee per unit.
    net = total([page.number("nav"), *(number(row["accrued"]) for row in performance)])
    inputs = [page.itself("nav"), *(used(PERFORMANCE_ACCRUALS, row, "accrued") for row in performance)]
    first = number(FIRST_UNIT_VALUE)
    memory = _memory(case)
    if memory is None:
        _set_anew(page, net, first, inputs, "the first COMPLETE day: one unit is worth 1")
        return
    units, worth, nav = memory
    origin = used(VALUATIONS, _known(case), "units", "nav_per_unit_base", "last_nav")
    if net.value == 0:
        page.computed(
            "units", number(0), inputs=inputs, how="NAV is 0: every unit was redeemed", source=_RULE
        )
        return
    if worth.value > 0 and nav.value >= 0:
        bought = rounded(page.number("flow_base") / worth, _UNIT_DIGITS)
        if (units + bought).value > 0:
            page.computed(
                "units",
                units if page.row["flow_base"] == 0 else units + bought,
                inputs=[origin, page.itself("flow_base")],
                how="units before, and those that flows bought or cancelled at NAV per unit before them",
                source=_RULE,
            )
            return
    restart = worth if worth.value > 0 else first
    _set_anew(
        page, net, restart, [*inputs, origin], "units set anew at the last NAV per unit: UNITS_RESTARTED"
    )


def _set_anew(page: RowExplainer, net: Formula, worth: Formula, inputs: list[InputRow], how: str) -> None:
    formula = rounded(net / worth, _UNIT_DIGITS) if net.value > 0 else number(0)
    page.computed("units", formula, inputs=inputs, how=how, source=_RULE)


def _explain_worth(page: RowExplainer, case: Case) -> None:
    memory = _memory(case)
    if page.row["nav"] == 0 and memory is not None and memory[0].value > 0:
        redeemed = rounded((number(0) - page.number("flow_base")) / memory[0], _UNIT_VALUE_DIGITS)
        page.computed(
            "nav_per_unit_base",
            largest(redeemed, number(0)),
            inputs=[page.itself("flow_base"), used(VALUATIONS, _known(case), "units")],
            how="no units are left: what they were redeemed at",
            source=f"{_RULE}, 2A",
        )
        return
    if page.row["units"] > 0:
        page.computed(
            "nav_per_unit_base",
            rounded(page.number("nav") / page.number("units"), _UNIT_VALUE_DIGITS),
            inputs=[page.itself("nav", "units")],
            how="NAV over units, after all fees",
            source=_RULE,
        )
        return
    if memory is not None and memory[1].value > 0:
        origin = used(VALUATIONS, _known(case), "nav_per_unit_base")
        page.copied("nav_per_unit_base", origin, how="there are no units: the last value", source=_RULE)
        return
    page.computed(
        "nav_per_unit_base",
        number(FIRST_UNIT_VALUE),
        how="there are no units yet: one is worth 1",
        source=_RULE,
    )


def _memory(case: Case) -> tuple[Formula, Formula, Formula] | None:
    """Units, NAV per unit and NAV of the last COMPLETE day; None without one."""
    if case.before is None or case.before["units"] is None:
        return None
    units, worth, nav = (case.before[name] for name in ("units", "nav_per_unit_base", "last_nav"))
    return number(units), number(worth), number(nav)


def _known(case: Case) -> Row:
    return case.before or {}
