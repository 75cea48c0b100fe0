"""The `history` load: market data from before the first business day of a demo, in one file a table."""

from datetime import date

import polars as pl

from ultracore_jobs.application import Application
from ultracore_jobs.application.platform import SHARED
from ultracore_jobs.catalog import Dataset, screen
from ultracore_jobs.catalog.fingerprint import content_hash
from ultracore_jobs.catalog.market import CORPORATE_ACTIONS, FX_RATES, PRICES
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_FIXINGS, VENDOR_PRICES
from ultracore_jobs.lifecycle.identity import identifier
from ultracore_jobs.ports import JobStamp, Provenance
from ultracore_jobs.sample.instruments import listings
from ultracore_jobs.sample.replay import ReplayFeeds

HISTORY = "history"


def load_history(app: Application, *, before: date) -> dict[str, int]:
    """Load prices, actions and fixings of the days before *before*, once for a store.

    Planted bad rows are no part of it: what a market data job rejects in a daily delivery never reached
    the tables. Days that pass without a load are made up for by the jobs themselves.

    Returns:
        Rows written, by table; empty where the store has its history already.
    """
    feeds = ReplayFeeds()
    written = {}
    for dataset, vendor in (
        (PRICES, VENDOR_PRICES),
        (CORPORATE_ACTIONS, VENDOR_ACTIONS),
        (FX_RATES, VENDOR_FIXINGS),
    ):
        if app.tables.versions(dataset, tenant=SHARED, partition=HISTORY):
            continue
        delivery = feeds.history(vendor, before)
        rows = screen(_typed(dataset, delivery.frame), dataset).accepted
        # Published whole, not appended: of two first demos at once the second replaces like by like.
        app.tables.publish(
            dataset,
            tenant=SHARED,
            partition=HISTORY,
            frame=rows,
            provenance=Provenance(
                job=JobStamp(
                    job_id=identifier("lnd_", SHARED, dataset.name, HISTORY),
                    job_type="sample_history",
                    code_version=app.code_version,
                ),
                as_of=before,
                known_at=app.clock.now(),
                input_hash=content_hash(delivery.frame),
                covers=tuple(span for span in delivery.covers if span.market in dataset.covered_by),
                result={"label": delivery.label},
            ),
        )
        written[dataset.name] = rows.height
    return written


def _typed(dataset: Dataset, delivered: pl.DataFrame) -> pl.DataFrame:
    """Vendor rows under our identifiers; their values are still text, for the contract to read."""
    if dataset is FX_RATES:
        return delivered.with_columns(pl.lit("OK").alias("status"))
    instruments = listings().select("symbol", "exchange", "instrument_id", our_ccy="ccy")
    ours = delivered.join(instruments, on=["symbol", "exchange"], how="inner", maintain_order="left")
    if dataset is CORPORATE_ACTIONS:
        return ours
    return ours.filter(pl.col("ccy") == pl.col("our_ccy")).with_columns(pl.lit("OK").alias("status"))
