"""What every `Feeds` must keep to, whatever brings the data."""

from datetime import UTC, date, datetime
from typing import NamedTuple

import polars as pl
import pytest

from ultracore_jobs.catalog import Dataset, conform
from ultracore_jobs.catalog.market import FX_RATES, PRICES
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_FIXINGS, VENDOR_PRICES
from ultracore_jobs.errors import UnknownNameError
from ultracore_jobs.ports import Delivery, Feeds

DAY_COLUMNS = {"vendor_prices": "price_date", "vendor_actions": "ex_on", "vendor_fixings": "rate_date"}
MARKETS = {"vendor_prices": PRICES.covered_by, "vendor_actions": (), "vendor_fixings": FX_RATES.covered_by}

DAILY = pytest.mark.parametrize(
    "dataset", [VENDOR_PRICES, VENDOR_FIXINGS], ids=lambda dataset: str(dataset.name)
)
DATASETS = pytest.mark.parametrize(
    "dataset", [VENDOR_PRICES, VENDOR_ACTIONS, VENDOR_FIXINGS], ids=lambda dataset: str(dataset.name)
)


class Window(NamedTuple):
    """Days for which the feeds under test have prices and fixings, and a cut-off after their publication."""

    since: date
    until: date
    known_at: datetime


class FeedsContract:
    """Inherit it in a ``Test...`` class that has the fixtures `feeds` and `window`."""

    @pytest.fixture
    def feeds(self) -> Feeds:
        """The feeds under test."""
        raise NotImplementedError

    @pytest.fixture
    def window(self) -> Window:
        """At least two business days that all markets of the feeds have data for."""
        raise NotImplementedError

    @DATASETS
    def test_rows_keep_the_vendor_contract(self, feeds: Feeds, window: Window, dataset: Dataset) -> None:
        """Text columns, stamped with the reserved tenant, a source, and an instant up to the cut-off."""
        delivery = ask(feeds, dataset, window)

        conform(delivery.frame, dataset)
        assert set(delivery.frame["tenant_id"]) <= {"shared"}
        assert all(known_at <= window.known_at for known_at in delivery.frame["known_at"])

    @DAILY
    def test_every_readable_day_lies_in_the_window(
        self, feeds: Feeds, window: Window, dataset: Dataset
    ) -> None:
        """Both ends included; a day that cannot be read may stay, for the kernel to reject.

        Actions are announced ahead of their ex date, so theirs may lie after the window.
        """
        days = readable_days(dataset, ask(feeds, dataset, window))

        assert all(window.since <= day <= window.until for day in days)

    @DATASETS
    def test_the_same_question_has_the_same_answer(
        self, feeds: Feeds, window: Window, dataset: Dataset
    ) -> None:
        """Or a re-run would find new rows where there are none."""
        first, second = ask(feeds, dataset, window), ask(feeds, dataset, window)

        assert first.frame.equals(second.frame)
        assert first.covers == second.covers

    @DATASETS
    def test_a_longer_window_holds_the_shorter_one(
        self, feeds: Feeds, window: Window, dataset: Dataset
    ) -> None:
        """A day has the same rows whichever window asks for it."""
        whole = ask(feeds, dataset, window).frame
        last = ask(feeds, dataset, window._replace(since=window.until)).frame
        column = DAY_COLUMNS[dataset.name]

        assert last.join(whole, on=whole.columns, how="anti", nulls_equal=True).is_empty()
        if dataset is not VENDOR_ACTIONS:
            of_last_day = pl.col(column) == window.until.isoformat()
            assert last.filter(of_last_day).equals(whole.filter(of_last_day))

    def test_a_table_that_no_provider_delivers_is_refused(self, feeds: Feeds, window: Window) -> None:
        """And those are named that one does."""
        with pytest.raises(UnknownNameError, match="'prices'; there are: vendor_actions, vendor_fixings"):
            ask(feeds, PRICES, window)

    @DATASETS
    def test_coverage_names_markets_of_the_dataset_inside_the_window(
        self, feeds: Feeds, window: Window, dataset: Dataset
    ) -> None:
        """Nothing is claimed that was not asked for; actions complete no session."""
        for span in ask(feeds, dataset, window).covers:
            assert span.market in MARKETS[dataset.name]
            assert window.since <= span.first <= span.last <= window.until

    @DAILY
    def test_the_last_day_is_covered_once_it_is_out(
        self, feeds: Feeds, window: Window, dataset: Dataset
    ) -> None:
        """Readers of that day may go on."""
        covers = ask(feeds, dataset, window).covers

        assert any(span.first <= window.until <= span.last for span in covers)

    @DATASETS
    def test_a_person_is_told_where_rows_come_from(
        self, feeds: Feeds, window: Window, dataset: Dataset
    ) -> None:
        """The label is shown beside the numbers."""
        assert ask(feeds, dataset, window).label.strip()


def ask(feeds: Feeds, dataset: Dataset, window: Window) -> Delivery:
    """Ask for a window."""
    return feeds.deliver(dataset, since=window.since, until=window.until, known_at=window.known_at)


def readable_days(dataset: Dataset, delivery: Delivery) -> list[date]:
    """The days of a delivery that are dates."""
    written = delivery.frame[DAY_COLUMNS[dataset.name]]
    return written.str.to_date("%Y-%m-%d", strict=False).drop_nulls().to_list()


AFTER = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
"""A cut-off after the days of the hand-written provider files."""
