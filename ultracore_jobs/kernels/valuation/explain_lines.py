"""Every number of a valuation line, with its formula: units, price, rate, value, cost and effects."""

from datetime import date, timedelta

import polars as pl

from ultracore_jobs.catalog.holdings import LOTS
from ultracore_jobs.catalog.market import CALENDARS, CORPORATE_ACTIONS, INSTRUMENTS, NSW, PRICES, UNLISTED
from ultracore_jobs.kernels.explained import (
    Explained,
    InputRow,
    Row,
    RowExplainer,
    row_where,
    rows_where,
    used,
)
from ultracore_jobs.kernels.formula import Formula, days_between, number, product, rounded, total
from ultracore_jobs.kernels.money import MINOR_DIGITS
from ultracore_jobs.kernels.valuation.explain_case import Case, used_move
from ultracore_jobs.kernels.valuation.explain_cost import explain_cost
from ultracore_jobs.kernels.valuation.income import interest_terms
from ultracore_jobs.kernels.valuation.positions import open_lots
from ultracore_jobs.kernels.valuation.pricing import latest_prices
from ultracore_jobs.kernels.valuation.tables import CASH, POSITION, VALUATION_LINES

_POSITIONS_ONLY = "positions only"
_BOND = "BOND"
_PRICE_DIGITS = 6


def explain_lines(case: Case) -> list[Explained]:
    """Explain the lines of one portfolio, in their order.

    Source: domain_rules 1A.1-5, 7.
    """
    found: list[Explained] = []
    for line in case.lines:
        page = RowExplainer(VALUATION_LINES, line, _label(case, line), line["base_ccy"], "1A.3")
        _explain_rate(page, case)
        if line["line_type"] == POSITION:
            _explain_position(page, case)
        elif line["line_type"] == CASH:
            _explain_cash(page, case)
        else:
            _explain_income(page, case)
        found += page.found
    return found


def _label(case: Case, line: Row) -> str:
    if line["line_type"] == CASH:
        return f"cash in {line['line_key']}"
    paper = row_where(case.books.instruments, instrument_id=line["instrument_id"])
    name = f"{line['instrument_id']} ({paper['symbol']})" if paper else line["instrument_id"]
    if line["line_type"] == POSITION:
        return f"position {name}"
    is_interest = line["line_key"] == line["instrument_id"]
    return f"interest on {name}" if is_interest else f"dividend {line['line_key']} of {name}"


def _explain_rate(page: RowExplainer, case: Case) -> None:
    line = page.row
    rate = case.rate(line["ccy"], line["base_ccy"])
    if rate is None:
        page.absent("fx", f"no usable rate of {line['ccy']} in {line['base_ccy']}: {line['fx_status']}")
        return
    formula, legs, words = rate
    page.computed("fx", formula, inputs=legs, how=words, source="14")


def _explain_position(page: RowExplainer, case: Case) -> None:
    line, books = page.row, case.books
    held = rows_where(open_lots(books.lots, as_of=case.as_of), instrument_id=line["instrument_id"])
    _explain_units(page, case, case.as_of, "open units of lots", "1A.3")
    paper = rows_where(books.instruments, instrument_id=line["instrument_id"])[0]
    _explain_price(page, case, paper)
    page.absent("amount_local", "of cash and income only")
    page.copied("price_factor", used(INSTRUMENTS, paper, "price_factor"))
    _explain_value(page)
    explain_cost(page, case, held)


def _explain_price(page: RowExplainer, case: Case, paper: Row) -> None:
    line, books = page.row, case.books
    latest = row_where(latest_prices(books.prices, as_of=case.as_of), instrument_id=paper["instrument_id"])
    if latest is None:
        page.absent("price", "no close with status OK in the days read", source="1A.1")
        page.absent("stale_business_days", "no price", source="1A.1")
        return
    close = rows_where(books.prices, instrument_id=paper["instrument_id"], price_date=latest["price_date"])[0]
    origin = used(PRICES, close, "close")
    splits = rows_where(
        books.corporate_actions.filter(
            pl.col("ex_on").is_between(close["price_date"], case.as_of, closed="right")
        ),
        type="SPLIT",
        instrument_id=paper["instrument_id"],
    )
    factor = case.units_for_old(paper["instrument_id"], since=close["price_date"])
    if line["price"] is None or factor is None:
        page.absent("price", f"the basis of the close is not known: {line['reason']}", source="1A.1")
    elif splits:
        page.computed(
            "price",
            rounded(number(close["close"]) / factor, _PRICE_DIGITS),
            inputs=(origin, *(used(CORPORATE_ACTIONS, split, "ratio") for split in splits)),
            how=f"the close of {close['price_date']} on the basis after the split",
            source="1A.1, 20b",
        )
    else:
        page.copied("price", origin, how=f"of {close['price_date']}, {line['price_status']}", source="1A.1")
    _explain_age(page, case, NSW if paper["exchange"] == UNLISTED else paper["exchange"], close["price_date"])


def _explain_age(page: RowExplainer, case: Case, calendar_id: str, since: date) -> None:
    days = rows_where(
        case.books.calendars.filter(
            pl.col("is_business_day") & pl.col("date").is_between(since, case.as_of, closed="right")
        ).sort("date"),
        calendar_id=calendar_id,
    )
    if page.row["stale_business_days"] is None:
        page.absent("stale_business_days", f"calendar {calendar_id} does not reach back to {since}")
        return
    page.counted(
        "stale_business_days",
        len(days),
        f"business days of {calendar_id} after {since}, up to {case.as_of}",
        inputs=[used(CALENDARS, day, "is_business_day") for day in days],
        source="1A.1",
    )


def _explain_value(page: RowExplainer) -> None:
    line = page.row
    if line["mv_base"] is None:
        page.absent("mv_base", f"no value: {line['reason']}", source="1A.2, 1A.3")
        return
    if line["reason"] == "AT_COST":
        page.copied("mv_base", page.itself("cost_base"), how="policy cost: no usable price", source="1A.2")
        return
    if line["reason"] == "AT_ZERO":
        page.computed("mv_base", number(0), how="policy zero: no usable price", source="1A.2")
        return
    factors = [page.number(name) for name in ("qty", "price", "price_factor", "fx")]
    page.computed(
        "mv_base",
        rounded(product(*factors), MINOR_DIGITS[line["base_ccy"]]),
        inputs=[page.itself("qty", "price", "price_factor", "fx")],
        how="units x close x price factor x rate",
    )


def _explain_cash(page: RowExplainer, case: Case) -> None:
    line = page.row
    moves = rows_where(
        case.books.transactions.filter(pl.col("trade_on") <= case.as_of).sort("trade_on", "transaction_id"),
        ccy=line["ccy"],
    )
    moved = [move for move in moves if move["amount"]]
    page.computed(
        "amount_local",
        total(number(move["amount"]) for move in moved),
        inputs=[used_move(move, "amount", "type", "trade_on") for move in moved],
        ccy=line["ccy"],
        how=f"every movement of cash in {line['ccy']} up to the day, by trade date",
        source="1A.4",
    )
    _convert(page, page.number("amount_local"), "1A.4")
    _not_a_position(page, "qty")


def _explain_income(page: RowExplainer, case: Case) -> None:
    line = page.row
    if line["line_key"] == line["instrument_id"]:
        _explain_interest(page, case)
    else:
        _explain_dividend(page, case)
    _not_a_position(page)


def _explain_dividend(page: RowExplainer, case: Case) -> None:
    line, books = page.row, case.books
    action = rows_where(books.corporate_actions, action_id=line["line_key"])[0]
    eve = action["ex_on"] - timedelta(days=1)
    _explain_units(page, case, eve, f"units held at the close of {eve}, before the ex date")
    origin = used(CORPORATE_ACTIONS, action, "cash_per_unit", "ex_on", "pay_on")
    if action["cash_per_unit"] is None:
        _earned(page, None, [origin], "")
    else:
        earned = page.number("qty") * number(action["cash_per_unit"])
        _earned(page, earned, [origin], "units x dividend per unit")


def _explain_interest(page: RowExplainer, case: Case) -> None:
    line, books = page.row, case.books
    _explain_units(page, case, case.as_of, "open units of lots")
    terms_of_all = interest_terms(books.instruments, as_of=case.as_of)
    paper, terms = (
        rows_where(table, instrument_id=line["instrument_id"])[0]
        for table in (books.instruments, terms_of_all)
    )
    origin = used(INSTRUMENTS, paper, "coupon_rate", "coupon_freq", "last_coupon_on", "next_coupon_on")
    if terms["days"] is None or not terms["period"]:
        _earned(page, None, [origin], "")
        return
    since = case.as_of - timedelta(days=terms["days"])
    earned = page.number("qty") * number(terms["coupon"]) * days_between(since, case.as_of)
    if paper["type"] == _BOND:
        following = since + timedelta(days=terms["period"] // paper["coupon_freq"])
        over = days_between(since, following) * number(paper["coupon_freq"])
        how = "face x coupon x days / (days of the coupon period x coupons a year), ACT/ACT ICMA"
    else:
        over, how = number(terms["period"]), "principal x rate x days / 365, ACT/365F"
    _earned(page, earned, [origin], how, over)


def _explain_units(page: RowExplainer, case: Case, evening: date, how: str, source: str = "1A.5") -> None:
    held = rows_where(open_lots(case.books.lots, as_of=evening), instrument_id=page.row["instrument_id"])
    page.computed(
        "qty",
        total(number(lot["qty_open"]) for lot in held),
        inputs=[used(LOTS, lot, "qty_open") for lot in held],
        how=how,
        source=source,
    )


def _earned(
    page: RowExplainer,
    earned: Formula | None,
    inputs: list[InputRow],
    how: str,
    over: Formula | None = None,
) -> None:
    """Income in its currency and in base: each rounded by itself, from the same exact amount."""
    line = page.row
    in_base = "the same x rate: from the exact amount, not from the rounded one"
    for column, ccy, words in (("amount_local", line["ccy"], how), ("mv_base", line["base_ccy"], in_base)):
        if line[column] is None or earned is None:
            page.absent(column, f"not known: {line['reason']}", source="1A.5")
            continue
        amount = earned * page.number("fx") if column == "mv_base" else earned
        page.computed(
            column,
            rounded(amount if over is None else amount / over, MINOR_DIGITS[ccy]),
            inputs=[*inputs, page.itself("qty", "fx")],
            ccy=ccy,
            how=words,
            source="1A.5",
        )


def _convert(page: RowExplainer, amount: Formula, source: str) -> None:
    line = page.row
    if line["mv_base"] is None:
        page.absent("mv_base", f"no value: {line['reason']}", source=source)
        return
    page.computed(
        "mv_base",
        rounded(amount * page.number("fx"), MINOR_DIGITS[line["base_ccy"]]),
        inputs=[page.itself("amount_local", "fx")],
        how="amount x rate",
        source=source,
    )


def _not_a_position(page: RowExplainer, *others: str) -> None:
    """What only positions have."""
    for column in (
        *others,
        "price",
        "price_factor",
        "stale_business_days",
        "cost_base",
        "unrealised_base",
        "cost_price",
        "cost_fx",
        "price_effect_base",
        "fx_effect_base",
    ):
        page.absent(column, _POSITIONS_ONLY)
