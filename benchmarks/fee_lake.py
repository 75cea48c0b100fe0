"""Writes the books of `fee_books` as imports, and the jobs before a fee run, would have left them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import polars as pl

from benchmarks.fee_books import (
    FIRST,
    HURDLE,
    MARKED_ON,
    PERFORMANCE_RATE,
    SESSIONS,
    SIGNED_ON,
    TENANT,
    TIERS,
    Books,
    Whole,
    days_between,
    is_session,
)
from ultracore_jobs.application import Application
from ultracore_jobs.application.tenants import add_tenant
from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.columns import MONEY, UNITS
from ultracore_jobs.catalog.fees import CONSENTS, FEE_ARRANGEMENTS, FEE_SCHEDULES
from ultracore_jobs.catalog.holdings import CLIENTS, PORTFOLIOS, TRANSACTIONS
from ultracore_jobs.catalog.market import CALENDARS, XASX, XNYS
from ultracore_jobs.kernels.fees.tables import UNIT_VALUE
from ultracore_jobs.kernels.high_water_mark import HIGH_WATER_MARKS
from ultracore_jobs.kernels.valuation import VALUATIONS
from ultracore_jobs.kernels.valuation.tables import PERFORMANCE_ACCRUALS
from ultracore_jobs.ports import JobStamp, Provenance

_KNOWN_AT = datetime(2026, 7, 1, tzinfo=UTC)


def write_books(app: Application, books: Books) -> None:
    """Everything that the run reads, as an import and the jobs before it would have left it."""
    add_tenant(app, TENANT, timezone="Australia/Sydney", starts_on=date(2026, 7, 1))
    _append(app, CALENDARS, _calendars(), tenant="shared")
    for dataset, rows in _registers(books):
        _append(app, dataset, rows)
    for place, day in enumerate(SESSIONS):
        for dataset, rows in _day(books, place, day):
            app.tables.publish(
                dataset,
                tenant=TENANT,
                partition=day.isoformat(),
                frame=filled(dataset, rows),
                provenance=_provenance(dataset, day),
            )


def filled(dataset: Dataset, rows: pl.DataFrame) -> pl.DataFrame:
    """*rows* with the contract's types; the usual values of every table, and null where nothing is said."""
    usual = {"tenant_id": TENANT, "known_at": _KNOWN_AT, "source": "benchmark"}
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(usual.get(name))).cast(dtype).alias(name)
        for name, dtype in dataset.schema.items()
    )


def exact(last_places: Whole, decimals: int, dtype: pl.Decimal) -> pl.Series:
    """Whole numbers of the last decimal as a Decimal."""
    unit = pl.lit(Decimal(1).scaleb(-decimals)).cast(pl.Decimal(38, decimals))
    whole = pl.Series("last_places", last_places)
    return pl.select((pl.lit(whole).cast(pl.Decimal(38, 0)) * unit).cast(dtype)).to_series()


def named(prefix: str, numbers: Whole) -> pl.Series:
    """Text identifiers, as registers have them."""
    return prefix + pl.Series(numbers).cast(pl.String).str.zfill(7)


def _append(app: Application, dataset: Dataset, rows: pl.DataFrame, *, tenant: str = TENANT) -> None:
    frame = filled(dataset, rows)
    provenance = _provenance(dataset, FIRST)
    app.tables.append(dataset, tenant=tenant, partition="history", frame=frame, provenance=provenance)


def _provenance(dataset: Dataset, day: date) -> Provenance:
    job = JobStamp(job_id="job_books", job_type=dataset.source, code_version="benchmark")
    return Provenance(job=job, as_of=day, known_at=_KNOWN_AT, input_hash="drawn")


def _calendars() -> pl.DataFrame:
    days = days_between(date(2026, 11, 1), date(2027, 3, 1))
    one = pl.DataFrame({"date": days, "is_business_day": [is_session(day) for day in days]})
    return pl.concat(
        [one.with_columns(calendar_id=pl.lit(name), tenant_id=pl.lit("shared")) for name in (XASX, XNYS)]
    )


def _registers(books: Books) -> Iterator[tuple[Dataset, pl.DataFrame]]:
    everybody = np.arange(len(books.gross))
    who = pl.DataFrame(
        {
            "portfolio_id": named("PF-", everybody),
            "client_id": named("C-", everybody),
            "is_joint": books.is_joint,
            "is_signed": books.is_signed,
        }
    )
    yield (
        CLIENTS,
        who.select(
            "client_id",
            pl.col("client_id").alias("legal_name"),
            pl.when("is_joint").then(pl.lit("joint")).otherwise(pl.lit("individual")).alias("entity"),
            retail=True,
            marginal_rate=0.3,
            risk_profile=pl.lit("balanced"),
            kyc_risk=pl.lit("LOW"),
            residency_country=pl.lit("AU"),
            timezone=pl.lit("Australia/Sydney"),
        ),
    )
    yield (
        PORTFOLIOS,
        who.select(
            "portfolio_id",
            "client_id",
            base_ccy=pl.lit("AUD"),
            calendar_id=pl.lit(XASX),
            opened_on=date(2026, 7, 1),
            status=pl.lit("OPEN"),
        ),
    )
    yield FEE_SCHEDULES, _schedules()
    arranged = _arrangements(books, who)
    dates = {name: pl.lit(SIGNED_ON) for name in ("entered_on", "start_on")}
    yield FEE_ARRANGEMENTS, arranged.with_columns(**dates)
    yield CONSENTS, _consents(arranged)
    yield TRANSACTIONS, _transactions(books, who)


def _schedules() -> pl.DataFrame:
    rows: list[dict[str, object]] = []
    for name, (method, slices, minimum) in TIERS.items():
        tiers = [{"from": low, "to": high, "bps": bps} for low, high, bps in slices]
        rows.append(
            {"fee_schedule_id": name, "fee_type": "MANAGEMENT", "tier_method": method, "tiers": tiers}
            | {"annual_minimum": minimum or None}
        )
    rows.append(
        {"fee_schedule_id": "FS-PERFORMANCE", "fee_type": "PERFORMANCE", "tiers": []}
        | {"hurdle_annual": float(HURDLE), "hurdle_type": "hard", "perf_rate": float(PERFORMANCE_RATE)}
        | {"crystallisation": "quarterly"}
    )
    plain = pl.List(pl.Struct({"from": pl.Int64, "to": pl.Int64, "bps": pl.Int64}))
    terms = pl.DataFrame(rows, schema_overrides={"tiers": plain}, infer_schema_length=None)
    return terms.with_columns(ccy=pl.lit("AUD"), consent_required=True)


def _arrangements(books: Books, who: pl.DataFrame) -> pl.DataFrame:
    on_assets = who.with_columns(
        arrangement_id="M-" + pl.col("portfolio_id"),
        fee_schedule_id=pl.Series(np.where(books.is_cliff, "FS-CLIFF", "FS-MARGINAL")),
    )
    on_gains = who[books.earners].with_columns(
        arrangement_id="P-" + pl.col("portfolio_id"), fee_schedule_id=pl.lit("FS-PERFORMANCE")
    )
    return pl.concat([on_assets, on_gains], how="diagonal_relaxed")


def _consents(arranged: pl.DataFrame) -> pl.DataFrame:
    """Both kinds of every holder; of those not signed, the deduction is missing."""
    kinds = pl.DataFrame({"kind": ["OFA", "DEDUCTION"]})
    holders = pl.DataFrame({"holder": ["1", "2"]})
    return (
        arranged.join(kinds, how="cross")
        .join(holders, how="cross")
        .filter((pl.col("holder") == "1") | pl.col("is_joint"))
        .filter((pl.col("kind") == "OFA") | pl.col("is_signed"))
        .select(
            "arrangement_id",
            "kind",
            "fee_schedule_id",
            pl.concat_str("arrangement_id", "kind", "holder", separator=":").alias("consent_id"),
            pl.concat_str("client_id", "holder", separator=":").alias("holder_id"),
            ("cash:" + pl.col("portfolio_id")).alias("account_id"),
            signed_on=SIGNED_ON,
            basis=pl.lit("method"),
            consented_amount=5_000_000,
            document_hash=pl.lit("0" * 64),
        )
    )


def _transactions(books: Books, who: pl.DataFrame) -> pl.DataFrame:
    """A deposit, a purchase and a dividend each."""
    cash = pl.Series(books.cash())
    kinds = {"DEPOSIT": cash, "BUY": -(cash // 2), "DIVIDEND": cash // 100}
    return pl.concat(
        who.select(
            pl.concat_str(pl.lit(f"{kind}-"), "portfolio_id").alias("transaction_id"),
            "portfolio_id",
            "client_id",
            amount.alias("amount"),
            type=pl.lit(kind),
            at=datetime(2026, 11, 2, 1, tzinfo=UTC),
            trade_on=date(2026, 11, 2),
            settle_on=date(2026, 11, 4),
            ccy=pl.lit("AUD"),
            external_flow=kind == "DEPOSIT",
            client_initiated=kind != "DIVIDEND",
            physical_currency=False,
        )
        for kind, amount in kinds.items()
    )


def _day(books: Books, place: int, day: date) -> Iterator[tuple[Dataset, pl.DataFrame]]:
    """What the jobs of one day publish: values, levels of performance fees, marks."""
    gross = books.gross[:, place]
    is_known = gross >= 0
    fees = gross // 20_000
    units, flow = np.full(len(gross), 1_000_000), np.zeros(len(gross), dtype=np.int64)
    held = books.held(place)
    units[books.earners] = held
    flow[books.earners[books.redeemed_at == place]] = -1_000_00
    owners = named("PF-", np.arange(len(gross)))
    value = pl.DataFrame(
        {
            "portfolio_id": owners,
            "nav": exact(gross - fees, 2, MONEY),
            "accrued_fees_base": exact(fees, 2, MONEY),
            "flow_base": exact(flow, 2, MONEY),
            "units": exact(units, 6, UNITS),
            "is_known": is_known,
        }
    ).with_columns(
        pl.when("is_known").then(pl.lit("COMPLETE")).otherwise(pl.lit("INCOMPLETE")).alias("status"),
        pl.when(~pl.col("is_known")).then(pl.lit("MISSING_PRICE")).alias("reason"),
        *(pl.when("is_known").then(name).alias(name) for name in ("nav", "accrued_fees_base", "flow_base")),
        as_of_date=day,
        valuation_id=pl.lit("val_") + "x",
        base_ccy=pl.lit("AUD"),
        aud_rate=1,
        lines=20,
        stale_lines=0,
        nav_per_unit_base=1,
        first_on=SIGNED_ON,
        units_on=day,
    )
    value = value.with_columns(nav_aud="nav", last_nav="nav")
    yield VALUATIONS, value
    nav_unit, mark = books.nav_unit[:, place], exact(books.mark_unit, 12, UNIT_VALUE)
    level = pl.DataFrame(
        {
            "portfolio_id": owners.gather(books.earners),
            "nav_unit": exact(nav_unit, 12, UNIT_VALUE),
            **dict.fromkeys(("hwm_unit", "hurdle_unit", "threshold_unit"), mark),
            "units": exact(held, 6, UNITS),
        }
    ).with_columns(
        arrangement_id="P-" + pl.col("portfolio_id"),
        client_id=pl.col("portfolio_id").str.replace("PF-", "C-"),
        fee_schedule_id=pl.lit("FS-PERFORMANCE"),
        as_of_date=day,
        since_on=MARKED_ON,
        ccy=pl.lit("AUD"),
        days=(day - MARKED_ON).days,
        fee_unit=0,
        accrued=0,
    )
    yield PERFORMANCE_ACCRUALS, level.filter(pl.Series(is_known[books.earners]))
    marks = dict.fromkeys(("hwm_unit", "peak_unit"), 1)
    yield (
        HIGH_WATER_MARKS,
        value.select("portfolio_id", "as_of_date", "units", **marks).with_columns(
            since_on=MARKED_ON, reason=pl.lit("DAILY"), ledger_seq=0
        ),
    )
