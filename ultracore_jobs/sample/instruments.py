"""The sample's instruments: 25 real ones, priced by the replay, and five synthetic ones, labelled so."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from itertools import pairwise

import polars as pl

from ultracore_jobs.catalog.market import INSTRUMENTS, UNLISTED, XASX, XNYS
from ultracore_jobs.sample.calendars import KNOWN_FROM

REAL = "replay"
SYNTHETIC = "synthetic"
FUND, BOND, DEPOSIT = "UNL-SYNFUND", "XASX-SYNBOND", "UNL-SYNTD"
SUSPENDED, STALE = "XASX-SYNSUSP", "XASX-SYNSLOW"

STOCKS: dict[str, str] = {
    "AAPL": "technology", "AMD": "technology", "BAC": "financials", "BBY": "consumer", "CVX": "energy",
    "GE": "industrials", "HD": "consumer", "JNJ": "health", "JPM": "financials", "KO": "staples",
    "LLY": "health", "MRK": "health", "MSFT": "technology", "PEP": "staples", "PFE": "health",
    "PG": "staples", "RRC": "energy", "UNH": "health", "WMT": "staples", "XOM": "energy",
}  # fmt: skip
"""US stocks by ticker, with the sector that stands for their similarity group."""

FACTOR_ETFS = ("MTUM", "QUAL", "SIZE", "USMV", "VLUE")

ISSUE_ON = date(2024, 1, 15)
"""Day the term deposit begins."""
DEPOSIT_MATURES_ON = date(2028, 1, 17)
DEPOSIT_RATE_BPS = 450
BOND_RATE_BPS = 425
BOND_MATURES_ON = date(2033, 6, 15)
BOND_COUPONS = tuple(date(year, month, 15) for year in range(2020, 2034) for month in (6, 12))[:-1]
DEPOSIT_INTEREST = (ISSUE_ON, *(date(year, 1, 15) for year in (2025, 2026, 2027)), DEPOSIT_MATURES_ON)
"""Days from and to which interest of the term deposit is counted, both ends."""


@dataclass(frozen=True)
class Listing:
    """What every price row of an instrument needs."""

    instrument_id: str
    symbol: str
    exchange: str
    ccy: str


@cache
def listings() -> pl.DataFrame:
    """``instrument_id``, ``symbol``, ``exchange``, ``ccy`` of every instrument, by instrument_id."""
    real = [Listing(f"XNYS-{symbol}", symbol, XNYS, "USD") for symbol in (*STOCKS, *FACTOR_ETFS)]
    synthetic = [
        Listing(name, name.split("-")[1], UNLISTED if name.startswith("UNL") else XASX, "AUD")
        for name in (FUND, BOND, DEPOSIT, SUSPENDED, STALE)
    ]
    return pl.DataFrame([vars(each) for each in (*real, *synthetic)]).sort("instrument_id")


@cache
def instrument_table() -> pl.DataFrame:
    """All rows of the instrument master, as an `INSTRUMENTS` table.

    Interest-bearing instruments have one row for each interest period, known from its first day on.
    Volumes are synthetic: the replay's source has none.
    """
    rows = [*(_stock(symbol, sector) for symbol, sector in STOCKS.items()), *map(_etf, FACTOR_ETFS)]
    rows += [
        _row(
            FUND, type="FUND", asset_class="diversified", issuer_id="SYN-FUNDCO", lot_size="0.0001",
            similarity_group="diversified-fund",
        ),
        _row(SUSPENDED, asset_class="equity_au", issuer_id="SYN-SUSPCO", adv20_units="0"),
        _row(STALE, asset_class="equity_au", issuer_id="SYN-SLOWCO", adv20_units="1500"),
    ]  # fmt: skip
    for last, following in pairwise(BOND_COUPONS):
        rows.append(
            _row(
                BOND, type="BOND", price_factor="0.01", asset_class="fixed_income", issuer_id="SYN-TREASURY",
                adv20_units="250000", coupon_rate=BOND_RATE_BPS / 10_000, coupon_freq=2, last_coupon_on=last,
                next_coupon_on=following, matures_on=BOND_MATURES_ON, known_at=_opening(last),
            )
        )  # fmt: skip
    for last, following in pairwise(DEPOSIT_INTEREST):
        rows.append(
            _row(
                DEPOSIT, type="TERM_DEPOSIT", asset_class="cash_like", issuer_id="SYN-BANK", lot_size="0.01",
                coupon_rate=DEPOSIT_RATE_BPS / 10_000, coupon_freq=1, last_coupon_on=last,
                next_coupon_on=following, matures_on=DEPOSIT_MATURES_ON, known_at=_opening(last),
            )
        )  # fmt: skip
    unfilled = pl.DataFrame(rows, infer_schema_length=None).join(listings(), on="instrument_id")
    unfilled = unfilled.with_columns(
        pl.lit(None).alias(name) for name in INSTRUMENTS.schema if name not in unfilled.columns
    )
    return unfilled.select(pl.col(name).cast(dtype) for name, dtype in INSTRUMENTS.schema.items()).sort(
        "instrument_id", "known_at"
    )


def _stock(symbol: str, sector: str) -> dict[str, object]:
    place = sorted(STOCKS).index(symbol)
    return _row(
        f"XNYS-{symbol}", asset_class="equity_us", issuer_id=f"ISS-{symbol}", similarity_group=f"us-{sector}",
        adv20_units=str(1_000_000 + 350_000 * place), source="replay; volume synthetic",
    )  # fmt: skip


def _etf(symbol: str) -> dict[str, object]:
    return _row(
        f"XNYS-{symbol}", type="ETF", asset_class="equity_us", issuer_id="ISS-FACTORS",
        similarity_group=f"us-factor-{symbol.lower()}", adv20_units="400000",
        source="replay; volume synthetic",
    )  # fmt: skip


def _row(instrument_id: str, **given: object) -> dict[str, object]:
    usual: dict[str, object] = {
        "tenant_id": "shared",
        "instrument_id": instrument_id,
        "type": "EQUITY",
        "price_factor": "1",
        "lot_size": "1",
        "known_at": KNOWN_FROM,
        "source": "synthetic sample",
    }
    return {**usual, **given}


def _opening(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
