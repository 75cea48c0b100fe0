"""Given mandates: what a portfolio should hold, and how far it may stray (domain_rules 2, 6)."""

import polars as pl

from ultracore_jobs.catalog.columns import KNOWN_AT, SOURCE, TENANT_ID, Column, fraction, text
from ultracore_jobs.catalog.dataset import Dataset, Partitioning

MANDATES = Dataset(
    name="mandates",
    grain="one sleeve of one portfolio's mandate, as known from one moment on",
    key=("portfolio_id", "sleeve"),
    partitioning=Partitioning.BY_LOAD,
    source="mandate register",
    columns={
        "tenant_id": TENANT_ID,
        "portfolio_id": text("Portfolio it governs"),
        "sleeve": text("Instrument id, or CASH, which is tested but never traded"),
        "target_weight": fraction("Target share of NAV; a portfolio's add to 1", at_least=0, at_most=1),
        "min_weight": fraction("Least share of NAV allowed", at_least=0, at_most=1),
        "max_weight": fraction("Greatest share of NAV allowed", at_least=0, at_most=1),
        "abs_band": fraction("Distance from target in shares of NAV that is a breach", at_least=0, at_most=1),
        "rel_band": fraction("Distance from target, relative to it, that is a breach", at_least=0),
        "cash_buffer_pct": fraction("Share of NAV that trades must leave in cash", at_least=0, at_most=1),
        "prohibited": Column(
            pl.List(pl.String), "Instruments the portfolio may not hold; the same list on each sleeve"
        ),
        "known_at": KNOWN_AT,
        "source": SOURCE,
    },
)
