"""Fingerprints of tables: SHA-256 over what the rows are, not over how a library keeps them.

Two tables have the same `content_hash` exactly when they have the same columns, in the same order and
of the same types, and the same rows in the same order. It does not change with the version of Polars,
Arrow or the Parquet writer, nor with how a table is cut into chunks: so a number stored today can be
held against one computed again in seven years.

The canonical form, format 1, integers little-endian:

1. ``ultracore rows 1``, then the schema as text (`schema_text`), then the number of rows.
2. Each column in turn: one byte per row that says whether there is a value, then its values. The slot of
   a null is filled with zeros, so it matters to the first part only.

   - whole numbers, dates (days since 1970), instants, durations and times: fixed width, two's complement;
   - decimals: 16 bytes, the unscaled number;
   - floats: IEEE 754; ``-0.0`` is written as ``0.0`` and every NaN as one, because they compare equal;
   - booleans: one byte;
   - text and bytes: the length of each in bytes, then all of them, joined; text is UTF-8;
   - lists: the length of each, then the column of all items in turn;
   - structs: each field as a column.

Every part is preceded by its length in bytes, so that no two tables share a form.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
from polars.datatypes import DataTypeClass

_Type = pl.DataType | DataTypeClass | type[pl.DataType]


class _Hash(Protocol):
    """What hashlib returns, as far as it is used here."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Take more data in."""
        ...


def content_hash(frame: pl.DataFrame) -> str:
    """SHA-256, in hex, over the schema and the rows of *frame* in their order.

    Args:
        frame: Any table whose types have a canonical form (see the module).

    Returns:
        64 hex digits, equal for equal tables whatever library, version or chunking they come from.

    Raises:
        TypeError: A column has a type without canonical form, such as Object.
    """
    digest = sha256()
    digest.update(b"ultracore rows 1\n")
    _add(digest, schema_text(frame.schema).encode())
    _add(digest, frame.height.to_bytes(8, "little"))
    for column in frame.iter_columns():
        _add_column(digest, column)
    return digest.hexdigest()


def schema_hash(schema: Mapping[str, _Type]) -> str:
    """SHA-256, in hex, over column names, their order and their types."""
    return sha256(schema_text(schema).encode()).hexdigest()


def schema_text(schema: Mapping[str, _Type]) -> str:
    """A schema in words of our own, one column a line, such as ``close: decimal(18,6)``.

    Raises:
        TypeError: A type has no canonical form.
    """
    return "".join(f"{_quoted(name)}: {_type_text(dtype)}\n" for name, dtype in schema.items())


_PLAIN: Mapping[_Type, str] = {
    pl.Int8: "int8",
    pl.Int16: "int16",
    pl.Int32: "int32",
    pl.Int64: "int64",
    pl.UInt8: "uint8",
    pl.UInt16: "uint16",
    pl.UInt32: "uint32",
    pl.UInt64: "uint64",
    pl.Float32: "float32",
    pl.Float64: "float64",
    pl.Boolean: "boolean",
    pl.String: "text",
    pl.Binary: "bytes",
    pl.Date: "date",
    pl.Time: "time",
    pl.Null: "null",
}


def _type_text(dtype: _Type) -> str:
    match dtype:
        case pl.Decimal():
            return f"decimal({dtype.precision},{dtype.scale})"
        case pl.Datetime():
            return f"instant({dtype.time_unit},{dtype.time_zone or 'no zone'})"
        case pl.Duration():
            return f"duration({dtype.time_unit})"
        case pl.List():
            return f"list({_type_text(dtype.inner)})"
        case pl.Struct():
            fields = ", ".join(f"{_quoted(field.name)}: {_type_text(field.dtype)}" for field in dtype.fields)
            return f"struct({fields})"
        case _ if dtype.base_type() in _PLAIN:
            return _PLAIN[dtype.base_type()]
        case _:
            message = f"{dtype} has no canonical form; cast it to text, a number, a date, a list or a struct"
            raise TypeError(message)


def _quoted(name: str) -> str:
    """A name that cannot be taken for two names, nor for a type."""
    return name if name.isidentifier() else repr(name)


def _add(digest: _Hash, part: bytes | npt.NDArray[np.generic]) -> None:
    """One part, after its length in bytes."""
    # A view on the same memory: a million numbers are not copied to be hashed.
    data = part if isinstance(part, bytes) else np.ascontiguousarray(part).view(np.uint8).data
    digest.update(len(data).to_bytes(8, "little"))
    digest.update(data)


def _add_column(digest: _Hash, column: pl.Series) -> None:
    _add(digest, _numbers(column.is_not_null().cast(pl.UInt8)))
    match column.dtype:
        case pl.Null():
            return
        case pl.String() | pl.Binary():
            _add_bytes(digest, column.cast(pl.Binary).fill_null(b""))
        case pl.List():
            lengths = column.list.len().fill_null(0).cast(pl.UInt64)
            _add(digest, _numbers(lengths))
            # An empty list explodes to a null; without it the items are exactly those counted.
            _add_column(digest, column.filter(lengths > 0).explode())
        case pl.Struct():
            for field in column.struct.fields:
                _add_column(digest, column.struct.field(field))
        case pl.Decimal():
            _add(digest, _decimals(column.fill_null(0)))
        case pl.Float32() | pl.Float64():
            _add(digest, _floats(column.fill_null(0.0)))
        case pl.Boolean():
            _add(digest, _numbers(column.fill_null(value=False).cast(pl.UInt8)))
        case _:
            _add(digest, _numbers(column.to_physical().fill_null(0)))


def _numbers(column: pl.Series) -> npt.NDArray[np.generic]:
    """The values of a column of fixed width without nulls, little-endian on every machine."""
    values = column.to_numpy()
    return values.astype(values.dtype.newbyteorder("<"), copy=False)


def _floats(column: pl.Series) -> npt.NDArray[np.generic]:
    """The values of a float column without nulls: one zero, one NaN."""
    values: npt.NDArray[np.floating] = column.to_numpy()
    # Adding zero turns -0.0 into 0.0 and leaves all else alone. (Polars would leave the sum out.)
    plain = np.where(np.isnan(values), np.nan, values + 0.0)
    return plain.astype(values.dtype.newbyteorder("<"), copy=False)


def _decimals(column: pl.Series) -> npt.NDArray[np.generic]:
    """The unscaled numbers of a decimal column without nulls, 16 bytes each.

    Arrow keeps them in exactly this form, and numpy has no 128-bit integers.
    """
    array = column.to_arrow()
    values: npt.NDArray[np.generic] = np.frombuffer(array.buffers()[1] or b"", dtype="V16")
    return values[array.offset : array.offset + len(array)]


def _add_bytes(digest: _Hash, column: pl.Series) -> None:
    """The length of each value, then all values joined, as Arrow keeps them."""
    array = column.to_arrow().cast(pa.large_binary())
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets or b"", dtype="<i8")[array.offset : array.offset + len(array) + 1]
    _add(digest, np.diff(ends))
    joined = np.frombuffer(data or b"", dtype=np.uint8)
    _add(digest, joined[ends[0] : ends[-1]] if ends.size else joined[:0])
