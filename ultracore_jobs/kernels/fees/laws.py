"""Laws that every fee run keeps, recomputed apart from the code that made it (domain_rules 3, 22).

Each function returns the rows that break its law. Amounts are compared as the whole numbers they are
stored as: money in 10,000ths, fee days in the twelfth decimal.
"""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl

from ultracore_jobs.kernels.fees.tables import BLOCKED, DAYS_OF_YEAR, DUE, HELD, PERFORMANCE
from ultracore_jobs.kernels.money import minor_digits

_MONEY_SCALE = 4
_FEE_SCALE = 12


def charges_without_consent(
    fee_charges: pl.DataFrame,
    consents: pl.DataFrame,
    ledger_decisions: pl.DataFrame,
    known_at: datetime,
    timezone: str = "Australia/Sydney",
) -> pl.DataFrame:
    """Charges that are DUE without an exemption and without both kinds of consent in force.

    In force, as far as a row tells alone: of the same arrangement, signed by the day, not withdrawn by the
    instant. Mandatory check ``fee_consent``.

    Args:
        fee_charges: `FEE_CHARGES` as decided.
        consents: `CONSENTS` as known.
        ledger_decisions: `LEDGER_DECISIONS`; charges on it were tested at their own instant.
        known_at: Instant for which the others were tested, with a time zone.
        timezone: IANA zone in which consents are dated.
    """
    day = known_at.astimezone(ZoneInfo(timezone)).date()
    in_force = consents.filter(
        (pl.col("signed_on") <= day)
        & (pl.col("withdrawn_at").is_null() | (pl.col("withdrawn_at") > known_at))
    ).select("arrangement_id", pl.col("consent_id").alias("consent_ids"), "kind")
    taken = ledger_decisions.select(pl.col("decision_id").alias("charge_id"))
    needy = fee_charges.filter((pl.col("status") == DUE) & pl.col("exemption_code").is_null()).join(
        taken, on="charge_id", how="anti"
    )
    kinds = (
        needy.select("charge_id", "arrangement_id", "consent_ids")
        .explode("consent_ids", empty_as_null=True, keep_nulls=True)
        .join(in_force, on=["arrangement_id", "consent_ids"], how="left")
        .group_by("charge_id")
        .agg(
            (pl.col("kind") == "OFA").any().alias("has_ofa"),
            (pl.col("kind") == "DEDUCTION").any().alias("has_deduction"),
            pl.col("kind").is_null().any().alias("has_dead"),
        )
    )
    broken = kinds.filter(~pl.col("has_ofa") | ~pl.col("has_deduction") | pl.col("has_dead"))
    return needy.join(broken, on="charge_id", how="semi").select("charge_id", "arrangement_id", "consent_ids")


def gst_not_reconciled(fee_charges: pl.DataFrame, gst: Decimal | str = "0.10") -> pl.DataFrame:
    """Charges whose GST is not the fee times the rate to half a minor unit, or whose total is not their sum.

    A tie goes up: the GST may exceed the product by exactly half a cent, and never fall short by it.
    Mandatory check ``gst_reconciled``.

    Args:
        fee_charges: `FEE_CHARGES`.
        gst: Rate of GST as a fraction.
    """
    rate_of_gst = Decimal(gst)
    scale = -int(rate_of_gst.as_tuple().exponent)
    rate = int(rate_of_gst.scaleb(scale))
    fee, tax, total = (_whole(name) for name in ("fee_ex_gst", "gst", "total"))
    twice_off = 2 * (tax * 10**scale - fee * rate)
    unit = _power_of_ten(_MONEY_SCALE - minor_digits(pl.col("ccy"))) * 10**scale
    broken = (total != fee + tax) | (twice_off > unit) | (twice_off <= 0 - unit)
    return fee_charges.filter(
        broken | (fee.is_null() != tax.is_null()) | (fee.is_null() != total.is_null())
    ).select("charge_id", "fee_ex_gst", "gst", "total")


def duplicate_charges(fee_charges: pl.DataFrame) -> pl.DataFrame:
    """Ids under which more than one charge is DUE. Mandatory check ``no_duplicate_charge``.

    Args:
        fee_charges: `FEE_CHARGES`.
    """
    due = fee_charges.filter(pl.col("status") == DUE)
    return due.filter(pl.col("charge_id").is_duplicated()).select("charge_id", "arrangement_id", "total")


def charges_not_accrued(fee_charges: pl.DataFrame, fee_accruals: pl.DataFrame) -> pl.DataFrame:
    """Charges on assets that are not the sum of their accruals, rounded once.

    A charge by the annual minimum must be more than its accruals, any other exactly they.

    Args:
        fee_charges: `FEE_CHARGES`.
        fee_accruals: `FEE_ACCRUALS` of the same period.
    """
    key = ["arrangement_id", "period_start", "period_end"]
    sums = fee_accruals.group_by(key).agg(
        _whole("fee_days").sum().alias("accrued"), pl.col("days").sum().alias("accrued_over")
    )
    settled = _whole("settled_fee_days")
    twice_off = 2 * (_whole("fee_ex_gst") * DAYS_OF_YEAR * 10 ** (_FEE_SCALE - _MONEY_SCALE) - settled)
    unit = _power_of_ten(_FEE_SCALE - minor_digits(pl.col("ccy"))) * DAYS_OF_YEAR
    is_sum = pl.when("is_minimum").then(settled > pl.col("accrued")).otherwise(settled == pl.col("accrued"))
    is_rounded = pl.col("fee_ex_gst").is_null() | ((twice_off <= unit) & (twice_off > 0 - unit))
    return (
        fee_charges.filter(pl.col("fee_type") != PERFORMANCE)
        .join(sums, on=key, how="left")
        .filter(~(is_sum & is_rounded & (pl.col("days") == pl.col("accrued_over"))).fill_null(value=False))
        .select("charge_id", "arrangement_id", "fee_ex_gst", "settled_fee_days")
    )


def charges_stopped(fee_charges: pl.DataFrame) -> pl.DataFrame:
    """Charges that are blocked, or held for a person, and why.

    Args:
        fee_charges: `FEE_CHARGES`.
    """
    return fee_charges.filter(pl.col("status").is_in([BLOCKED, HELD])).select(
        "charge_id", "portfolio_id", "fee_type", "total", "ccy", "status", "reason"
    )


def _whole(name: str) -> pl.Expr:
    return pl.col(name).to_physical().cast(pl.Int128)


def _power_of_ten(exponent: pl.Expr) -> pl.Expr:
    return pl.lit(10, dtype=pl.Int128).pow(exponent)
