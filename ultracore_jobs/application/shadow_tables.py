"""A table store that writes nothing: what is published stays in memory, above the store that is there."""

from dataclasses import dataclass, field

import polars as pl

from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.fingerprint import content_hash
from ultracore_jobs.ports import Provenance, TableStore, TableVersion, VersionRef


@dataclass
class ShadowTables:
    """A `TableStore` for a rehearsal: reads fall through to *below*, writes are kept apart and forgotten."""

    below: TableStore
    _kept: dict[tuple[str, str, str], list[tuple[TableVersion, pl.DataFrame]]] = field(default_factory=dict)

    def publish(
        self, dataset: Dataset, *, tenant: str, partition: str, frame: pl.DataFrame, provenance: Provenance
    ) -> TableVersion:
        """Keep *frame* as the next version, in memory."""
        number = len(self.versions(dataset, tenant=tenant, partition=partition)) + 1
        known = frame["known_at"] if "known_at" in frame.columns else None
        version = TableVersion(
            version=number,
            file="",
            rows=frame.height,
            bytes=0,
            sha256=content_hash(frame),
            content_hash=content_hash(frame),
            schema_hash="",
            published_at=provenance.known_at,
            first_known_at=None if known is None else known.min(),  # type: ignore[arg-type]
            last_known_at=None if known is None else known.max(),  # type: ignore[arg-type]
            provenance=provenance,
        )
        self._kept.setdefault((tenant, dataset.name, partition), []).append((version, frame))
        return version

    def append(
        self, dataset: Dataset, *, tenant: str, partition: str, frame: pl.DataFrame, provenance: Provenance
    ) -> TableVersion:
        """Keep *frame* below what the partition holds, in memory."""
        versions = self.versions(dataset, tenant=tenant, partition=partition)
        before = [self._read(dataset, tenant, partition, versions[-1].version)] if versions else []
        return self.publish(
            dataset,
            tenant=tenant,
            partition=partition,
            frame=pl.concat([*before, frame]),
            provenance=provenance,
        )

    def versions(self, dataset: Dataset, *, tenant: str, partition: str) -> tuple[TableVersion, ...]:
        """Versions below, then those kept here."""
        kept = self._kept.get((tenant, dataset.name, partition), [])
        below = self.below.versions(dataset, tenant=tenant, partition=partition)
        return (*below, *(version for version, _ in kept))

    def newest(self, dataset: Dataset, *, tenant: str) -> dict[str, TableVersion]:
        """The newest version of every partition, by name."""
        found = dict(self.below.newest(dataset, tenant=tenant))
        for (whose, name, partition), kept in self._kept.items():
            if (whose, name) == (tenant, dataset.name):
                found[partition] = kept[-1][0]
        return dict(sorted(found.items()))

    def partitions(self, dataset: Dataset, *, tenant: str) -> tuple[str, ...]:
        """Names of all partitions, ascending."""
        own = {where[2] for where in self._kept if where[:2] == (tenant, dataset.name)}
        return tuple(sorted({*self.below.partitions(dataset, tenant=tenant), *own}))

    def scan(self, dataset: Dataset, ref: VersionRef) -> pl.LazyFrame:
        """The rows of one version, kept here or below."""
        for version, frame in self._kept.get((ref.tenant, ref.dataset, ref.partition), []):
            if version.version == ref.version:
                return frame.lazy()
        return self.below.scan(dataset, ref)

    def verify(self, dataset: Dataset, ref: VersionRef) -> None:
        """Read a version below back; what is kept here is what was given."""
        self.below.verify(dataset, ref)

    def location(self, dataset: Dataset, *, tenant: str) -> str:
        """Where the files below are."""
        return self.below.location(dataset, tenant=tenant)

    def remember_job(self, job_id: str, written: tuple[VersionRef, ...]) -> None:
        """Forget it: a rehearsal is no job."""

    def written_by(self, job_id: str) -> tuple[VersionRef, ...]:
        """What stands below."""
        return self.below.written_by(job_id)

    def _read(self, dataset: Dataset, tenant: str, partition: str, version: int) -> pl.DataFrame:
        ref = VersionRef(tenant=tenant, dataset=dataset.name, partition=partition, version=version)
        return self.scan(dataset, ref).collect()
