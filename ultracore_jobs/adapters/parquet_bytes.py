"""Rows as the bytes of a Parquet file, and back.

Equal rows give equal bytes with the same release of Arrow, however the table was put together: so a
crashed write is taken over instead of written twice.
"""

import json
from io import BytesIO

import polars as pl
import pyarrow.parquet as pq

from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.fingerprint import schema_text

ROW_GROUP_ROWS = 2**16
"""Small enough that a look-up of one key in a sorted table reads a few megabytes."""

_COMPRESSION_LEVEL = 3


def write_rows(rows: pl.DataFrame, dataset: Dataset) -> bytes:
    """*rows*, in their order, as a Parquet file: zstd, decimals exact.

    Floats are written plain: a dictionary of a million different numbers costs 1.5 times the time to
    write and six times to read back (performance.md 7), and decimals are no different. The file says
    which dataset it is of and under which contract it was written.
    """
    table = rows.rechunk().to_arrow()
    contract = {
        "dataset": dataset.name,
        "grain": dataset.grain,
        "key": list(dataset.key),
        "schema": schema_text(rows.schema).splitlines(),
        "source": dataset.source,
        "licence": dataset.licence,
    }
    metadata = {"ultracore": json.dumps(contract, sort_keys=True, ensure_ascii=False)}
    sink = BytesIO()
    pq.write_table(
        table.replace_schema_metadata(metadata),
        sink,
        row_group_size=ROW_GROUP_ROWS,
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        use_dictionary=[name for name, dtype in rows.schema.items() if _has_few_values(dtype)],
        # Decimals of up to 18 digits as 64-bit integers, which any reader takes and half the size.
        store_decimal_as_integer=True,
        coerce_timestamps=None,
    )
    return sink.getvalue()


def read_rows(data: bytes) -> pl.DataFrame:
    """The rows of a Parquet file, all of its columns, as written."""
    return pl.read_parquet(BytesIO(data))


def _has_few_values(dtype: pl.DataType) -> bool:
    """Whether a column of that type usually repeats itself: codes, ids, days, instants of a load."""
    return isinstance(dtype, pl.String | pl.Date | pl.Datetime)
