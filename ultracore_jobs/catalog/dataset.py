"""What a dataset is: its grain, key, typed columns, and how it is partitioned, kept and read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import polars as pl

from ultracore_jobs.catalog.columns import Column


class Partitioning(StrEnum):
    """How the rows of a dataset fall into partitions.

    BY_LOAD: given (bitemporal) tables. A partition is the UTC date of a load and holds the rows
    that load brought; a correction is a new row in a later load. Readers take, per key, the row
    with the greatest ``known_at`` up to their cut-off.
    BY_DATE: produced tables. A partition is the day the rows are about (``as_of_date``); a
    restatement is the next version of that partition.
    """

    BY_LOAD = "by_load"
    BY_DATE = "by_date"


class Scope(StrEnum):
    """Who owns the rows: one tenant each, or the reserved tenant ``shared``."""

    TENANT = "tenant"
    SHARED = "shared"


class Retention(StrEnum):
    """Which clock of domain_rules 11 decides how long rows must be kept."""

    FINANCIAL_RECORD = "7 years after the transactions are complete (Corporations Act s 286)"
    AML_TRANSACTION = "7 years after the record is made (AML/CTF Act s 107)"
    CUSTOMER_DUE_DILIGENCE = "7 years after the relationship ends (AML/CTF Act s 111)"
    MARKET_DATA = "kept as long as any number computed from it"
    OPERATIONAL = "7 years (policy)"


class Look(StrEnum):
    """Which rows of a dataset a job reads for its day D."""

    AS_KNOWN = "every row known by K"
    WINDOW = "rows valid up to D (in the last days, where bounded), known by K"
    SAME_DAY = "the partition of D"
    PREVIOUS = "the latest partition before D"
    STORED = "the partition of D as it stands before the job"
    RECENT = "the partitions of the last days before D"
    PERIOD = "the partitions of the job's period, and of some days before it"
    FEED = "what the provider delivers for D"
    LEDGER = "what the ledger holds, known by K"


@dataclass(frozen=True)
class Read:
    """One input of a job: a dataset, and which of its rows.

    Attributes:
        dataset: What is read.
        look: Which rows.
        days: How far back, in calendar days, D included; None is without bound.
        required: Whether the job must fail when there is nothing to read.
        unless: Name of a parameter; where it is true the job does not look, and takes an empty table.
        columns: Only these columns; all where empty.
    """

    dataset: "Dataset"
    look: Look
    days: int | None = None
    required: bool = True
    unless: str | None = None
    columns: tuple[str, ...] = ()

    @property
    def argument(self) -> str:
        """The kernel parameter that takes these rows."""
        prefix = {Look.PREVIOUS: "previous_", Look.STORED: "stored_", Look.RECENT: "recent_"}
        return prefix.get(self.look, "") + self.dataset.name

    def only(self, *columns: str) -> "Read":
        """The same read, of these columns only."""
        return replace(self, columns=columns)

    def optional(self) -> "Read":
        """The same read, where an empty table is a good answer."""
        return replace(self, required=False)


@dataclass(frozen=True)
class Dataset:
    """The contract of one table; other teams may rely on every line of it.

    Attributes:
        name: Table name, a plural noun.
        grain: What one row is, as an English phrase.
        key: Columns that identify a row; for BY_LOAD tables without ``known_at``.
        columns: Every column, in stored order.
        source: Where the rows come from.
        partitioning: How rows fall into partitions.
        scope: Whether rows belong to a tenant or to all.
        licence: Under which terms the rows may be used.
        retention: Which retention clock applies.
        restricted: Readable by role COMPLIANCE only.
        valid_date: For BY_LOAD tables, the column that holds the day a row is about, if it has one.
        covered_by: For market data, the calendars whose sessions a load can complete.
        unique_within_load: False where a key may come twice in one delivery (raw provider rows).
    """

    name: str
    grain: str
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    source: str
    partitioning: Partitioning = Partitioning.BY_DATE
    scope: Scope = Scope.TENANT
    licence: str = "the tenant's own records"
    retention: Retention = Retention.FINANCIAL_RECORD
    restricted: bool = False
    valid_date: str | None = None
    covered_by: tuple[str, ...] = ()
    unique_within_load: bool = True

    def __post_init__(self) -> None:
        """Refuse a contract that contradicts itself."""
        named = [*self.key, *([self.valid_date] if self.valid_date else [])]
        missing = [name for name in named if name not in self.columns]
        if missing:
            message = f"dataset {self.name!r}: key or valid_date names columns it has not: {missing}"
            raise ValueError(message)
        if self.partitioning is Partitioning.BY_LOAD and "known_at" not in self.columns:
            message = f"dataset {self.name!r} is BY_LOAD, so it needs a known_at column"
            raise ValueError(message)

    @property
    def schema(self) -> pl.Schema:
        """Column names and Polars types, in stored order."""
        return pl.Schema({name: column.dtype for name, column in self.columns.items()})

    def empty(self) -> pl.DataFrame:
        """A table of this contract without rows."""
        return pl.DataFrame(schema=self.schema)

    def plainly(self) -> Read:
        """The plain read: all rows known by K for given tables, the partition of D for produced ones."""
        look = Look.AS_KNOWN if self.partitioning is Partitioning.BY_LOAD else Look.SAME_DAY
        return Read(self, look)

    def last(self, *, days: int) -> Read:
        """Rows whose valid date lies in the last *days* calendar days, D included."""
        if self.valid_date is None:
            message = f"dataset {self.name!r} has no valid_date, so it cannot be read by window"
            raise ValueError(message)
        return Read(self, Look.WINDOW, days)

    def to_date(self) -> Read:
        """Every row whose valid date lies on or before D: the books as they stood that evening."""
        if self.valid_date is None:
            message = f"dataset {self.name!r} has no valid_date, so it cannot be read to a date"
            raise ValueError(message)
        return Read(self, Look.WINDOW)

    def previous(self, *, days: int) -> Read:
        """The latest partition before D, at most *days* calendar days back; never required."""
        return Read(self, Look.PREVIOUS, days, required=False)

    def stored(self, *, unless: str) -> Read:
        """The partition of D as it stands, for a job that writes only a part of it; never required."""
        return Read(self, Look.STORED, required=False, unless=unless)

    def recent(self, *, days: int) -> Read:
        """The partitions of the *days* calendar days before D; never required."""
        return Read(self, Look.RECENT, days, required=False)

    def of_period(self, *, and_before: int = 0) -> Read:
        """The partitions of every day of the job's period, and of so many calendar days before it."""
        return Read(self, Look.PERIOD, and_before)

    def from_ledger(self) -> Read:
        """The ledger's rows as known; none is a good answer."""
        return Read(self, Look.LEDGER, required=False)

    def from_feed(self, *, days: int) -> Read:
        """What the provider delivers for D and the *days* before it."""
        return Read(self, Look.FEED, days)
