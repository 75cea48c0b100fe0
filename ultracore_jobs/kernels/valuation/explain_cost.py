"""What a position cost, and how much of its gain the price and the exchange rate made, as formulas."""

from collections.abc import Sequence
from functools import reduce

import polars as pl

from ultracore_jobs.catalog.holdings import LOTS
from ultracore_jobs.kernels.explained import InputRow, Row, RowExplainer, rows_where, used
from ultracore_jobs.kernels.formula import Formula, number, rounded, total
from ultracore_jobs.kernels.money import MINOR_DIGITS
from ultracore_jobs.kernels.valuation.explain_case import Case, used_move

_AUD = "AUD"
_PRICE_DIGITS, _FX_DIGITS = 6, 10
_RULE = "1A.7"


def explain_cost(page: RowExplainer, case: Case, lots: Sequence[Row]) -> None:
    """Explain ``cost_base`` and all that follows from it, of one position.

    Args:
        page: The line; its value is explained already.
        case: The portfolio.
        lots: The open lots of the position.

    Source: domain_rules 1A.7.
    """
    line = page.row
    paid = _local_cost(case, lots)
    is_own = line["ccy"] == line["base_ccy"]
    at_home = is_own and (line["base_ccy"] == _AUD or paid is not None)
    _explain_cost_base(page, case, lots, paid if is_own and line["base_ccy"] != _AUD else None)
    _explain_gain(page)
    _explain_cost_price(page, paid, at_home=at_home)
    _explain_effects(page, at_home=at_home)


def _local_cost(case: Case, lots: Sequence[Row]) -> tuple[Formula, tuple[InputRow, ...]] | None:
    """What the open units cost in the instrument's currency; None where the ledger does not say."""
    shares, inputs = [], []
    for lot in lots:
        share = _share_of_lot(case, lot)
        if share is None:
            return None
        shares.append(share[0])
        inputs += share[1]
    return total(shares), tuple(inputs)


def _share_of_lot(case: Case, lot: Row) -> tuple[Formula, list[InputRow]] | None:
    """A lot's share of what all purchases of its acquisition day cost."""
    paper = rows_where(case.books.instruments, instrument_id=lot["instrument_id"])[0]
    bought = rows_where(
        case.books.transactions.filter(pl.col("trade_on") <= case.as_of, pl.col("qty") > 0),
        instrument_id=lot["instrument_id"],
        trade_on=lot["acquired_on"],
    )
    paid = [_paid(move, paper) for move in bought]
    known = [each for each in paid if each is not None]
    factor = case.units_for_old(lot["instrument_id"], since=lot["acquired_on"])
    if not bought or len(known) < len(paid) or lot["qty_open"] <= 0 or factor is None:
        return None
    units = total(number(move["qty"]) for move in bought)
    over = units if factor.value == 1 else units * factor
    share = number(lot["qty_open"]) * total(known) / over
    moves = [used_move(move, "qty", "price", "amount", "ccy") for move in bought]
    return rounded(share, _PRICE_DIGITS), [used(LOTS, lot, "qty_open", "acquired_on"), *moves]


def _paid(move: Row, paper: Row) -> Formula | None:
    if move["type"] == "BUY" and move["ccy"] == paper["ccy"]:
        return number(-move["amount"])
    if move["price"] is None:
        return None
    return rounded(number(move["qty"]) * number(move["price"]) * number(paper["price_factor"]), _PRICE_DIGITS)


def _explain_cost_base(
    page: RowExplainer,
    case: Case,
    lots: Sequence[Row],
    own: tuple[Formula, tuple[InputRow, ...]] | None,
) -> None:
    base = page.row["base_ccy"]
    digits = MINOR_DIGITS.get(base)
    if page.row["cost_base"] is None or digits is None:
        page.absent("cost_base", f"no usable rate from AUD to {base}", source=_RULE)
        return
    if own is not None:
        formula, inputs = own
        page.computed(
            "cost_base",
            rounded(formula, digits),
            inputs=inputs,
            how=f"bought in {base} itself: what was paid, each lot its share of its day's purchases",
            source=_RULE,
        )
        return
    rate = case.rate(_AUD, base)
    lot_costs = total(number(lot["cost_base_aud"]) for lot in lots)
    if rate is None:
        page.absent("cost_base", f"no usable rate from AUD to {base}", source=_RULE)
        return
    fx, legs, words = rate
    page.computed(
        "cost_base",
        rounded(_multiply(lot_costs, fx), digits),
        inputs=[*(used(LOTS, lot, "cost_base_aud") for lot in lots), *legs],
        how="the lots' cost in AUD at acquisition rates"
        + ("" if base == _AUD else f", at today's rate: {words}"),
        source=_RULE,
    )


def _multiply(*parts: Formula) -> Formula:
    """Their product, without the ones."""
    left = [part for part in parts if part.text != "1"]
    return reduce(lambda one, other: one * other, left) if left else number(1)


def _explain_gain(page: RowExplainer) -> None:
    if page.row["unrealised_base"] is None:
        page.absent("unrealised_base", "there is no value, or no cost, to compare", source=_RULE)
        return
    page.computed(
        "unrealised_base",
        page.number("mv_base") - page.number("cost_base"),
        inputs=[page.itself("mv_base", "cost_base")],
        how="value less cost",
        source=_RULE,
    )


def _explain_cost_price(
    page: RowExplainer, paid: tuple[Formula, tuple[InputRow, ...]] | None, *, at_home: bool
) -> None:
    if page.row["cost_price"] is None:
        page.absent("cost_price", f"what was paid is not known: {page.row['effects_reason']}", source=_RULE)
        page.absent("cost_fx", f"what was paid is not known: {page.row['effects_reason']}", source=_RULE)
        return
    held = _multiply(page.number("qty"), page.number("price_factor"))
    cost, inputs = (page.number("cost_base"), ()) if at_home or paid is None else paid
    page.computed(
        "cost_price",
        rounded(cost / held, _PRICE_DIGITS),
        inputs=[*inputs, page.itself("qty", "price_factor", "cost_base")],
        how="what was paid, per unit as quoted; a lot costs its share of its day's purchases",
        source=_RULE,
    )
    if at_home:
        page.computed(
            "cost_fx", number(1), how="quoted in the base currency: no rate had a part", source=_RULE
        )
        return
    if page.row["cost_fx"] is None:
        page.absent("cost_fx", f"no rate is implied: {page.row['effects_reason']}", source=_RULE)
        return
    worth = _multiply(page.number("qty"), page.number("cost_price"), page.number("price_factor"))
    page.computed(
        "cost_fx",
        rounded(page.number("cost_base") / worth, _FX_DIGITS),
        inputs=[page.itself("cost_base", "qty", "cost_price", "price_factor")],
        how="the rate that cost base and price paid imply",
        source=_RULE,
    )


def _explain_effects(page: RowExplainer, *, at_home: bool) -> None:
    line = page.row
    why = f"not known: {line['effects_reason']}"
    if line["price_effect_base"] is None:
        page.absent("price_effect_base", why, source=_RULE)
    elif at_home:
        page.copied(
            "price_effect_base",
            page.itself("unrealised_base"),
            how="quoted in the base currency: all of the gain is the price's",
            source=_RULE,
        )
    else:
        moved = page.number("price") - page.number("cost_price")
        effect = _multiply(page.number("qty"), moved, page.number("price_factor"), page.number("cost_fx"))
        page.computed(
            "price_effect_base",
            rounded(effect, MINOR_DIGITS[line["base_ccy"]]),
            inputs=[page.itself("qty", "price", "cost_price", "price_factor", "cost_fx")],
            how="units x (price - price paid) x price factor x rate paid",
            source=_RULE,
        )
    if line["fx_effect_base"] is None:
        page.absent("fx_effect_base", why, source=_RULE)
        return
    page.computed(
        "fx_effect_base",
        page.number("unrealised_base") - page.number("price_effect_base"),
        inputs=[page.itself("unrealised_base", "price_effect_base")],
        how="the rest of the gain",
        source=_RULE,
    )
