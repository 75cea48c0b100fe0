"""Market data refresh: closing prices, splits and dividends as providers deliver them, daily."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
from pydantic import Field

from ultracore_jobs.catalog.market import CALENDARS, CORPORATE_ACTIONS, INSTRUMENTS, PRICES, XASX
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_PRICES
from ultracore_jobs.jobs.cadence import Cadence
from ultracore_jobs.jobs.spec import Chart, Example, JobSpec, Parameters, Priority
from ultracore_jobs.kernels.deliveries import CORRECTION
from ultracore_jobs.kernels.gates import Gate, Severity
from ultracore_jobs.kernels.market_data import refresh_market_data
from ultracore_jobs.kernels.market_laws import (
    currency_not_instruments,
    held_prices,
    incomplete_actions,
    instruments_without_price,
    known_after_cutoff,
    material_corrections,
    more_than_one_price,
    not_positive,
)


class MarketDataParameters(Parameters):
    """Parameters of `market_data_refresh`."""

    restatement_threshold_bps: float = Field(
        default=5.0, ge=0, description="Change of a close, in hundredths of a per cent, that is reported"
    )
    lookback_sessions: int = Field(
        default=10, ge=1, description="Sessions back from D within which a correction is taken by itself"
    )
    spike_z: float = Field(default=8.0, gt=0, description="Greatest modified z-score of a daily return")
    spike_flat_limit: float = Field(
        default=0.25, gt=0, description="Greatest daily return where history is short or has no spread"
    )
    spike_confirm_limit: float = Field(
        default=0.40, ge=0, lt=0.5, description="Greatest move that the next close may confirm by itself"
    )
    spike_window: int = Field(default=60, ge=10, le=80, description="Daily returns that history is judged by")


def _result(
    *,
    prices: pl.DataFrame,
    corporate_actions: pl.DataFrame,
    quarantine: pl.DataFrame,
    vendor_prices: pl.DataFrame,
    instruments: pl.DataFrame,
    calendars: pl.DataFrame,
    as_of: date,
    restatement_threshold_bps: float,
) -> dict[str, Any]:
    late = instruments_without_price(vendor_prices, quarantine, instruments, calendars, as_of)
    corrected = _is_correction(prices).sum()
    return {
        "loaded": prices.height - corrected,
        "corrected": corrected,
        "rejected": quarantine.select("table_name", "row_number").n_unique(),
        "quarantined": held_prices(prices).height,
        "restated": material_corrections(prices, restatement_threshold_bps).height,
        "actions_loaded": corporate_actions.height,
        "instruments_without_price": late.height,
        "rejected_by_reason": dict(quarantine.group_by("reason").len().sort("reason").iter_rows()),
    }


def _is_correction(prices: pl.DataFrame) -> pl.Series:
    return prices["reason"].fill_null("").str.starts_with(CORRECTION)


def _chart(prices: pl.DataFrame, corporate_actions: pl.DataFrame, quarantine: pl.DataFrame) -> Chart:
    corrected = _is_correction(prices)
    held = prices["status"] == "QUARANTINED"
    bars = {
        "new prices": (~corrected & ~held).sum(),
        "corrections": (corrected & ~held).sum(),
        "held for a person": held.sum(),
        "splits and dividends": corporate_actions.height,
        **{f"rejected: {name}": number for name, number in _largest_reasons(quarantine)},
    }
    return Chart("What became of the delivery", "rows", tuple((k, float(v)) for k, v in bars.items()))


def _largest_reasons(quarantine: pl.DataFrame) -> list[tuple[str, int]]:
    counted = quarantine.group_by("reason").len().sort(["len", "reason"], descending=[True, False])
    return list(counted.head(6).iter_rows())


def _preview(prices: pl.DataFrame, quarantine: pl.DataFrame) -> pl.DataFrame:
    """What a person should look at: prices held back, rows set aside, corrections; else new prices."""
    held_first = prices.sort(
        pl.col("status") != "QUARANTINED", pl.col("reason").is_null(), maintain_order=True
    )
    rows = held_first.select(
        pl.concat_str("instrument_id", pl.col("price_date").cast(pl.String), separator=" ").alias("row"),
        pl.col("close").cast(pl.String).alias("value"),
        pl.col("status").alias("outcome"),
        pl.col("reason").fill_null("new"),
    )
    rejected = quarantine.select(
        pl.col("row_key").alias("row"),
        pl.format("{} = {}", "column_name", pl.col("value").fill_null("nothing")).alias("value"),
        pl.lit("REJECTED").alias("outcome"),
        "reason",
    )
    order = {"QUARANTINED": 0, "REJECTED": 1, "OK": 2}
    return (
        pl.concat([rows, rejected])
        .sort(
            pl.col("outcome").replace_strict(order, return_dtype=pl.Int64),
            pl.col("reason") == "new",
            maintain_order=True,
        )
        .head(12)
    )


def _example() -> Example:
    day, eve = date(2026, 11, 19), date(2026, 11, 18)
    known_at = datetime(2026, 11, 19, 7, tzinfo=UTC)
    given = {"tenant_id": "shared", "known_at": known_at, "source": "example"}
    fund = {"instrument_id": "I-1", "symbol": "ABC", "exchange": XASX, "ccy": "AUD", "type": "ETF"}
    sizes = {"price_factor": Decimal(1), "lot_size": Decimal(1), "asset_class": "AU_EQUITY", "issuer_id": "A"}
    quote = {"symbol": "ABC", "exchange": XASX, "ccy": "AUD", **given}
    delivered = [
        {"price_date": "2026-11-18", "close": "20.05", **quote},
        {"price_date": "2026-11-19", "close": "10.10", **quote},
    ]
    split = {"action_id": "S-1", "symbol": "ABC", "exchange": XASX, "type": "SPLIT", "ratio": "2"}
    stored = {
        "instrument_id": "I-1",
        "price_date": eve,
        "close": Decimal("20.00"),
        "status": "OK",
        **given,
        "known_at": datetime(2026, 11, 18, 7, tzinfo=UTC),
    }
    calendar = [
        {"calendar_id": XASX, "date": open_day, "is_business_day": True, **given} for open_day in (eve, day)
    ]
    return Example(
        text="The close of 18 November was 20.00 and is now delivered as 20.05: a new row, known later, that "
        "names what it corrects. On 19 November 10.10 is no fall by half, because a 2-for-1 split goes ex "
        "that day.",
        as_of=day,
        known_at=known_at,
        inputs={
            "vendor_prices": pl.DataFrame(delivered, schema=VENDOR_PRICES.schema),
            "vendor_actions": pl.DataFrame(
                [{**split, "ex_on": "2026-11-19", **given}], schema=VENDOR_ACTIONS.schema
            ),
            "instruments": pl.DataFrame([{**fund, **sizes, **given}], schema=INSTRUMENTS.schema),
            "prices": pl.DataFrame([stored], schema=PRICES.schema),
            "corporate_actions": CORPORATE_ACTIONS.empty(),
            "calendars": pl.DataFrame(calendar, schema=CALENDARS.schema),
        },
        expected={
            "prices": pl.DataFrame(
                {
                    "price_date": [eve, day],
                    "close": [Decimal("20.05"), Decimal("10.10")],
                    "status": ["OK", "OK"],
                    "reason": ["CORRECTION of 20.000000", None],
                }
            ),
            "corporate_actions": pl.DataFrame(
                {"action_id": ["S-1"], "type": ["SPLIT"], "ratio": [Decimal(2)]}
            ),
        },
        parameters={"restatement_threshold_bps": 50.0},
    )


JOB = JobSpec(
    name="market_data_refresh",
    family="market_data",
    summary="Closing prices, splits and dividends: what is new or changed since the last load, daily.",
    rule="""
Providers' rows are stored word for word first, then judged one by one. **Raw closes** are kept; adjusted
series are derived from them when they are needed.

- **New or changed rows only.** The same file sent again gives no new rows.
- **A correction** is a new row, known later, with the reason `CORRECTION of` the old close; the old row
  stays, so a number computed before it can still be explained. Changes of `restatement_threshold_bps` or
  more are reported. Corrections further back than `lookback_sessions` wait for a person.
- **A bad row** is set aside alone, with its reason: no number, zero or negative, bid above ask, a future date
  or a day without a session, another currency than the instrument's, an unknown symbol.
- **A spike** is stored as QUARANTINED and not used until **a person decides**. A return `x` is a spike where
  `|0.67448975 (x - median) / MAD| > spike_z` over the last `spike_window` returns before it; where history is
  short or flat, where `|x| > spike_flat_limit`. Splits and dividends are taken out of the returns first. A
  move up to `spike_confirm_limit` that the next close confirms is believed from that close on.
- **To release** a price, import the row again with status OK. Start its reason with RELEASED and no later
  delivery replaces it.
- **No price** for an instrument: its previous one stands, and ages; the job says which.
""",
    source="domain_rules 16, 13",
    reads=(
        VENDOR_PRICES.from_feed(days=16),
        VENDOR_ACTIONS.from_feed(days=16),
        INSTRUMENTS,
        PRICES.last(days=130).optional(),
        CORPORATE_ACTIONS.plainly().optional(),
        CALENDARS.last(days=200),
    ),
    kernel=refresh_market_data,
    writes=(PRICES, CORPORATE_ACTIONS),
    cadence=Cadence.DAYS,
    priority=Priority.HIGH,
    rerun="Rows already stored give no new rows; the same delivery writes nothing.",
    parameters=MarketDataParameters,
    gates=(
        Gate(
            "known_before_cutoff",
            "prices",
            "No row was known later than the job's own cut-off",
            known_after_cutoff,
        ),
        Gate(
            "one_price_per_instrument_and_day",
            "prices",
            "One load says one thing about an instrument's day",
            more_than_one_price,
        ),
        Gate("prices_positive", "prices", "Every close is above zero", not_positive),
        Gate(
            "instrument_currency_matches",
            "prices",
            "Behind every price stands a delivered row in the instrument's own currency",
            currency_not_instruments,
        ),
        Gate(
            "actions_complete",
            "corporate_actions",
            "Every split has a ratio, every dividend cash, each of a known instrument",
            incomplete_actions,
        ),
        Gate(
            "every_instrument_priced",
            "prices",
            "Every listed instrument has a readable price of its exchange's last session",
            instruments_without_price,
            Severity.WARNING,
        ),
        Gate(
            "no_price_quarantined",
            "prices",
            "No new price waits for a person because it moved too far",
            held_prices,
            Severity.WARNING,
        ),
        Gate(
            "no_material_correction",
            "prices",
            "No close changed so much that what was computed from it must be looked at",
            material_corrections,
            Severity.WARNING,
        ),
    ),
    result=_result,
    chart=_chart,
    preview=_preview,
    example=_example,
)
