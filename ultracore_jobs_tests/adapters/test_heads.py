"""Heads of days as files."""

import json
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from ultracore_jobs.adapters.blobs import LocalBlobs
from ultracore_jobs.adapters.heads import FileHeads
from ultracore_jobs.errors import ConcurrentWriteError, IntegrityError
from ultracore_jobs.lifecycle.day_heads import DayHead

MONDAY = date(2024, 1, 15)


def days(count: int) -> list[DayHead]:
    """A head a day, of two events each."""
    heads: list[DayHead] = []
    for number in range(count):
        leaves = [sha256(f"{number}{letter}".encode()).hexdigest() for letter in "ab"]
        heads.append(DayHead.over(MONDAY + timedelta(days=number), leaves, heads[-1] if heads else None))
    return heads


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where heads are kept; not there yet."""
    return tmp_path / "elsewhere"


@pytest.fixture
def heads(folder: Path) -> FileHeads:
    """None yet."""
    return FileHeads(LocalBlobs(str(folder)))


def test_a_head_a_day_is_kept_and_read_in_order(heads: FileHeads, folder: Path) -> None:
    """As a file that a person can read; keeping it again changes nothing."""
    assert (heads.last(), list(heads.all())) == (None, [])
    wanted = days(3)
    for head in (*wanted, wanted[2], wanted[0]):
        heads.keep(head)

    assert list(heads.all()) == wanted
    assert heads.last() == wanted[2]
    assert sorted(path.name for path in folder.iterdir()) == [f"2024-01-{day}.json" for day in (15, 16, 17)]
    written = json.loads((folder / "2024-01-16.json").read_text(encoding="utf-8"))
    assert (written["merkle_root"], written["prev_hash"]) == (wanted[1].merkle_root, wanted[0].hash)


def test_another_head_of_a_sealed_day_is_refused(heads: FileHeads) -> None:
    """And one that does not follow the last: what is sealed stays."""
    first, second, third = days(3)
    heads.keep(first)
    with pytest.raises(IntegrityError, match=r"2024-01-15.json holds another head"):
        heads.keep(DayHead.over(MONDAY, first.leaves[:1], None))
    with pytest.raises(IntegrityError, match="2024-01-17 does not follow that of 2024-01-15"):
        heads.keep(third)
    heads.keep(second)

    assert list(heads.all()) == [first, second]


def test_two_who_seal_one_day_at_once_agree(
    heads: FileHeads, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second finds the first's file, which must say the same."""
    [head] = days(1)
    write = LocalBlobs.write_new

    def write_second(blobs: LocalBlobs, path: str, data: bytes) -> None:
        write(blobs, path, data)
        raise ConcurrentWriteError(path)

    monkeypatch.setattr(LocalBlobs, "write_new", write_second)
    heads.keep(head)
    assert [path.name for path in folder.iterdir()] == ["2024-01-15.json"]


@pytest.mark.parametrize("content", ["", "{}", "not json"])
def test_a_file_that_is_no_head_is_named(heads: FileHeads, folder: Path, content: str) -> None:
    """Rather than taken for one."""
    folder.mkdir()
    (folder / "2024-01-15.json").write_text(content, encoding="utf-8")
    (folder / "notes.txt").write_text("not ours", encoding="utf-8")

    with pytest.raises(IntegrityError, match=r"2024-01-15.json is no head of a day"):
        heads.last()
