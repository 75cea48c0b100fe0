"""What providers publish: prices, corporate actions, exchange-rate fixings."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

import polars as pl

from ultracore_jobs.catalog import Dataset
from ultracore_jobs.ports.tables import Coverage


@dataclass(frozen=True)
class Delivery:
    """What one provider delivered.

    Attributes:
        frame: Rows of a vendor dataset, as text; ``known_at`` says when each could first be known.
        covers: Market and session ranges that these rows complete.
        label: Where they come from, for people: provider, licence, and whether it is a replay.
    """

    frame: pl.DataFrame
    covers: tuple[Coverage, ...]
    label: str


class Feeds(Protocol):
    """Brings deliveries."""

    def deliver(self, dataset: Dataset, *, since: date, until: date, known_at: datetime) -> Delivery:
        """What is published for the days *since* to *until*, both included, and known by *known_at*.

        Args:
            dataset: `VENDOR_PRICES`, `VENDOR_ACTIONS` or `VENDOR_FIXINGS`.
            since: First day wanted.
            until: Last day wanted, the job's logical date.
            known_at: The job's knowledge cut-off; a live feed stamps rows with it.

        Returns:
            A conforming `Delivery`. Days not published yet are simply not covered.

        Raises:
            FeedError: The provider's file is unreadable, too large or malformed.
            FeedExhaustedError: The feed has no data for *until* and never will have.
        """
        ...
