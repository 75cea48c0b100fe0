"""The table store: numbers as immutable files, and a manifest that says where each came from."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Protocol

import polars as pl
from pydantic import BaseModel, ConfigDict

from ultracore_jobs.catalog import Dataset


class _Stamp(BaseModel):
    """A frozen record that a manifest stores as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Coverage(_Stamp):
    """Sessions of one market that a load completes, both ends included."""

    market: str
    first: date
    last: date

    def lies_within(self, spans: Iterable["Coverage"]) -> bool:
        """Whether one of *spans* covers at least these sessions of the same market."""
        return any(
            span.market == self.market and span.first <= self.first and self.last <= span.last
            for span in spans
        )


class VersionRef(_Stamp):
    """One version of one partition."""

    tenant: str
    dataset: str
    partition: str
    version: int


class InputPin(_Stamp):
    """One input of a job: the exact bytes it read.

    Attributes:
        known_at: The cut-off, where it left rows of this version out; else None. So an input hash
            depends on the cut-off only where the cut-off mattered.
    """

    ref: VersionRef
    sha256: str
    known_at: datetime | None = None


class JobStamp(_Stamp):
    """Which job wrote a version, by which code, and who asked for it."""

    job_id: str
    job_type: str
    run_id: str | None = None
    code_version: str
    actor: str = "unattributed"


class GateStamp(_Stamp):
    """One invariant, as it was found before the write."""

    name: str
    passed: bool


class Provenance(_Stamp):
    """Everything needed to compute a version again.

    Attributes:
        job: Which job wrote it.
        as_of: The logical date D.
        known_at: The knowledge cut-off K.
        parameters: Parameters the kernel ran with, as JSON.
        inputs: Versions it read.
        input_hash: SHA-256 over logical date, parameters, code version and inputs.
        gates: Invariants found to hold.
        covers: Market sessions this load completes.
        result: The job's result, as JSON.
    """

    job: JobStamp
    as_of: date
    known_at: datetime
    parameters: dict[str, Any] = {}
    inputs: tuple[InputPin, ...] = ()
    input_hash: str
    gates: tuple[GateStamp, ...] = ()
    covers: tuple[Coverage, ...] = ()
    result: dict[str, Any] = {}


class TableVersion(_Stamp):
    """One immutable file, as the manifest lists it.

    Attributes:
        version: 1, 2, ... without gaps.
        file: File name inside the partition's folder.
        rows: Number of rows.
        bytes: Size of the file.
        sha256: Of the file.
        content_hash: Of the rows in stored order, the same whatever library wrote the file.
        schema_hash: Of column names and types.
        published_at: When the manifest began to list it.
        first_valid_on: Smallest valid date of the rows, for datasets that have one.
        last_valid_on: Greatest valid date.
        first_known_at: Smallest ``known_at`` of the rows, for datasets that have it.
        last_known_at: Greatest ``known_at``.
        provenance: Where it came from.
    """

    version: int
    file: str
    rows: int
    bytes: int
    sha256: str
    content_hash: str
    schema_hash: str
    published_at: datetime
    first_valid_on: date | None = None
    last_valid_on: date | None = None
    first_known_at: datetime | None = None
    last_known_at: datetime | None = None
    provenance: Provenance


class TableStore(Protocol):
    """Keeps table partitions, each as a list of immutable versions."""

    def publish(
        self, dataset: Dataset, *, tenant: str, partition: str, frame: pl.DataFrame, provenance: Provenance
    ) -> TableVersion:
        """Write *frame* as the next version of a partition; readers see all of it or nothing of it.

        The frame must conform to the contract of *dataset*. The whole partition is replaced: for a
        BY_LOAD dataset use `append`.

        Raises:
            ContractError: The frame breaks the contract.
            ConcurrentWriteError: Another writer replaced the manifest meanwhile.
        """
        ...

    def append(
        self, dataset: Dataset, *, tenant: str, partition: str, frame: pl.DataFrame, provenance: Provenance
    ) -> TableVersion:
        """Write the rows of the partition's newest version and *frame* after them as the next version.

        Coverage of the versions before is kept: the new version covers what either covers.
        """
        ...

    def versions(self, dataset: Dataset, *, tenant: str, partition: str) -> tuple[TableVersion, ...]:
        """Every version of a partition, oldest first; empty where nothing was published."""
        ...

    def newest(self, dataset: Dataset, *, tenant: str) -> dict[str, TableVersion]:
        """The newest version of every partition, by partition name in ascending order."""
        ...

    def partitions(self, dataset: Dataset, *, tenant: str) -> tuple[str, ...]:
        """Names of all published partitions, ascending; does not open the manifests."""
        ...

    def scan(self, dataset: Dataset, ref: VersionRef) -> pl.LazyFrame:
        """The rows of one version, read lazily; columns added to the contract later come as null.

        Raises:
            StoreError: No such version.
        """
        ...

    def verify(self, dataset: Dataset, ref: VersionRef) -> None:
        """Read one version back and hold it against its manifest.

        Raises:
            IntegrityError: The bytes or the rows are not those promised.
        """
        ...

    def location(self, dataset: Dataset, *, tenant: str) -> str:
        """Where the files of a dataset are, for people."""
        ...

    def remember_job(self, job_id: str, written: tuple[VersionRef, ...]) -> None:
        """Note which versions stand for a job's output, so that a job id leads to them."""
        ...

    def written_by(self, job_id: str) -> tuple[VersionRef, ...]:
        """The versions that stand for a job's output; empty where the job is unknown."""
        ...
