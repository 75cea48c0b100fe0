"""Provider files in a folder: somebody, or a transfer job, puts them there and we read what is new."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Final

import polars as pl

from ultracore_jobs.adapters.deliveries import delivery_of, require_vendor_dataset
from ultracore_jobs.adapters.payloads import FEED_LIMIT, read_payload
from ultracore_jobs.adapters.provider_files import parse_provider_file
from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_FIXINGS, VENDOR_PRICES
from ultracore_jobs.errors import FeedError
from ultracore_jobs.ports import Delivery

_TABLES: Final = r"\.(csv|parquet)(\.gz|\.zip)?|\.zip"
_PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {
    VENDOR_PRICES.name: re.compile(rf"prices[^/]*?({_TABLES})", re.IGNORECASE),
    VENDOR_ACTIONS.name: re.compile(rf"actions[^/]*?({_TABLES})", re.IGNORECASE),
    VENDOR_FIXINGS.name: re.compile(r"(eurofxref|f11)[^/]*?(\.(csv|xml)(\.gz|\.zip)?|\.zip)", re.IGNORECASE),
}
_EXPECTED: Final[Mapping[str, str]] = {
    VENDOR_PRICES.name: "prices*.csv or prices*.parquet",
    VENDOR_ACTIONS.name: "actions*.csv or actions*.parquet (the header alone, where there are none)",
    VENDOR_FIXINGS.name: "eurofxref*.csv, eurofxref*.xml, eurofxref*.zip or f11.1*.csv",
}
_DAY_IN_NAME: Final = re.compile(r"(20\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?!\d)")
_SHOWN: Final = 3


class FileFeeds:
    """`Feeds` on a folder.

    Files are told by name: ``prices*``, ``actions*``, ``eurofxref*`` (ECB, CSV or XML), ``f11*`` (RBA),
    plain, ``.gz`` or ``.zip``. They are read in the order of their names, and of two rows about the same
    thing the one in the last file stands: so a folder may hold one growing file, or a file for each day
    (``prices-2026-11-20.csv``) and corrections after it. Of daily files only those are opened whose name
    is not before the days wanted. What is in a file is known from the moment we load it.
    """

    def __init__(self, folder: Path | str, *, source: str = "file", limit: int = FEED_LIMIT) -> None:
        """Keep the folder in mind; nothing is read yet.

        Args:
            folder: Where the files are.
            source: Stands in rows whose file has no ``source`` column.
            limit: Most bytes that one file may have, unpacked.
        """
        self._folder = Path(folder)
        self._source = source
        self._limit = limit

    def deliver(self, dataset: Dataset, *, since: date, until: date, known_at: datetime) -> Delivery:
        """What the files hold for the days *since* to *until*; see `Feeds.deliver`.

        Raises:
            FeedError: No file of that kind is there, or one cannot be read; names it, and the remedy.
            UnknownNameError: *dataset* is no vendor dataset.
        """
        require_vendor_dataset(dataset)
        paths = self._paths(dataset, since)
        tables = [self._read(dataset, path) for path in paths]
        return delivery_of(
            dataset, tables, since=since, until=until, known_at=known_at, label=_label(dataset, paths)
        )

    def _paths(self, dataset: Dataset, since: date) -> list[Path]:
        pattern = _PATTERNS[dataset.name]
        try:
            paths = sorted(path for path in self._folder.iterdir() if pattern.fullmatch(path.name))
        except OSError as error:
            raise FeedError(f"{self._folder}: is no folder that can be read ({error.strerror}).") from error
        if not paths:
            raise FeedError(
                f"{self._folder}: holds no file of {dataset.name}. "
                f"Remedy: put {_EXPECTED[dataset.name]} there."
            )
        if dataset.name == VENDOR_ACTIONS.name:
            # An action may be announced long before its ex date, so the name tells nothing.
            return paths
        return [path for path in paths if (_day_in(path.name) or since) >= since]

    def _read(self, dataset: Dataset, path: Path) -> pl.DataFrame:
        content = read_payload(path, limit=self._limit)
        return parse_provider_file(dataset, content, path.name, source=self._source)


def _day_in(name: str) -> date | None:
    """The day that a file name states, if it does; a delivery never holds sessions after that day."""
    found = _DAY_IN_NAME.search(name)
    if found is None:
        return None
    try:
        return date(*(int(part) for part in found.groups()))
    except ValueError:
        return None


def _label(dataset: Dataset, paths: Sequence[Path]) -> str:
    names = [path.name for path in paths]
    more = f" and {len(names) - _SHOWN} before" if len(names) > _SHOWN else ""
    return (
        f"files {', '.join(names[-_SHOWN:])}{more}; terms: {dataset.licence}"
        if names
        else f"no file of these days; terms: {dataset.licence}"
    )
