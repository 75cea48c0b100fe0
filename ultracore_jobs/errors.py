"""Every error a person can meet, as one tree.

::

    UltracoreError                  anything this package raises on purpose
    ├── UsageError                  the caller asked for something that cannot be; says what can
    │   ├── UnknownNameError        no such job type, table, tenant or job; lists those there are
    │   ├── MissingExtraError       an optional part is not installed; says the install command
    │   └── IllegalTransitionError  a job or schedule may not do that now; says what it must be
    ├── DataError                   the data given cannot be used
    │   ├── ContractError           rows or columns break a table's contract; names table, row, column, value
    │   ├── TooManyRejectsError     more rows quarantined than ``max_reject_pct`` allows; nothing written
    │   ├── MissingInputError       a required table is missing, empty, stale or not landed
    │   ├── UnbalancedError         entries of a decision do not sum to zero in each currency; nothing posted
    │   ├── LedgerConflictError     the ledger holds other content under the same id; nothing posted
    │   └── FeedError               a provider's file cannot be read, is too large, late or malformed
    │       └── FeedExhaustedError  the feed has no data for that date and never will have
    ├── GateError                   a law of our own arithmetic is broken; nothing is published
    ├── EffectRefusedError          nothing decided, not checked, rejected or superseded; nothing is done
    ├── FrozenError                 a person froze all effects; says who, why and until when
    ├── StoreError                  the table store, database or broker is damaged or cannot be reached
    │   ├── ConcurrentWriteError    another writer replaced the manifest first
    │   ├── VersionConflictError    another writer appended to the stream first; nothing appended
    │   └── IntegrityError          stored bytes do not have the hash the manifest promises
    │       └── ChainBrokenError    the record is not what it was; names the first bad event
    └── InvalidJobSpecError         a page in ``jobs/types`` is wrong; raised on load

Messages are for the person who must act: what is wrong, where, and the remedy.
"""


class UltracoreError(Exception):
    """Anything this package raises on purpose."""


class UsageError(UltracoreError):
    """The caller asked for something that cannot be done as asked."""


class UnknownNameError(UsageError):
    """No such job type, table, tenant or job.

    Args:
        kind: What was looked up, such as ``"table"``.
        name: What was asked for.
        known: The names there are.
    """

    def __init__(self, kind: str, name: str, known: tuple[str, ...] | list[str]) -> None:
        """Say what was asked for and what there is."""
        self.kind, self.name, self.known = kind, name, tuple(known)
        there_are = ", ".join(sorted(known)) or "none yet"
        super().__init__(f"unknown {kind} {name!r}; there are: {there_are}")


class MissingExtraError(UsageError):
    """An optional part of the package is not installed."""

    def __init__(self, extra: str, why: str) -> None:
        """Say which install command gives it."""
        self.extra = extra
        super().__init__(f"{why} needs the extra {extra!r}: pip install 'ultracore-jobs[{extra}]'")


class IllegalTransitionError(UsageError):
    """A job or a schedule may not do that now; says what it is and what it must be."""


class DataError(UltracoreError):
    """The data given cannot be used."""


class ContractError(DataError):
    """Rows or columns break the contract of a table."""


class TooManyRejectsError(DataError):
    """More rows were quarantined than the job's ``max_reject_pct`` allows; nothing was written."""


class MissingInputError(DataError):
    """A required table is missing, empty, stale or not landed."""


class UnbalancedError(DataError):
    """The entries of a decision do not sum to zero in each currency; nothing was posted."""


class LedgerConflictError(DataError):
    """The ledger holds other content under the same id; what is posted is never edited."""


class FeedError(DataError):
    """A provider's file cannot be read, is too large, or is malformed."""


class FeedExhaustedError(FeedError):
    """The feed has no data for that date and never will have."""


class GateError(UltracoreError):
    """A law of our own arithmetic is broken; nothing was published."""


class EffectRefusedError(UltracoreError):
    """What was asked may not be done: not decided, not checked, rejected, or approved by who asked for it."""


class FrozenError(UltracoreError):
    """A person froze all effects; decisions go on, nothing is posted until the freeze ends."""


class StoreError(UltracoreError):
    """The table store, the database or the broker is damaged or cannot be reached."""


class ConcurrentWriteError(StoreError):
    """Another writer replaced the manifest first; read again and retry."""


class IntegrityError(StoreError):
    """Stored bytes do not have the hash that the manifest promises."""


class VersionConflictError(StoreError):
    """A stream is not at the version that was expected; nothing was appended: read it again and retry."""


class ChainBrokenError(IntegrityError):
    """An event was changed, removed, added or moved after it was recorded; names the first bad one."""


class InvalidJobSpecError(UltracoreError):
    """A page in ``jobs/types`` is wrong; raised when it is loaded."""
