"""Whole files in a folder: all or nothing, and never one writer over another."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ultracore_jobs.adapters.blobs import Blob, LocalBlobs, open_blobs
from ultracore_jobs.errors import ConcurrentWriteError, StoreError, UsageError


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobs:
    """An empty place; its folder is not made before it is written to."""
    return LocalBlobs(str(tmp_path / "place"))


class Watched(LocalBlobs):
    """Something happens whenever a file is read."""

    def __init__(self, root: str, on_read: Callable[[], object]) -> None:
        """Call *on_read* first."""
        super().__init__(root)
        self._on_read = on_read

    def read(self, path: str) -> Blob | None:
        """As usual, afterwards."""
        self._on_read()
        return super().read(path)


def test_a_new_file_is_read_as_it_was_written(blobs: LocalBlobs) -> None:
    """Its folders are made on the way."""
    blobs.write_new("a/b/c.bin", b"\x00\xff")
    blob = blobs.read("a/b/c.bin")

    assert blob is not None
    assert blob.data == b"\x00\xff"
    assert blobs.names("a") == ("b",)
    assert blobs.names("a/b") == ("c.bin",)


def test_what_is_not_there_is_none(blobs: LocalBlobs) -> None:
    """Not an error: a table may be new."""
    blobs.write_new("file", b"")

    for path in ("other", "folder/other", "file/below"):
        assert blobs.read(path) is None
        assert blobs.stamp(path) is None
        assert blobs.modified_at(path) is None
        assert blobs.names(path) == ()
    blobs.delete("other")


def test_a_file_that_is_there_is_not_written_again(blobs: LocalBlobs) -> None:
    """Not even with the same bytes; a version is immutable."""
    blobs.write_new("file", b"first")

    with pytest.raises(ConcurrentWriteError, match="exists already"):
        blobs.write_new("file", b"second")
    assert blobs.read("file") == blobs.read("file")
    assert blobs.names(".") == ("file",)


def test_a_file_is_replaced_only_while_it_is_as_it_was_read(blobs: LocalBlobs) -> None:
    """None means that it was not there."""
    blobs.replace_if_unchanged("file", b"one", None)
    one = blobs.read("file")
    assert one is not None
    blobs.replace_if_unchanged("file", b"two", one.etag)

    for etag in (one.etag, None):
        with pytest.raises(ConcurrentWriteError, match="replaced by another writer meanwhile"):
            blobs.replace_if_unchanged("file", b"three", etag)
    two = blobs.read("file")
    assert two is not None
    assert two.data == b"two"
    assert blobs.names(".") == ("file",)


def test_nobody_replaces_a_file_between_the_comparison_and_the_replacement(tmp_path: Path) -> None:
    """The second writer waits for the first, then finds the file changed: no update is lost."""
    place = str(tmp_path)
    outcome: list[str] = []

    def second_writer() -> None:
        try:
            LocalBlobs(place).replace_if_unchanged("file", b"second", None)
            outcome.append("replaced")
        except ConcurrentWriteError:
            outcome.append("told")

    other = threading.Thread(target=second_writer)

    def let_the_other_try() -> None:
        if not other.ident:
            other.start()
            other.join(timeout=0.3)

    Watched(place, let_the_other_try).replace_if_unchanged("file", b"first", None)
    other.join(timeout=10)

    assert outcome == ["told"]
    assert (tmp_path / "file").read_bytes() == b"first"


def test_the_stamp_changes_with_the_file(blobs: LocalBlobs) -> None:
    """Even where the size is the same and the moment may be: a replaced file is another one."""
    blobs.replace_if_unchanged("file", b"one", None)
    one, stamp = blobs.read("file"), blobs.stamp("file")
    assert one is not None
    assert blobs.stamp("file") == stamp
    blobs.replace_if_unchanged("file", b"two", one.etag)

    assert blobs.stamp("file") != stamp


def test_it_tells_when_a_file_was_written(blobs: LocalBlobs, tmp_path: Path) -> None:
    """By the clock of the disk, in UTC."""
    blobs.write_new("file", b"")
    written_at = blobs.modified_at("file")

    assert written_at is not None
    assert abs(written_at - datetime.fromtimestamp((tmp_path / "place").stat().st_mtime, UTC)) < timedelta(
        minutes=1
    )


def test_others_may_read_what_was_written(blobs: LocalBlobs) -> None:
    """A temporary file is its owner's alone; the file it becomes is not."""
    blobs.write_new("file", b"")
    blobs.replace_if_unchanged("other", b"", None)

    assert Path(blobs.address("file")).stat().st_mode & 0o777 == 0o644
    assert Path(blobs.address("other")).stat().st_mode & 0o777 == 0o644


def test_a_folder_in_the_place_of_a_file_is_named(blobs: LocalBlobs) -> None:
    """What the system refuses comes with the path and its reason."""
    blobs.write_new("folder/file", b"")

    with pytest.raises(StoreError, match=r"cannot read .*folder: Is a directory"):
        blobs.read("folder")
    with pytest.raises(StoreError, match=r"cannot remove .*folder: "):
        blobs.delete("folder")


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    """The temporary file goes, whatever the reason."""

    def refuse() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match=r"cannot write .*file: No space left on device"):
        Watched(str(tmp_path), refuse).replace_if_unchanged("file", b"", None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["s3://bucket/lake", "memory://x", "http://host/x"])
def test_a_kind_of_place_without_adapter_is_refused(url: str) -> None:
    """Rather than taken for the name of a folder."""
    with pytest.raises(UsageError, match="use a folder"):
        open_blobs(url)
