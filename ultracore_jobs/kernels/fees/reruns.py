"""A run repeated: what is posted is never edited; a difference waits for a person (domain_rules 3.6)."""

from decimal import Decimal
from typing import NamedTuple

import polars as pl

from ultracore_jobs.catalog.columns import MONEY
from ultracore_jobs.kernels.fees.tables import ADJUSTMENTS, ANNUAL_FEE, FEE_CHARGES, PENDING_APPROVAL, hashed
from ultracore_jobs.kernels.money import round_money

_NOTHING = pl.lit(0).cast(MONEY)


class Rerun(NamedTuple):
    """What `compare_with_posted` returns: charges not posted yet, `ADJUSTMENTS`, and ids left as they are."""

    fresh: pl.DataFrame
    adjustments: pl.DataFrame
    unchanged: pl.DataFrame


def compare_with_posted(
    fee_charges: pl.DataFrame, posted: pl.DataFrame, *, gst: Decimal = Decimal("0.10")
) -> Rerun:
    """Hold computed charges against the ledger.

    Args:
        fee_charges: `FEE_CHARGES` computed now.
        posted: What `standing_charges` returns: one row for each POSTED charge of the same period and fee
            types. Amounts include its adjustments; ``adjustments`` counts them, so that going there and back
            again makes a new id each time.
        gst: Rate of GST as a fraction.

    Returns:
        - ``fresh``: `FEE_CHARGES` whose id is not posted, in the order given.
        - ``adjustments``: one for each posted charge whose fee is another now, by charge: ``new - posted``,
          GST recomputed on the new fee. A posted charge that is not computed any more (its arrangement has
          gone) is given back whole. They carry no consent yet.
        - ``unchanged``: ``charge_id``, ``reason``, by charge: null where the amount is the same; the
          charge's own reason where no amount can be computed now, which is no ground to give money back.

    Source: domain_rules 3.6. Posted 100.00 + 10.00, now 98.00: -2.00 and -0.20.
    """
    now = fee_charges.select(
        "charge_id",
        pl.col("fee_ex_gst").alias("new"),
        pl.col("settled_fee_days").alias("settled_now"),
        pl.col("reason").alias("reason_now"),
        pl.lit(value=True).alias("is_computed"),
    ).unique("charge_id", keep="first", maintain_order=True)
    gone = pl.col("is_computed").is_null()
    both = posted.join(now, on="charge_id", how="left").with_columns(
        pl.when(gone).then(_NOTHING).otherwise("new").alias("new"),
        pl.when(gone).then(pl.lit(0).cast(ANNUAL_FEE)).otherwise("settled_now").alias("settled_now"),
    )
    tax = round_money(pl.col("new"), pl.lit(gst), ccy=pl.col("ccy"))
    compared = both.with_columns(
        (pl.col("new") - pl.col("fee_ex_gst")).cast(MONEY).alias("fee_change"),
        (tax - pl.col("gst")).cast(MONEY).alias("gst_change"),
    )
    is_other = ((pl.col("fee_change") != 0) | (pl.col("gst_change") != 0)).fill_null(value=False)
    changed = compared.filter(is_other).sort("charge_id")
    ids = [
        hashed("adj_", *(str(each) for each in row))
        for row in changed.select("charge_id", "adjustments", "new").iter_rows()
    ]
    adjustments = changed.with_columns(
        pl.Series("adjustment_id", ids, dtype=pl.String),
        pl.col("fee_change").alias("fee_ex_gst"),
        pl.col("gst_change").alias("gst"),
        (pl.col("fee_change") + pl.col("gst_change")).cast(MONEY).alias("total"),
        (pl.col("settled_now") - pl.col("settled_fee_days")).cast(ANNUAL_FEE).alias("settled_fee_days"),
        pl.lit(PENDING_APPROVAL).alias("status"),
        pl.lit(None, dtype=pl.String).alias("reason"),
        pl.lit([], dtype=pl.List(pl.String)).alias("consent_ids"),
        pl.lit(None, dtype=pl.String).alias("exemption_code"),
    )
    unchanged = compared.filter(~is_other).select(
        "charge_id", pl.when(pl.col("new").is_null()).then("reason_now").alias("reason")
    )
    fresh = fee_charges.join(posted.select("charge_id"), on="charge_id", how="anti", maintain_order="left")
    return Rerun(
        fresh.select(FEE_CHARGES.schema.names()),
        adjustments.select(ADJUSTMENTS.schema.names()).cast(ADJUSTMENTS.schema),
        unchanged.sort("charge_id"),
    )
