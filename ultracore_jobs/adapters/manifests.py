"""The small files of the table store: what versions a partition has, and what a job wrote.

Names come from users and configuration; here they become paths, after they were held against what a
name may be, so that no name leads out of the root.
"""

import re
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ultracore_jobs.adapters.blobs import Blobs
from ultracore_jobs.errors import StoreError, UsageError
from ultracore_jobs.ports import TableVersion, VersionRef

FORMAT = 1
"""Of both kinds of file; a reader refuses a greater one instead of guessing."""

_NAMES = {
    "tenant": re.compile(r"[a-z][a-z0-9_-]{0,62}"),
    "dataset": re.compile(r"[a-z][a-z0-9_]{0,99}"),
    "partition": re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}"),
    "job id": re.compile(r"[a-z]+_[A-Za-z0-9_-]{1,99}"),
}


class _Manifest(BaseModel):
    """What ``manifest.json`` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    versions: tuple[TableVersion, ...] = ()


class _JobOutput(BaseModel):
    """What the file of a job holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    written: tuple[VersionRef, ...]


_Document = TypeVar("_Document", _Manifest, _JobOutput)


def is_name(kind: str, name: str) -> bool:
    """Whether *name* can be that of a ``tenant``, ``dataset``, ``partition`` or ``job id``."""
    return _NAMES[kind].fullmatch(name) is not None


def require_name(kind: str, name: str) -> str:
    """*name*, where it can be part of a path and nothing else.

    Raises:
        UsageError: It cannot; says what can.
    """
    if not is_name(kind, name):
        message = f"{name!r} is no valid name of a {kind}: it must match {_NAMES[kind].pattern}"
        raise UsageError(message)
    return name


def dataset_folder(tenant: str, dataset: str) -> str:
    """Where the partitions of a dataset are, relative to the root.

    Raises:
        UsageError: A name is not valid.
    """
    return f"{require_name('tenant', tenant)}/{require_name('dataset', dataset)}"


def partition_folder(tenant: str, dataset: str, partition: str) -> str:
    """Where the files of a partition are, relative to the root.

    Raises:
        UsageError: A name is not valid.
    """
    return f"{dataset_folder(tenant, dataset)}/{require_name('partition', partition)}"


class Manifests:
    """Reads and replaces the small files; keeps those it has parsed as long as they do not change."""

    def __init__(self, blobs: Blobs) -> None:
        """Read and write through *blobs*."""
        self._blobs = blobs
        self._parsed: dict[str, tuple[str, tuple[TableVersion, ...]]] = {}

    def exists(self, folder: str) -> bool:
        """Whether anything was ever published in a partition's folder; does not open the manifest."""
        return self._blobs.stamp(_manifest_path(folder)) is not None

    def versions(self, folder: str) -> tuple[TableVersion, ...]:
        """The versions listed, oldest first; empty where there is no manifest.

        Raises:
            StoreError: The manifest cannot be read.
        """
        path = _manifest_path(folder)
        stamp = self._blobs.stamp(path)
        if stamp is None:
            return ()
        known = self._parsed.get(path)
        if known is None or known[0] != stamp:
            # The stamp is older than the bytes: where they were replaced between, the next call parses again.
            known = (stamp, self.read(folder)[0])
            self._parsed[path] = known
        return known[1]

    def read(self, folder: str) -> tuple[tuple[TableVersion, ...], str | None]:
        """The versions listed now, and the tag of the manifest they were read from, for `replace`.

        Raises:
            StoreError: The manifest cannot be read.
        """
        path = _manifest_path(folder)
        blob = self._blobs.read(path)
        return (self._parse(_Manifest, path, blob.data).versions, blob.etag) if blob else ((), None)

    def replace(self, folder: str, versions: tuple[TableVersion, ...], etag: str | None) -> None:
        """List *versions* from now on.

        Raises:
            ConcurrentWriteError: The manifest is not the one that has *etag* any more.
        """
        text = _Manifest(versions=versions).model_dump_json(indent=1)
        self._blobs.replace_if_unchanged(_manifest_path(folder), text.encode(), etag)

    def written_by(self, job_id: str) -> tuple[VersionRef, ...]:
        """What was noted for a job; empty where nothing was, or where it can be no job's id."""
        path = _job_path(job_id)
        blob = self._blobs.read(path) if is_name("job id", job_id) else None
        return self._parse(_JobOutput, path, blob.data).written if blob else ()

    def remember_job(self, job_id: str, written: tuple[VersionRef, ...]) -> None:
        """Note what a job wrote, in place of what was noted before.

        Raises:
            ConcurrentWriteError: Another process noted the same job meanwhile.
            UsageError: The job id is not valid.
        """
        path = _job_path(require_name("job id", job_id))
        data = _JobOutput(written=written).model_dump_json(indent=1).encode()
        present = self._blobs.read(path)
        if present is None or present.data != data:
            self._blobs.replace_if_unchanged(path, data, present.etag if present else None)

    def _parse(self, kind: type[_Document], path: str, data: bytes) -> _Document:
        try:
            document = kind.model_validate_json(data)
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(map(str, fault["loc"])) or "the whole file"
            message = (
                f"{self._blobs.address(path)} cannot be read: {where}: {fault['msg']}. Remedy: restore it "
                f"from a backup, or read it with the release that wrote it; this one knows format {FORMAT}."
            )
            raise StoreError(message) from error
        if document.format > FORMAT:
            message = f"{self._blobs.address(path)} has format {document.format}; this release knows {FORMAT}"
            raise StoreError(message)
        return document


def _manifest_path(folder: str) -> str:
    return f"{folder}/manifest.json"


def _job_path(job_id: str) -> str:
    """Jobs fan out by the first two digits of their hash: a folder stays small for years."""
    return f"_jobs/{job_id.partition('_')[2][:2]}/{job_id}.json"
