"""Fee terms of a tenant: schedules, arrangements and consents, some of them planted wrong."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from ultracore_jobs.catalog.columns import INSTANT, MONEY
from ultracore_jobs.catalog.fees import CONSENTS, FEE_ARRANGEMENTS, FEE_SCHEDULES
from ultracore_jobs.sample.calendars import at_wall_time
from ultracore_jobs.sample.grid import dates
from ultracore_jobs.sample.ledger import SOURCE
from ultracore_jobs.sample.planted import Planted
from ultracore_jobs.sample.roster import Roster

CHANGED_ON = date(2026, 9, 16)
"""Day the fee schedule of one portfolio changed, in the middle of a month."""

WITHDRAWN_AT = datetime(2025, 5, 20, 3, 30, tzinfo=UTC)
_RENEWALS = 9
_SCHEDULES_KNOWN = datetime(2023, 1, 2, tzinfo=UTC)
_SYDNEY = "Australia/Sydney"
_STANDARD, _CLIFF, _WHOLESALE, _ADVICE, _PERFORMANCE = (
    "FS-STANDARD",
    "FS-CLIFF",
    "FS-WHOLESALE",
    "FS-ADVICE",
    "FS-PERF",
)
_SCHEDULES: tuple[dict[str, Any], ...] = (
    {"fee_schedule_id": _STANDARD, "fee_type": "MANAGEMENT", "tier_method": "marginal", "bps": (100, 60)},
    {"fee_schedule_id": _CLIFF, "fee_type": "MANAGEMENT", "tier_method": "cliff", "bps": (100, 60)},
    {
        "fee_schedule_id": _WHOLESALE, "fee_type": "MANAGEMENT", "tier_method": "marginal", "bps": (75, 40),
        "consent_required": False, "exemption_code": "WHOLESALE",
    },
    {
        "fee_schedule_id": _ADVICE, "fee_type": "ADVICE", "tier_method": "marginal", "bps": (45, 30),
        "annual_minimum": Decimal(600),
    },
    {
        "fee_schedule_id": _PERFORMANCE, "fee_type": "PERFORMANCE", "bps": (), "hurdle_annual": 0.05,
        "hurdle_type": "hard", "perf_rate": 0.20, "crystallisation": "30_june",
    },
)  # fmt: skip
_BREAKPOINT = Decimal(500_000)


def fee_schedule_table(tenant: str) -> pl.DataFrame:
    """The five schedules every tenant has, as a `FEE_SCHEDULES` table."""
    usual = {
        "tenant_id": tenant,
        "ccy": "AUD",
        "consent_required": True,
        "known_at": _SCHEDULES_KNOWN,
        "source": SOURCE,
    }
    rows = [
        {**dict.fromkeys(FEE_SCHEDULES.schema), **usual, **schedule, "tiers": _tiers(schedule["bps"])}
        for schedule in _SCHEDULES
    ]
    return pl.DataFrame(
        [{name: row[name] for name in FEE_SCHEDULES.schema} for row in rows], schema=FEE_SCHEDULES.schema
    )


def arrangement_facts(roster: Roster, facts: pl.DataFrame) -> pl.DataFrame:
    """Who pays by which schedule, from when.

    Returns:
        ``portfolio``, ``client`` (places), ``number`` (in its portfolio), ``fee_schedule_id``,
        ``entered_on``, ``reference_on``, ``start_on``, ``end_on``, ``retail``, ``entity``.
    """
    p, draws = roster.places, roster.draws
    who = pl.DataFrame({"portfolio": p, "client": roster.client}).join(
        facts.select("client", "retail", "entity"), on="client", maintain_order="left"
    )
    who = who.with_columns(
        dates(roster.opened).alias("entered_on"), pl.lit(None, dtype=pl.Date).alias("reference_on")
    )
    cliff = pl.Series(draws.chance("fees/cliff", 0.2, p))
    retail = pl.col("retail")
    base = who.with_columns(
        pl.when(~retail)
        .then(pl.lit(_WHOLESALE))
        .when(cliff)
        .then(pl.lit(_CLIFF))
        .otherwise(pl.lit(_STANDARD))
        .alias("fee_schedule_id"),
        pl.lit(1).alias("number"),
    )
    advice = who.filter(pl.Series(draws.chance("fees/advice", 0.3, p)) & who["retail"]).with_columns(
        pl.lit(_ADVICE).alias("fee_schedule_id"), pl.lit(2).alias("number")
    )
    performance = who.filter(pl.Series(draws.chance("fees/performance", 0.1, p))).with_columns(
        pl.lit(_PERFORMANCE).alias("fee_schedule_id"), pl.lit(3).alias("number")
    )
    changed = pl.col("portfolio") == Planted.FEE_SCHEDULE_CHANGED.place
    referred = pl.col("portfolio") == Planted.REFERENCE_DAY.place
    standard = pl.col("number") == 1
    rows = pl.concat([base, advice, performance]).with_columns(
        pl.when(referred).then(pl.date(2023, 7, 1)).alias("reference_on"),
        pl.col("entered_on").alias("start_on"),
        pl.when(changed & standard).then(pl.lit(CHANGED_ON)).alias("end_on"),
        pl.when(changed & standard)
        .then(pl.lit(_STANDARD))
        .otherwise("fee_schedule_id")
        .alias("fee_schedule_id"),
    )
    after = rows.filter(changed & standard).with_columns(
        pl.lit(CHANGED_ON).alias("entered_on"),
        pl.lit(CHANGED_ON).alias("start_on"),
        pl.lit(None, dtype=pl.Date).alias("end_on"),
        pl.lit(_CLIFF).alias("fee_schedule_id"),
        pl.lit(4).alias("number"),
    )
    return pl.concat([rows, after]).sort("portfolio", "number")


def arrangement_table(arranged: pl.DataFrame, roster: Roster, until: date) -> pl.DataFrame:
    """Arrangements as a `FEE_ARRANGEMENTS` table: a row when entered into, another when an end is set."""
    ended = arranged.filter(pl.col("end_on").is_not_null()).with_columns(
        (pl.col("end_on") - pl.duration(days=15)).alias("on")
    )
    begun = arranged.with_columns(
        pl.lit(None, dtype=pl.Date).alias("end_on"), pl.col("entered_on").alias("on")
    )
    rows = pl.concat([begun, ended]).filter(pl.col("on") <= until)
    return (
        rows.with_columns(at_wall_time("on", 9, _SYDNEY, name="known_at"))
        .sort("known_at", "portfolio", "number", maintain_order=True)
        .select(
            pl.lit(roster.tenant).alias("tenant_id"),
            _arrangement_id(roster).alias("arrangement_id"),
            pl.lit(roster.client_ids).gather(pl.col("client")).alias("client_id"),
            pl.lit(roster.portfolio_ids).gather(pl.col("portfolio")).alias("portfolio_id"),
            "fee_schedule_id",
            "entered_on",
            "reference_on",
            "start_on",
            "end_on",
            "known_at",
            pl.lit(SOURCE).alias("source"),
        )
        .select(FEE_ARRANGEMENTS.schema.names())
    )


def consent_table(arranged: pl.DataFrame, roster: Roster, until: date) -> pl.DataFrame:
    """Consents as a `CONSENTS` table: each holder signs both kinds at the start and around each anniversary.

    Wholesale arrangements need none. The planted portfolios lack one, or have one that is too late, too
    small, withdrawn or never renewed.
    """
    signed = _signatures(arranged, roster)
    place = pl.col("portfolio")
    expired = (place == Planted.CONSENT_EXPIRED.place) & (pl.col("renewal") > 0)
    unrenewed = (place == Planted.CONSENT_WITHDRAWN.place) & (pl.col("signed_on") >= WITHDRAWN_AT.date())
    late = (place == Planted.JOINT_LATE_SIGNATURE.place) & (pl.col("holder") == 1) & (pl.col("renewal") == 0)
    small = place == Planted.CONSENT_TOO_SMALL.place
    estimate = pl.Series("first", roster.first_cents)
    signed = signed.filter((place != Planted.CONSENT_MISSING.place) & ~expired & ~unrenewed).with_columns(
        pl.when(late).then(pl.col("signed_on").dt.offset_by("90d")).otherwise("signed_on").alias("signed_on"),
        pl.when(small).then(pl.lit("fixed")).otherwise(pl.lit("method")).alias("basis"),
        pl.when(small)
        .then(100)
        # Three per cent of what was paid in, growing by an eighth a year: more than the fees will be.
        .otherwise(pl.lit(estimate).gather(place) * 3 * (8 + pl.col("renewal")) // 800)
        .alias("cents"),
        pl.lit(None, dtype=INSTANT).alias("withdrawn_at"),
    )
    signed = signed.filter(pl.col("signed_on") <= until).with_columns(
        at_wall_time("signed_on", 12, _SYDNEY, name="known_at")
    )
    in_force = pl.col("renewal") == pl.col("renewal").max().over("portfolio", "number", "kind", "holder")
    withdrawn = signed.filter(
        (place == Planted.CONSENT_WITHDRAWN.place) & (pl.col("kind") == "DEDUCTION") & in_force
    ).with_columns(
        pl.lit(WITHDRAWN_AT, dtype=INSTANT).alias("withdrawn_at"),
        pl.lit(WITHDRAWN_AT, dtype=INSTANT).alias("known_at"),
    )
    rows = pl.concat([signed, withdrawn]).filter(pl.col("known_at").dt.date() <= until)
    rows = rows.with_columns(pl.Series("document_hash", _hashes(rows, roster)))
    return (
        rows.sort("known_at", "portfolio", "number", "renewal", "kind", "holder")
        .with_columns(_arrangement_id(roster).alias("arrangement_id"))
        .select(
            pl.lit(roster.tenant).alias("tenant_id"),
            pl.format(
                "{}-{}{}-{}",
                "arrangement_id",
                pl.col("kind").str.slice(0, 1),
                "renewal",
                pl.col("holder") + 1,
            ).alias("consent_id"),
            "arrangement_id",
            pl.format("{}-CASH", pl.lit(roster.portfolio_ids).gather(place)).alias("account_id"),
            "kind",
            pl.format(
                "{}-H{}", pl.lit(roster.client_ids).gather(pl.col("client")), pl.col("holder") + 1
            ).alias("holder_id"),
            "signed_on",
            "basis",
            (pl.col("cents").cast(pl.Decimal(38, 0)) * pl.lit(Decimal("0.01")))
            .cast(MONEY)
            .alias("consented_amount"),
            "fee_schedule_id",
            "withdrawn_at",
            "document_hash",
            "known_at",
            pl.lit(SOURCE).alias("source"),
        )
        .select(CONSENTS.schema.names())
    )


def _signatures(arranged: pl.DataFrame, roster: Roster) -> pl.DataFrame:
    """One row for each arrangement that needs consent, renewal, kind and holder, with its day."""
    needed = arranged.filter(pl.col("fee_schedule_id") != _WHOLESALE)
    spread = (
        needed.join(pl.DataFrame({"renewal": np.arange(_RENEWALS)}), how="cross")
        .join(pl.DataFrame({"kind": ["OFA", "DEDUCTION"]}), how="cross")
        .join(pl.DataFrame({"holder": np.arange(2)}), how="cross")
        .filter((pl.col("holder") == 0) | (pl.col("entity") == "joint"))
    )
    indices = [spread[name].to_numpy() for name in ("portfolio", "number", "renewal")]
    # Renewal is open from 60 days before the anniversary to 150 after; the sample keeps well inside.
    after = roster.draws.below("consent/day", 81, *indices) - 40
    anniversary = pl.coalesce("reference_on", "entered_on").dt.offset_by(pl.format("{}y", "renewal"))
    first = pl.col("renewal") == 0
    return spread.with_columns(pl.Series("after", after)).with_columns(
        pl.when(first)
        .then("entered_on")
        .otherwise(anniversary + pl.duration(days="after"))
        .alias("signed_on")
    )


def _hashes(rows: pl.DataFrame, roster: Roster) -> npt.NDArray[np.str_]:
    kind = (rows["kind"] == "OFA").cast(pl.Int64).to_numpy()
    indices = [rows[name].to_numpy() for name in ("portfolio", "number", "renewal", "holder")]
    return roster.draws.hexadecimal("consent/document", *indices, kind)


def _arrangement_id(roster: Roster) -> pl.Expr:
    return pl.format("{}-F{}", pl.lit(roster.portfolio_ids).gather(pl.col("portfolio")), "number")


def _tiers(bps: tuple[int, ...]) -> list[dict[str, Decimal | None]]:
    if not bps:
        return []
    low, high = (Decimal(each) for each in bps)
    return [
        {"from": Decimal(0), "to": _BREAKPOINT, "bps": low},
        {"from": _BREAKPOINT, "to": None, "bps": high},
    ]
