"""From provider tables to a `Delivery`: one window of days, stamped, with the sessions it completes.

Used alike for files and for HTTP, so that the same bytes give the same delivery whichever way they come.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

import polars as pl

from ultracore_jobs.catalog import Dataset, conform
from ultracore_jobs.catalog.market import FX_RATES, PRICES, TARGET
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_FIXINGS, VENDOR_PRICES
from ultracore_jobs.errors import UnknownNameError
from ultracore_jobs.ports import Coverage, Delivery

ECB: Final = "ECB"
RBA: Final = "RBA_F11"

_SHARED: Final = "shared"
_STAMPED: Final = ("tenant_id", "known_at")
_DAY: Final = {
    VENDOR_PRICES.name: "price_date",
    VENDOR_ACTIONS.name: "ex_on",
    VENDOR_FIXINGS.name: "rate_date",
}
_VALUE: Final = {VENDOR_PRICES.name: "close", VENDOR_FIXINGS.name: "rate"}
_SATURDAY: Final = 5


def require_vendor_dataset(dataset: Dataset) -> None:
    """Refuse a dataset that no provider delivers.

    Raises:
        UnknownNameError: Lists those that providers do.
    """
    if dataset.name not in _DAY:
        raise UnknownNameError("vendor table", dataset.name, tuple(_DAY))


def provider_columns(dataset: Dataset) -> list[str]:
    """The columns of a vendor dataset that a provider fills; the others are stamped on arrival."""
    return [name for name in dataset.columns if name not in _STAMPED]


def delivery_of(
    dataset: Dataset,
    tables: Sequence[pl.DataFrame],
    *,
    since: date,
    until: date,
    known_at: datetime,
    label: str,
) -> Delivery:
    """One delivery from what several files or answers of a provider hold.

    Args:
        dataset: `VENDOR_PRICES`, `VENDOR_ACTIONS` or `VENDOR_FIXINGS`.
        tables: Text columns as `provider_columns` names them, oldest first: where two tables hold the
            same key, the rows of the later one stand. Rows that repeat a key inside one table all stay.
        since: First day wanted.
        until: Last day wanted.
        known_at: When the rows came to be known; stamped on each.
        label: Where they come from, for people.

    Returns:
        Rows of the window in the order given; actions also where their ex date is still to come, since
        they are announced ahead. A row whose day cannot be read stays too, so that the kernel rejects it
        with a reason. Market days with at least one readable value are covered.
    """
    rows = _latest(dataset, tables).filter(_wanted(dataset, since, until) | _day(dataset).is_null())
    frame = rows.select(
        pl.lit(_SHARED).alias("tenant_id"), *provider_columns(dataset), pl.lit(known_at).alias("known_at")
    )
    stamped = frame.with_columns(pl.col("known_at").cast(dataset.schema["known_at"]))
    return Delivery(conform(stamped.select(dataset.schema.names()), dataset), _covered(dataset, rows), label)


def _day(dataset: Dataset) -> pl.Expr:
    return pl.col(_DAY[dataset.name]).str.strip_chars().str.to_date("%Y-%m-%d", strict=False)


def _wanted(dataset: Dataset, since: date, until: date) -> pl.Expr:
    if dataset.name == VENDOR_ACTIONS.name:
        return _day(dataset) >= since
    return _day(dataset).is_between(since, until)


def _latest(dataset: Dataset, tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """All rows, less those whose key a later table holds too; ``source`` is part of the key."""
    columns = provider_columns(dataset)
    key = list(dict.fromkeys([*dataset.key, "source"]))
    numbered = pl.concat(
        [pl.DataFrame(schema={**dict.fromkeys(columns, pl.String), "__table": pl.Int64})]
        + [
            table.select(columns).with_columns(pl.lit(number).cast(pl.Int64).alias("__table"))
            for number, table in enumerate(tables)
        ]
    )
    newest = pl.col("__table") == pl.col("__table").max().over(key)
    # A row without its key replaces nothing and is replaced by nothing; the kernel will reject it.
    keyless = pl.any_horizontal(pl.col(key).is_null())
    return numbered.filter(newest | keyless).drop("__table")


def _covered(dataset: Dataset, rows: pl.DataFrame) -> tuple[Coverage, ...]:
    if dataset.name not in _VALUE:
        return ()
    readable = rows.filter(
        _day(dataset).is_not_null()
        & pl.col(_VALUE[dataset.name]).str.strip_chars().cast(pl.Float64, strict=False).is_finite()
    )
    if dataset.name == VENDOR_PRICES.name:
        market, markets = pl.col("exchange").str.strip_chars(), PRICES.covered_by
    else:
        # Of two publishers only the first in rank tells which TARGET days are complete (domain_rules 14).
        sources = readable["source"].unique().to_list()
        readable = readable.filter(pl.col("source") == (ECB if ECB in sources else RBA))
        market, markets = pl.lit(TARGET), FX_RATES.covered_by
    days = readable.select(market.alias("market"), _day(dataset).alias("day")).unique()
    spans: list[Coverage] = []
    for name in markets:
        present = days.filter(pl.col("market") == name)["day"].sort().to_list()
        spans += [Coverage(market=name, first=first, last=last) for first, last in _spans(present)]
    return tuple(spans)


def _spans(days: Sequence[date]) -> list[tuple[date, date]]:
    """Runs of days between which only weekends lie; a missing weekday is not claimed."""
    spans: list[tuple[date, date]] = []
    for day in days:
        if spans and _only_weekend_between(spans[-1][1], day):
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return spans


def _only_weekend_between(last: date, day: date) -> bool:
    between = (last + timedelta(days=number) for number in range(1, (day - last).days))
    return all(skipped.weekday() >= _SATURDAY for skipped in between)
