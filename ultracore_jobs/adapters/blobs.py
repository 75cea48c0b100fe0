"""Whole files by path, written so that a crash at any point leaves the old state or the new one.

`Blobs` is what the table store needs of a place to keep files; `LocalBlobs` is a folder. An object
store with conditional puts (``If-None-Match``, ``If-Match``) can be another: there is no lock, no
rename and no partial write in the interface.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, Protocol

from ultracore_jobs.errors import ConcurrentWriteError, StoreError, UsageError

TEMPORARY = ".tmp-"
"""How the name of a file begins while it is being written; whoever lists files may meet one."""

_NOT_THERE = (FileNotFoundError, NotADirectoryError)


class Blob(NamedTuple):
    """What a path held when it was read."""

    data: bytes
    etag: str


class Blobs(Protocol):
    """A place for whole files; paths are relative, with ``/``, and made by us, never by a user."""

    def read(self, path: str) -> Blob | None:
        """The bytes of a file and their tag; None where there is no such file."""
        ...

    def stamp(self, path: str) -> str | None:
        """What changes whenever the file does, without reading it; None where there is no such file."""
        ...

    def write_new(self, path: str, data: bytes) -> None:
        """Write a file that must not exist yet; others see all of it or nothing.

        Raises:
            ConcurrentWriteError: There is such a file already.
        """
        ...

    def replace_if_unchanged(self, path: str, data: bytes, etag: str | None) -> None:
        """Replace a file that still has *etag*; None means that it must not exist.

        Raises:
            ConcurrentWriteError: It has changed since it was read.
        """
        ...

    def names(self, folder: str) -> tuple[str, ...]:
        """Names of the files and folders in *folder*, ascending; empty where there is no such folder."""
        ...

    def modified_at(self, path: str) -> datetime | None:
        """When the file was written; None where there is no such file."""
        ...

    def delete(self, path: str) -> None:
        """Remove a file; nothing happens where there is none."""
        ...

    def address(self, path: str) -> str:
        """Where the file is, as Polars, DuckDB or a person would open it."""
        ...


class LocalBlobs:
    """Files in a folder of this machine.

    A file is written under a temporary name, flushed to the disk and then renamed, and the folder is
    flushed too: after `write_new` or `replace_if_unchanged` returns, the file survives a power cut.
    Replacing is guarded by a lock on the folder, so it is safe between processes of one machine, or of
    several on a file system with POSIX locks.
    """

    def __init__(self, root: str) -> None:
        """Keep files below *root*, which is made when first written to."""
        self._root = Path(root).absolute()

    def read(self, path: str) -> Blob | None:
        """The bytes of a file and their tag."""
        with _in_our_words("read", self._root / path):
            try:
                data = (self._root / path).read_bytes()
            except _NOT_THERE:
                return None
            return Blob(data, sha256(data).hexdigest())

    def stamp(self, path: str) -> str | None:
        """Inode, size and times: a replaced file is another inode.

        Two replacements within one tick of the disk's clock can bring the first inode back; a file that
        only grows, as a manifest does, has another size then.
        """
        found = self._stat(path)
        return f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}" if found else None

    def write_new(self, path: str, data: bytes) -> None:
        """Write a file that must not exist yet."""
        target = self._root / path
        with _in_our_words("write", target):
            _make_folder(target.parent)
            with _written_aside(target, data) as temporary:
                try:
                    # A link, unlike a rename, refuses to take the place of another file.
                    target.hardlink_to(temporary)
                except FileExistsError as error:
                    message = f"{target} exists already; another writer was first"
                    raise ConcurrentWriteError(message) from error
            _flush_folder(target.parent)

    def replace_if_unchanged(self, path: str, data: bytes, etag: str | None) -> None:
        """Replace a file that still has *etag*."""
        target = self._root / path
        with _in_our_words("write", target):
            _make_folder(target.parent)
            with _locked(target.parent), _written_aside(target, data) as temporary:
                present = self.read(path)
                if (present.etag if present else None) != etag:
                    message = f"{target} was replaced by another writer meanwhile; read it again and retry"
                    raise ConcurrentWriteError(message)
                temporary.replace(target)
            _flush_folder(target.parent)

    def names(self, folder: str) -> tuple[str, ...]:
        """Names of the files and folders in *folder*, ascending."""
        with _in_our_words("list", self._root / folder):
            try:
                return tuple(sorted(os.listdir(self._root / folder)))  # noqa: PTH208 - names, not paths
            except _NOT_THERE:
                return ()

    def modified_at(self, path: str) -> datetime | None:
        """When the file was written."""
        found = self._stat(path)
        return datetime.fromtimestamp(found.st_mtime, UTC) if found else None

    def delete(self, path: str) -> None:
        """Remove a file."""
        with _in_our_words("remove", self._root / path):
            (self._root / path).unlink(missing_ok=True)

    def address(self, path: str) -> str:
        """The absolute path of the file."""
        return str(self._root / path)

    def _stat(self, path: str) -> os.stat_result | None:
        with _in_our_words("read", self._root / path):
            try:
                return (self._root / path).stat()
            except _NOT_THERE:
                return None


def open_blobs(url: str) -> Blobs:
    """The place that *url* names: a folder, or ``file://`` and a folder.

    Raises:
        UsageError: It names a kind of place that there is no adapter for.
    """
    scheme, colon, rest = url.partition("://")
    if not colon:
        return LocalBlobs(url)
    if scheme == "file":
        return LocalBlobs(rest)
    message = f"tables cannot be kept at {url!r}: use a folder, or file:// and a folder"
    raise UsageError(message)


@contextmanager
def _in_our_words(doing: str, path: Path) -> Iterator[None]:
    """What the operating system refuses, as an error that names the path: no space, no permission."""
    try:
        yield
    except OSError as error:
        message = f"cannot {doing} {path}: {error.strerror or error}"
        raise StoreError(message) from error


@contextmanager
def _written_aside(target: Path, data: bytes) -> Iterator[Path]:
    """*data* in a temporary file beside *target*, on the disk; removed unless it was renamed."""
    handle, name = tempfile.mkstemp(prefix=TEMPORARY, dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp keeps it to its owner; readers may be others
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each known to the disk before anything is put in it."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
    _flush_folder(folder.parent)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Only one process at a time; the kernel lets go of the lock of one that is killed."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
