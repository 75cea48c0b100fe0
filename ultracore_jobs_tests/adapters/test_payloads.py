"""Bytes from outside: packed, damaged, too large, not text."""

import gzip
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.adapters.payloads import read_payload, require_text, unpack
from ultracore_jobs.errors import FeedError

CSV = b"symbol,close\nAAPL,231.50\n"


def zipped(**members: bytes) -> bytes:
    """A zip file with these members."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@given(content=st.binary(min_size=1).filter(lambda content: bool(content.strip())))
def test_packing_and_unpacking_gives_the_same_bytes(content: bytes) -> None:
    """By gzip, in one part or two, and by zip; content that is itself packed is unpacked once."""
    assert unpack(gzip.compress(content), "x.gz") == content
    assert unpack(gzip.compress(content) + gzip.compress(content), "x.gz") == content * 2
    assert unpack(zipped(data=content), "x.zip") == content


@given(length=st.integers(min_value=3))
def test_a_gzip_file_cut_anywhere_is_refused(length: int) -> None:
    """A transfer that stopped must not pass for a short delivery."""
    whole = gzip.compress(CSV)
    with pytest.raises(FeedError, match=r"x\.csv\.gz: the gzip file is cut short or damaged"):
        unpack(whole[: 3 + length % (len(whole) - 3)], "x.csv.gz")


def test_a_gzip_file_with_a_flipped_bit_is_refused() -> None:
    """The checksum at its end tells."""
    whole = bytearray(gzip.compress(CSV))
    whole[-8] ^= 1
    with pytest.raises(FeedError, match="cut short or damaged"):
        unpack(bytes(whole), "x.csv.gz")


@given(length=st.integers(min_value=4))
def test_a_zip_file_cut_anywhere_is_refused(length: int) -> None:
    """Its directory stands at the end, so a cut always shows."""
    whole = zipped(data=CSV)
    with pytest.raises(FeedError, match=r"x\.zip: the zip file is cut short or damaged"):
        unpack(whole[: 4 + length % (len(whole) - 4)], "x.zip")


def test_a_zip_of_two_files_is_refused_by_name() -> None:
    """Which of the two is meant is not ours to guess."""
    with pytest.raises(FeedError, match=r"this holds 2 \(a, b\)\. Remedy: unpack it first"):
        unpack(zipped(a=CSV, b=CSV), "x.zip")


def test_an_encrypted_zip_is_refused() -> None:
    """Bit 0 of the flags says encrypted, in the local header and in the directory."""
    whole = bytearray(zipped(data=CSV))
    whole[6] |= 1
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(FeedError, match=r"cannot be unpacked .*encrypted"):
        unpack(bytes(whole), "x.zip")


@pytest.mark.parametrize(
    "content",
    [b"", b" \n\n", gzip.compress(b"", mtime=0), b"PK\x05\x06" + b"\x00" * 18],
    ids=["nothing", "blanks", "nothing in gzip", "nothing in zip"],
)
def test_an_empty_file_is_refused(content: bytes) -> None:
    """Nothing, only blanks, nothing once unpacked, or a zip without a member."""
    with pytest.raises(FeedError, match=r"x: is empty\. Remedy: fetch it again|this holds 0 \(none\)"):
        unpack(content, "x")


@pytest.mark.parametrize(
    "packed",
    [b"x" * 1001, gzip.compress(b"x" * 100_000, mtime=0), zipped(data=b"x" * 100_000)],
    ids=["plain", "gzip", "zip"],
)
def test_a_file_larger_than_the_limit_is_refused(packed: bytes) -> None:
    """Plain, or once unpacked: 100,000 bytes packed to a few hundred are a small bomb."""
    with pytest.raises(FeedError, match="x: is larger than 1,000 bytes, the limit"):
        unpack(packed, "x", limit=1000)


def test_a_file_that_just_fits_is_read(tmp_path: Path) -> None:
    """The limit itself is allowed; one byte more is not."""
    path = tmp_path / "prices.csv"
    path.write_bytes(b"x" * 1000)

    assert read_payload(path, limit=1000) == b"x" * 1000
    with pytest.raises(FeedError, match=r"prices\.csv: is larger than 999 bytes"):
        read_payload(path, limit=999)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    """The whole path, since it is the path that is wrong."""
    with pytest.raises(FeedError, match=r"prices\.csv: no such file\. Remedy: check the path"):
        read_payload(tmp_path / "prices.csv")
    with pytest.raises(FeedError, match=r"cannot be read .*directory"):
        read_payload(tmp_path)


def test_text_that_is_not_utf8_is_refused_with_line_and_byte() -> None:
    """An e acute in Latin-1, on line 2, the fifth byte of it."""
    with pytest.raises(
        FeedError, match=r"x\.csv, line 2: byte 0xe9 at offset 8 is not UTF-8\. Remedy: save it as"
    ):
        require_text(b"name\nCaf\xe9\n", "x.csv")


def test_a_byte_order_mark_is_taken_off_and_a_zero_byte_refused() -> None:
    """The mark is how spreadsheets begin UTF-8; zero bytes are how they write UTF-16."""
    assert require_text(b"\xef\xbb\xbfname\n", "x.csv") == b"name\n"
    with pytest.raises(FeedError, match=r"x\.csv, line 2: holds a zero byte"):
        require_text(b"name\na\x00b\n", "x.csv")
    with pytest.raises(FeedError, match=r"x\.csv, line 1: byte 0xff"):
        require_text("name".encode("utf-16"), "x.csv")
