"""Bytes from outside, made safe to parse: bounded in size, unpacked, proven to be whole and UTF-8.

Every fault is a `FeedError` that names the file, says where in it, and what a person can do.
"""

import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Final

from ultracore_jobs.errors import FeedError

FEED_LIMIT: Final = 256 * 2**20
"""Bytes that one provider file may have, unpacked: a year of closes of 10,000 instruments is a tenth."""

IMPORT_LIMIT: Final = 4 * 2**30
"""Bytes that one file to import may have, unpacked."""

_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


def read_payload(path: Path, *, limit: int = FEED_LIMIT) -> bytes:
    """The content of a file, unpacked where it is gzip or zip.

    Args:
        path: A file on this machine.
        limit: Most bytes it may have, packed or unpacked.

    Raises:
        FeedError: There is no such file, it cannot be read, is larger than *limit*, or is damaged.
    """
    try:
        with path.open("rb") as file:
            # One byte more than allowed tells a file that is too large from one that just fits.
            content = file.read(limit + 1)
    except FileNotFoundError as error:
        raise FeedError(f"{path}: no such file. Remedy: check the path.") from error
    except OSError as error:
        raise FeedError(
            f"{path}: cannot be read ({error.strerror}). Remedy: check what it is and who may read it."
        ) from error
    return unpack(content, path.name, limit=limit)


def unpack(content: bytes, name: str, *, limit: int = FEED_LIMIT) -> bytes:
    """*content*, unpacked where it is gzip or a zip of one file; what it is, is told by its first bytes.

    Args:
        content: As read or received.
        name: What messages call it.
        limit: Most bytes it may have, packed or unpacked.

    Raises:
        FeedError: It is empty, larger than *limit*, damaged, or a zip of other than one file.
    """
    _require_size(len(content), name, limit)
    if content.startswith(_GZIP):
        content = _gunzip(content, name, limit)
    elif content.startswith((_ZIP, _EMPTY_ZIP)):
        content = _unzip(content, name, limit)
    if not content.strip():
        raise FeedError(
            f"{name}: is empty. Remedy: fetch it again; a delivery without rows still has its header line."
        )
    return content


def require_text(content: bytes, name: str) -> bytes:
    """*content* without its byte order mark, proven to be UTF-8 text.

    Raises:
        FeedError: Names line and byte of the first character that is not UTF-8.
    """
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FeedError(
            f"{name}, line {line}: byte 0x{content[error.start]:02x} at offset {error.start} is not UTF-8. "
            "Remedy: save it as UTF-8 (in a spreadsheet: `CSV UTF-8`)."
        ) from error
    if b"\x00" in content:
        line = content.count(b"\n", 0, content.index(b"\x00")) + 1
        raise FeedError(
            f"{name}, line {line}: holds a zero byte, so it is no text. Remedy: send CSV, XML or Parquet."
        )
    return content


def _require_size(size: int, name: str, limit: int) -> None:
    if size > limit:
        raise FeedError(
            f"{name}: is larger than {limit:,} bytes, the limit. "
            "Remedy: check that it is the right file, or split it."
        )


def _gunzip(content: bytes, name: str, limit: int) -> bytes:
    """All members of a gzip file; the limit holds while unpacking, so that a bomb never fills memory."""
    parts, size, rest = [], 0, content
    while rest.startswith(_GZIP):
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        try:
            part = unpacker.decompress(rest, limit - size + 1)
        except zlib.error as error:
            raise FeedError(_damaged(name, "gzip", str(error))) from error
        size += len(part)
        _require_size(size, name, limit)
        if not unpacker.eof:
            raise FeedError(_damaged(name, "gzip", "it ends before its own end mark"))
        parts.append(part)
        rest = unpacker.unused_data
    return b"".join(parts)


def _unzip(content: bytes, name: str, limit: int) -> bytes:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1:
                names = ", ".join(member.filename for member in members[:5]) or "none"
                raise FeedError(
                    f"{name}: a zip must hold one file, this holds {len(members)} ({names}). "
                    "Remedy: unpack it first."
                )
            with archive.open(members[0]) as member:
                unpacked = member.read(limit + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise FeedError(_damaged(name, "zip", str(error))) from error
    except (RuntimeError, NotImplementedError) as error:
        # How zipfile says that a member is encrypted, or packed by a method it does not know.
        raise FeedError(f"{name}: cannot be unpacked ({error}). Remedy: send it as gzip or plain.") from error
    _require_size(len(unpacked), name, limit)
    return unpacked


def _damaged(name: str, form: str, why: str) -> str:
    return f"{name}: the {form} file is cut short or damaged ({why}). Remedy: fetch it again."
