"""May this fee be deducted at this instant (domain_rules 3.5)?

A retail client's account is debited only while both consents live: to the ongoing fee arrangement (OFA)
and to the deduction, each from every holder, and within the amount they signed for. Anything missing,
withdrawn or expired blocks that charge, and no other.
"""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl

from ultracore_jobs.catalog.columns import INSTANT
from ultracore_jobs.errors import UsageError
from ultracore_jobs.kernels.fees.consent_amounts import consent_limits, within_amounts
from ultracore_jobs.kernels.fees.consent_life import arrangement_days, consent_lives
from ultracore_jobs.kernels.fees.tables import (
    BLOCKED_NO_CONSENT,
    CLEARED,
    CONSENT_OUTCOMES,
    DUE,
    HELD_FOR_REVIEW,
    OLD_REGIME,
)

REASONS = {
    "NOT_SIGNED": "a holder has signed no consent of this kind, or only after the deduction",
    "NOT_SIGNED_BY_ALL_HOLDERS": "a joint holder's signature is missing",
    "WITHDRAWN": "the latest consent of a holder was withdrawn",
    "EXPIRED": "a consent's anniversary and 150 days are over",
    "ARRANGEMENT_ENDED": "a consent was signed after the one before it ended: a new arrangement is needed",
    "OTHER_SCHEDULE": "the schedule charged by is not the one shown to a holder",
    "OVER_AMOUNT": "the fixed amount consented to is used up",
    "OVER_ESTIMATE": "the estimate and its tolerance are used up",
    "OTHER_CURRENCY": "the charge is in another currency than the amount consented to",
    "UNKNOWN_ARRANGEMENT": "the charge names an arrangement or schedule that is not known",
}
"""Why the gate does not pass."""

_WHOLESALE = "WHOLESALE"
_KINDS = ("OFA", "DEDUCTION")
_JOINT_HOLDERS = 2
_WORST_FIRST = ["ARRANGEMENT_ENDED", "WITHDRAWN", "EXPIRED"]


def gate_consents(  # noqa: PLR0913 - each table is bound by its name on the page
    *,
    fee_charges: pl.DataFrame,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    consents: pl.DataFrame,
    clients: pl.DataFrame,
    charged: pl.DataFrame,
    deducted_at: datetime,
    timezone: str = "Australia/Sydney",
    estimate_tolerance_pct: Decimal = Decimal("0.10"),
) -> pl.DataFrame:
    """Hold every charge that is due against the consents that stand at the instant of deduction.

    Args:
        fee_charges: `FEE_CHARGES`; those that are not DUE are left out.
        fee_arrangements: `FEE_ARRANGEMENTS`.
        fee_schedules: `FEE_SCHEDULES`.
        consents: `CONSENTS`, one row for each consent as known; a withdrawal after *deducted_at* is not one.
        clients: `CLIENTS`; one that is not there counts as retail.
        charged: ``consent_id``, ``total``: what is charged under a consent already, GST and adjustments
            included; any number of rows.
        deducted_at: Instant of the deduction, with a time zone.
        timezone: IANA zone of the tenant, in which consents are dated.
        estimate_tolerance_pct: By how much charges may exceed an estimate, as a fraction.

    Returns:
        `CONSENT_OUTCOMES`, by charge:

        - CLEARED with ``consent_ids``; or with ``exemption_code``: the schedule's, if it requires no consent
          (WHOLESALE only while the client is no retail client), or OLD_REGIME.
        - BLOCKED_NO_CONSENT: a kind or a holder is missing, withdrawn, expired or void (`REASONS`). A joint
          account has two holders at least, and all that ever signed.
        - BLOCKED_OVER_CONSENT: a fixed amount does not hold it. HELD_FOR_REVIEW: an estimate does not.

        Charges of one arrangement are tested in order of their period; one that does not pass
        uses nothing up.

    Raises:
        UsageError: *deducted_at* has no time zone, so that it is no instant.

    Source: domain_rules 3.5, 20b.
    """
    if deducted_at.tzinfo is None:
        raise UsageError("deducted_at has no time zone; give an instant, such as one in UTC")
    on = deducted_at.astimezone(ZoneInfo(timezone)).date()
    # Only arrangements that something is due under: often none, or few of very many.
    asked = fee_charges.filter(pl.col("status") == DUE).select("arrangement_id")
    arrangements = fee_arrangements.join(asked, on="arrangement_id", how="semi")
    days = arrangement_days(arrangements)
    lives = consent_lives(consents, arrangements, deducted_at=deducted_at, timezone=timezone)
    latest = _latest(lives)
    due = _due(fee_charges, arrangements, fee_schedules, clients, days).with_columns(
        (pl.col("new_regime_from") > on).fill_null(value=False).alias("is_old_regime")
    )
    standing = _standing(latest, due.select("arrangement_id", "entity", "fee_schedule_id").unique(), on=on)
    limits = consent_limits(latest.filter(_fault(on).is_null()), charged)
    tested = due.join(standing, on="arrangement_id", how="left").join(limits, on="arrangement_id", how="left")
    exempted = _exempted(tested)
    outcomes = within_amounts(exempted, tolerance=estimate_tolerance_pct)
    is_clear = pl.col("outcome") == CLEARED
    none = pl.lit([], dtype=pl.List(pl.String))
    return (
        outcomes.with_columns(
            pl.when(is_clear & pl.col("exemption_code").is_null())
            .then(pl.col("live_ids").fill_null(none))
            .otherwise(none)
            .alias("consent_ids"),
            pl.lit(deducted_at).cast(INSTANT).alias("deducted_at"),
        )
        .select(CONSENT_OUTCOMES.schema.names())
        .cast(CONSENT_OUTCOMES.schema)
        .sort("charge_id")
    )


def _due(
    fee_charges: pl.DataFrame,
    fee_arrangements: pl.DataFrame,
    fee_schedules: pl.DataFrame,
    clients: pl.DataFrame,
    days: pl.DataFrame,
) -> pl.DataFrame:
    """The charges to test, with what their arrangement, schedule and client say."""
    return (
        fee_charges.filter(pl.col("status") == DUE)
        .select(
            "charge_id", "arrangement_id", "fee_schedule_id", "ccy", "period_start", "period_end", "total"
        )
        .join(fee_arrangements.select("arrangement_id", "client_id"), on="arrangement_id", how="left")
        .join(clients.select("client_id", "retail", "entity"), on="client_id", how="left")
        .join(
            fee_schedules.select(
                "fee_schedule_id",
                "consent_required",
                pl.col("exemption_code").alias("schedule_exemption"),
                pl.col("ccy").alias("schedule_ccy"),
            ),
            on="fee_schedule_id",
            how="left",
        )
        .join(days.select("arrangement_id", "new_regime_from"), on="arrangement_id", how="left")
    )


def _latest(lives: pl.DataFrame) -> pl.DataFrame:
    """The last consent each holder had signed of each kind: it replaces the earlier ones, also dead."""
    return lives.filter("is_signed").unique(
        ["arrangement_id", "kind", "holder_id"], keep="last", maintain_order=True
    )


def _standing(latest: pl.DataFrame, wanted: pl.DataFrame, *, on: date) -> pl.DataFrame:
    """Whether both kinds stand for every holder: one row for each arrangement, ``fault`` null if so."""
    holders = latest.join(wanted, on="arrangement_id").with_columns(
        _fault(on).alias("fault"),
        (
            (pl.col("kind") == "DEDUCTION")
            & (pl.col("basis") == "method")
            & ~pl.col("fee_schedule_id").eq_missing(pl.col("fee_schedule_id_right"))
        ).alias("is_other_schedule"),
    )
    is_live = pl.col("fault").is_null()
    known = holders.group_by("arrangement_id").agg(pl.col("holder_id").n_unique().alias("known_holders"))
    by_kind = holders.group_by("arrangement_id", "kind").agg(
        is_live.sum().alias("live"),
        *((pl.col("fault") == name).any().alias(name) for name in _WORST_FIRST),
        pl.col("is_other_schedule").filter(is_live).any().alias("is_other_schedule"),
        pl.col("consent_id").filter(is_live).alias("ids"),
        pl.col("live_until").filter(is_live).min().alias("live_until"),
    )
    kinds = pl.DataFrame({"kind": _KINDS})
    is_joint = pl.col("entity") == "joint"
    needed = (
        pl.when(is_joint)
        .then(pl.max_horizontal(pl.col("known_holders").fill_null(0), pl.lit(_JOINT_HOLDERS)))
        .otherwise(1)
    )
    fault = (
        pl.when(pl.col("live").fill_null(0) < needed)
        .then(
            pl.coalesce(
                *(pl.when(pl.col(name).fill_null(value=False)).then(pl.lit(name)) for name in _WORST_FIRST),
                pl.when(is_joint & (pl.col("live") > 0)).then(pl.lit("NOT_SIGNED_BY_ALL_HOLDERS")),
                pl.lit("NOT_SIGNED"),
            )
        )
        .when(pl.col("is_other_schedule"))
        .then(pl.lit("OTHER_SCHEDULE"))
    )
    return (
        wanted.unique("arrangement_id")
        .join(kinds, how="cross")
        .join(known, on="arrangement_id", how="left")
        .join(by_kind, on=["arrangement_id", "kind"], how="left")
        .with_columns(fault.alias("fault"))
        .sort("arrangement_id", "kind")
        .group_by("arrangement_id", maintain_order=True)
        .agg(
            # DEDUCTION sorts first; the arrangement itself is the graver fault.
            pl.col("fault").drop_nulls().last().alias("fault"),
            pl.col("WITHDRAWN").filter(pl.col("kind") == "DEDUCTION").any().alias("is_deduction_withdrawn"),
            pl.col("ids").explode(empty_as_null=True, keep_nulls=True).drop_nulls().sort().alias("live_ids"),
            pl.when(pl.col("live_until").is_not_null().all())
            .then(pl.col("live_until").min())
            .alias("live_until"),
        )
    )


def _fault(on: date) -> pl.Expr:
    """Why a consent does not stand on a day; null if it does."""
    return (
        pl.when("is_void")
        .then(pl.lit("ARRANGEMENT_ENDED"))
        .when("is_withdrawn")
        .then(pl.lit("WITHDRAWN"))
        .when(pl.col("live_until") < on)
        .then(pl.lit("EXPIRED"))
    )


def _exempted(tested: pl.DataFrame) -> pl.DataFrame:
    """Add ``exemption_code`` and, where consents do not stand, ``outcome`` and ``reason``."""
    is_retail = pl.col("retail").fill_null(value=True)
    holds = (
        (pl.col("consent_required") == False)  # noqa: E712 - an expression; null is not False
        & pl.col("schedule_exemption").is_not_null()
        & ((pl.col("schedule_exemption") != _WHOLESALE) | ~is_retail)
    ).fill_null(value=False)
    # The old regime asks for no consent of this kind; whoever has withdrawn one is not debited all the same.
    is_old = pl.col("is_old_regime") & ~pl.col("is_deduction_withdrawn").fill_null(value=False)
    unknown = pl.when(pl.col("consent_required").is_null() | pl.col("client_id").is_null()).then(
        pl.lit("UNKNOWN_ARRANGEMENT")
    )
    other_ccy = pl.col("ccy") != pl.col("schedule_ccy")
    is_free = pl.col("exemption_code").is_not_null()
    return (
        tested.with_columns(
            pl.when(holds)
            .then("schedule_exemption")
            .when(is_old)
            .then(pl.lit(OLD_REGIME))
            .alias("exemption_code")
        )
        .with_columns(
            pl.when(~is_free).then(pl.coalesce(unknown, "fault")).alias("reason"),
            is_free.alias("is_free"),
        )
        .with_columns(
            pl.when("is_free")
            .then(pl.lit(CLEARED))
            .when(pl.col("reason").is_not_null())
            .then(pl.lit(BLOCKED_NO_CONSENT))
            .when(other_ccy)
            .then(pl.lit(HELD_FOR_REVIEW))
            .alias("outcome"),
            pl.when(~pl.col("is_free") & pl.col("reason").is_null() & other_ccy)
            .then(pl.lit("OTHER_CURRENCY"))
            .otherwise("reason")
            .alias("reason"),
        )
    )
