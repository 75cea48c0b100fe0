"""The replay feed: real history on new dates, as if a vendor sent it day by day (`ports.Feeds`)."""

from collections.abc import Callable
from datetime import date, datetime

import polars as pl

from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.market import TARGET, XASX, XNYS
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_FIXINGS, VENDOR_PRICES
from ultracore_jobs.errors import FeedExhaustedError, UnknownNameError
from ultracore_jobs.ports import Coverage, Delivery
from ultracore_jobs.sample.calendars import LAST_DAY, exchange_sessions, target_fixings
from ultracore_jobs.sample.deliveries import vendor_actions, vendor_fixings, vendor_prices
from ultracore_jobs.sample.redating import FIRST_DAY

_REPLAY = (
    "replay of real history, re-dated so that 2 January 2015 stands at 2 January 2024; not investment data"
)
LABELS = {
    VENDOR_PRICES.name: f"sample prices (skfolio, for testing and example purposes only), {_REPLAY}",
    VENDOR_ACTIONS.name: f"planted splits and dividends, synthetic, on a {_REPLAY}",
    VENDOR_FIXINGS.name: f"euro reference rates of the European Central Bank, {_REPLAY}",
}
"""Where each delivery comes from, for people."""

_SENT: dict[str, Callable[[], pl.DataFrame]] = {
    VENDOR_PRICES.name: vendor_prices,
    VENDOR_ACTIONS.name: vendor_actions,
    VENDOR_FIXINGS.name: vendor_fixings,
}


class ReplayFeeds:
    """Delivers the sample's market data: for a date always the same rows, each day until the end of 2031."""

    def deliver(self, dataset: Dataset, *, since: date, until: date, known_at: datetime) -> Delivery:
        """What was published for the days *since* to *until* and known by *known_at*.

        Prices are of the session they close, fixings of their day, actions of the day they were
        announced. A close that was corrected by *known_at* comes corrected, once. Days from 2020 on.

        Args:
            dataset: `VENDOR_PRICES`, `VENDOR_ACTIONS` or `VENDOR_FIXINGS`.
            since: First day wanted.
            until: Last day wanted, the job's logical date.
            known_at: Rows known later are neither delivered nor covered.

        Returns:
            A conforming delivery. Prices cover sessions of XNYS and XASX, fixings TARGET days, each up to
            the last close (or fixing instant) known.

        Raises:
            UnknownNameError: *dataset* is none of the three.
            FeedExhaustedError: *until* lies after the last day of the data.
            MissingExtraError: The extra ``sample`` is not installed.
        """
        rows = self._sent(dataset)
        if until > LAST_DAY:
            raise FeedExhaustedError(
                f"the replay has no {dataset.name} for {until}: its last day is {LAST_DAY}. "
                "Remedy: choose an earlier day, or set ULTRACORE_FEEDS to a provider of your own."
            )
        within = rows.filter(pl.col("day").is_between(since, until) & (pl.col("known_at") <= known_at))
        newest = within.unique(list(dataset.key), keep="last", maintain_order=True)
        return Delivery(
            frame=newest.select(dataset.schema.names()),
            covers=_covers(dataset, since, until, known_at),
            label=LABELS[dataset.name],
        )

    def history(self, dataset: Dataset, until: date) -> Delivery:
        """Everything that was delivered for the days before *until*, in one go.

        A close that was corrected comes twice, wrong and right, each known from its own instant on, so
        that reads as of the past see what was known then. Planted rows that a job would have set aside
        are left out: history holds what was loaded, not what was sent.

        Args:
            dataset: `VENDOR_PRICES`, `VENDOR_ACTIONS` or `VENDOR_FIXINGS`.
            until: First day that is not wanted; a correction made on it or later is left out.

        Raises:
            UnknownNameError: *dataset* is none of the three.
            MissingExtraError: The extra ``sample`` is not installed.
        """
        rows = self._sent(dataset)
        published_before = pl.col("known_at").dt.date() < until
        was_loaded = pl.col("planted").is_null() | pl.col("planted").is_in(["CORRECTED_LATER", "CORRECTION"])
        within = rows.filter((pl.col("day") < until) & published_before & was_loaded)
        last = within["known_at"].max()
        covers = _covers(dataset, FIRST_DAY, until, last) if isinstance(last, datetime) else ()
        return Delivery(
            frame=within.select(dataset.schema.names()), covers=covers, label=LABELS[dataset.name]
        )

    @staticmethod
    def _sent(dataset: Dataset) -> pl.DataFrame:
        if dataset.name not in _SENT:
            raise UnknownNameError("vendor table", dataset.name, list(_SENT))
        return _SENT[dataset.name]()


def _covers(dataset: Dataset, since: date, until: date, known_at: datetime) -> tuple[Coverage, ...]:
    """The sessions from *since* to *until* that had closed by *known_at*, as one range for each market."""
    if dataset.name == VENDOR_PRICES.name:
        markets = {XNYS: exchange_sessions(XNYS), XASX: exchange_sessions(XASX)}
    elif dataset.name == VENDOR_FIXINGS.name:
        markets = {TARGET: target_fixings()}
    else:
        return ()
    ranges = []
    for market, sessions in markets.items():
        closed = sessions.filter(
            pl.col("date").is_between(max(since, FIRST_DAY), until) & (pl.col("close_at") <= known_at)
        )["date"].to_list()
        if closed:
            ranges.append(Coverage(market=market, first=closed[0], last=closed[-1]))
    return tuple(ranges)
