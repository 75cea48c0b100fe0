"""The table store on Parquet files: immutable versions, and a manifest replaced atomically.

::

    <root>/<tenant>/<dataset>/<partition>/manifest.json                  which versions there are, and whence
    <root>/<tenant>/<dataset>/<partition>/v000001-0123456789ab.parquet   the rows of version 1
    <root>/_jobs/<2 hex>/<job id>.json                                   which versions a job stands for

A version is first written as a file of its own, then listed: a crash between the two leaves a file
that nobody reads, which the next attempt takes over and `ParquetTables.sweep` removes. The manifest
is replaced only while it is as it was read, so of two writers one is told to read again.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import polars as pl

from ultracore_jobs.adapters.blobs import TEMPORARY, Blobs, open_blobs
from ultracore_jobs.adapters.manifests import Manifests, dataset_folder, is_name, partition_folder
from ultracore_jobs.adapters.parquet_bytes import read_rows, write_rows
from ultracore_jobs.catalog import Dataset, conform
from ultracore_jobs.catalog.fingerprint import content_hash, schema_hash
from ultracore_jobs.errors import ConcurrentWriteError, IntegrityError, StoreError, UsageError
from ultracore_jobs.ports import Clock, Coverage, Provenance, TableVersion, VersionRef

_VERSION_FILE = re.compile(r"v(\d{6,})-[0-9a-f]{12}\.parquet")


class ParquetTables:
    """Table partitions as Parquet files below a root; see `ultracore_jobs.ports.TableStore`."""

    def __init__(self, root: str, clock: Clock, blobs: Blobs | None = None) -> None:
        """Keep tables below *root*, a folder or its ``file://`` URL.

        Args:
            root: Where the files are.
            clock: Says when a version was published, and how old a left-over file is.
            blobs: The place itself, where it is none that *root* can name; then *root* is not used.

        Raises:
            UsageError: *root* is a URL of a kind there is no adapter for.
        """
        self._blobs = blobs if blobs is not None else open_blobs(root)
        self._manifests = Manifests(self._blobs)
        self._clock = clock

    def publish(
        self, dataset: Dataset, *, tenant: str, partition: str, frame: pl.DataFrame, provenance: Provenance
    ) -> TableVersion:
        """Write *frame* as the next version of a partition; the rows keep their order.

        Raises:
            ContractError: The frame breaks the contract; nothing is written.
            ConcurrentWriteError: Another writer published meanwhile; this one's rows are not listed.
            UsageError: The tenant, dataset or partition is no valid name.
        """
        folder = partition_folder(tenant, dataset.name, partition)
        before, etag = self._manifests.read(folder)
        rows = conform(frame, dataset)
        version = self._write(dataset, folder, len(before) + 1, rows, provenance)
        self._manifests.replace(folder, (*before, version), etag)
        return version

    def append(
        self, dataset: Dataset, *, tenant: str, partition: str, frame: pl.DataFrame, provenance: Provenance
    ) -> TableVersion:
        """Write the rows of the newest version and *frame* after them as the next version.

        A key may come again, even at the same ``known_at``: of two such rows the later one counts.
        Ranges of coverage are listed as each load gave them, so that a load can be asked for exactly.

        Raises:
            ContractError: *frame* breaks the contract; nothing is written.
            ConcurrentWriteError: Another writer published meanwhile; this one's rows are not listed.
            UsageError: The tenant, dataset or partition is no valid name.
        """
        folder = partition_folder(tenant, dataset.name, partition)
        before, etag = self._manifests.read(folder)
        rows = conform(frame, dataset)
        if before:
            rows = pl.concat([self._scan(dataset, folder, before[-1]).collect(), rows])
            covers = _union(before[-1].provenance.covers, provenance.covers)
            provenance = provenance.model_copy(update={"covers": covers})
        version = self._write(dataset, folder, len(before) + 1, rows, provenance)
        self._manifests.replace(folder, (*before, version), etag)
        return version

    def versions(self, dataset: Dataset, *, tenant: str, partition: str) -> tuple[TableVersion, ...]:
        """Every version of a partition, oldest first; empty where nothing was published."""
        return self._manifests.versions(partition_folder(tenant, dataset.name, partition))

    def newest(self, dataset: Dataset, *, tenant: str) -> dict[str, TableVersion]:
        """The newest version of every partition, by partition name in ascending order."""
        found = {
            name: self._manifests.versions(folder)
            for name, folder in self._partition_folders(dataset_folder(tenant, dataset.name))
        }
        return {name: versions[-1] for name, versions in found.items() if versions}

    def partitions(self, dataset: Dataset, *, tenant: str) -> tuple[str, ...]:
        """Names of all published partitions, ascending; does not open the manifests."""
        folders = self._partition_folders(dataset_folder(tenant, dataset.name))
        return tuple(name for name, folder in folders if self._manifests.exists(folder))

    def scan(self, dataset: Dataset, ref: VersionRef) -> pl.LazyFrame:
        """The rows of one version, in the contract's column order; later columns come as null.

        Raises:
            StoreError: There is no such version, or a column has got another type since.
            UsageError: *ref* is of another dataset.
        """
        folder, version = self._find(dataset, ref)
        return self._scan(dataset, folder, version)

    def verify(self, dataset: Dataset, ref: VersionRef) -> None:
        """Read one version back and hold file, row count, schema and rows against the manifest.

        Raises:
            StoreError: There is no such version.
            IntegrityError: Names the file, what differs, what was promised and what was found.
        """
        folder, version = self._find(dataset, ref)
        path = f"{folder}/{version.file}"
        blob = self._blobs.read(path)
        if blob is None:
            raise IntegrityError(self._missing(path))
        self._compare(path, "SHA-256 of the file", version.sha256, sha256(blob.data).hexdigest())
        frame = read_rows(blob.data)
        self._compare(path, "number of rows", version.rows, frame.height)
        self._compare(path, "hash of the schema", version.schema_hash, schema_hash(frame.schema))
        self._compare(path, "hash of the rows", version.content_hash, content_hash(frame))

    def location(self, dataset: Dataset, *, tenant: str) -> str:
        """The folder of a dataset; below it one folder a partition."""
        return self._blobs.address(dataset_folder(tenant, dataset.name))

    def remember_job(self, job_id: str, written: tuple[VersionRef, ...]) -> None:
        """Note which versions stand for a job's output; a later note of the same job replaces it.

        Raises:
            ConcurrentWriteError: Another process noted the same job meanwhile.
            UsageError: The job id is not of the form ``job_...``.
        """
        self._manifests.remember_job(job_id, written)

    def written_by(self, job_id: str) -> tuple[VersionRef, ...]:
        """The versions that stand for a job's output; empty where the job is unknown."""
        return self._manifests.written_by(job_id)

    def sweep(self, *, grace: timedelta = timedelta(hours=24)) -> tuple[str, ...]:
        """Remove what crashed writers left behind, where it is older than *grace*.

        That is: temporary files, and version files that are not listed though their version, or a later
        one, is. A file of a version still to come is kept, since the next attempt may list it.

        Returns:
            Paths of the files removed, relative to the root, ascending.
        """
        before = self._clock.now() - grace
        removed = []
        for path in self._left_behind():
            modified_at = self._blobs.modified_at(path)
            if modified_at is not None and modified_at < before:
                self._blobs.delete(path)
                removed.append(path)
        return tuple(removed)

    def _write(
        self, dataset: Dataset, folder: str, number: int, rows: pl.DataFrame, provenance: Provenance
    ) -> TableVersion:
        """Write the file of a version that is not listed yet."""
        data = write_rows(rows, dataset)
        digest = sha256(data).hexdigest()
        file = f"v{number:06d}-{digest[:12]}.parquet"
        self._write_or_take_over(f"{folder}/{file}", data, digest)
        first_valid_on, last_valid_on = _range(rows, dataset.valid_date)
        first_known_at, last_known_at = _range(rows, "known_at")
        return TableVersion(
            version=number,
            file=file,
            rows=rows.height,
            bytes=len(data),
            sha256=digest,
            content_hash=content_hash(rows),
            schema_hash=schema_hash(rows.schema),
            published_at=self._clock.now(),
            first_valid_on=first_valid_on,
            last_valid_on=last_valid_on,
            first_known_at=first_known_at,
            last_known_at=last_known_at,
            provenance=provenance,
        )

    def _write_or_take_over(self, path: str, data: bytes, digest: str) -> None:
        try:
            self._blobs.write_new(path, data)
        except ConcurrentWriteError:
            # The same rows were written before and never listed: a crash, or a writer that came second.
            present = self._blobs.read(path)
            if present is None or sha256(present.data).hexdigest() != digest:
                address = self._blobs.address(path)
                message = f"{address} has other bytes than its name says and is not listed. Remedy: remove it"
                raise IntegrityError(message) from None

    def _scan(self, dataset: Dataset, folder: str, version: TableVersion) -> pl.LazyFrame:
        path = f"{folder}/{version.file}"
        if self._blobs.stamp(path) is None:
            # Told now, rather than by Polars when the rows are wanted.
            raise IntegrityError(self._missing(path))
        address = self._blobs.address(path)
        if version.schema_hash != schema_hash(dataset.schema):
            _require_same_types(dataset, address)
        return pl.scan_parquet(
            address,
            schema=dataset.schema,
            missing_columns="insert",
            extra_columns="ignore",
            glob=False,
            hive_partitioning=False,
        )

    def _find(self, dataset: Dataset, ref: VersionRef) -> tuple[str, TableVersion]:
        """The folder of a version, and what the manifest says of it."""
        if ref.dataset != dataset.name:
            message = f"{ref} is a version of {ref.dataset!r}, not of {dataset.name!r}"
            raise UsageError(message)
        folder = partition_folder(ref.tenant, ref.dataset, ref.partition)
        listed = self._manifests.versions(folder)
        for version in listed:
            if version.version == ref.version:
                return folder, version
        there_are = ", ".join(str(version.version) for version in listed) or "none"
        message = f"{self._blobs.address(folder)} has no version {ref.version}; there are: {there_are}"
        raise StoreError(message)

    def _missing(self, path: str) -> str:
        return f"{self._blobs.address(path)} is missing, but listed. Remedy: restore it from a backup."

    def _compare(self, path: str, what: str, promised: object, found: object) -> None:
        if promised != found:
            message = (
                f"{self._blobs.address(path)}: {what} is {found}, but the manifest promises {promised}. "
                "Remedy: restore the file from a backup."
            )
            raise IntegrityError(message)

    def _partition_folders(self, dataset: str) -> Iterator[tuple[str, str]]:
        """Name and path of each folder that can be a partition, ascending."""
        for name in self._blobs.names(dataset):
            if is_name("partition", name):
                yield name, f"{dataset}/{name}"

    def _left_behind(self) -> Iterator[str]:
        for folder in self._folders(depth=3):
            names = self._blobs.names(folder)
            listed = self._manifests.versions(folder) if "manifest.json" in names else ()
            files = {version.file for version in listed}
            for name in names:
                found = _VERSION_FILE.fullmatch(name)
                superseded = found is not None and name not in files and int(found[1]) <= len(listed)
                if superseded or name.startswith(TEMPORARY):
                    yield f"{folder}/{name}"

    def _folders(self, depth: int, above: str = ".") -> Iterator[str]:
        """Every folder down to *depth*, ascending; a file in its place holds nothing."""
        for name in self._blobs.names(above):
            path = name if above == "." else f"{above}/{name}"
            yield path
            if depth > 1:
                yield from self._folders(depth - 1, path)


def _require_same_types(dataset: Dataset, address: str) -> None:
    stored = pl.read_parquet_schema(address)
    wrong = [
        f"{name} is {stored[name]} there and {dtype} in the contract"
        for name, dtype in dataset.schema.items()
        if name in stored and stored[name] != dtype
    ]
    if wrong:
        message = f"{address} was written under another contract of {dataset.name!r}: {'; '.join(wrong)}"
        raise StoreError(message)


def _union(before: tuple[Coverage, ...], after: tuple[Coverage, ...]) -> tuple[Coverage, ...]:
    """Every range once, in order of arrival."""
    return tuple(dict.fromkeys((*before, *after)))


def _range(rows: pl.DataFrame, column: str | None) -> tuple[Any, Any]:
    """Smallest and greatest value of a column; nulls where there is no such column or no row."""
    if column is None or column not in rows.columns:
        return None, None
    return rows[column].min(), rows[column].max()
