"""CSV and Parquet files as tables: every CSV cell as text, with the line it stands on."""

import csv
import re
from io import BytesIO
from pathlib import Path
from typing import Final

import polars as pl
import polars.selectors as cs
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from ultracore_jobs.adapters.payloads import IMPORT_LIMIT, read_payload, require_text
from ultracore_jobs.application.import_checks import LINE_NUMBER
from ultracore_jobs.errors import FeedError

_PARQUET: Final = b"PAR1"
_BLOCK_BYTES: Final = 16 * 2**20
_SHOWN: Final = 80


def read_table_file(path: Path, *, limit: int = IMPORT_LIMIT) -> pl.DataFrame:
    """The rows of a CSV or Parquet file, plain or packed by gzip or zip.

    Args:
        path: The file; what it is, is told by its content, not by its name.
        limit: Most bytes it may have, unpacked.

    Returns:
        CSV: all columns as text, an empty cell as null, and ``__line`` with the line of the file that
        each row begins on. Parquet: the columns as they are typed in the file.

    Raises:
        FeedError: The file is missing, too large, damaged, not UTF-8, or no table; names file and line.
    """
    return read_table(read_payload(path, limit=limit), path.name)


def read_table(content: bytes, name: str, *, first_line: int = 1) -> pl.DataFrame:
    """The rows of CSV or Parquet *content*, as `read_table_file` gives them.

    Args:
        content: Unpacked bytes.
        name: What messages call it.
        first_line: Line of the file that *content* begins on, where what stood before was cut off.

    Raises:
        FeedError: The content is no table; names file and line.
    """
    if content.startswith(_PARQUET):
        return _parquet_table(content, name)
    return _csv_table(require_text(content, name), name, first_line)


def _parquet_table(content: bytes, name: str) -> pl.DataFrame:
    try:
        rows = pl.DataFrame(pa_parquet.read_table(BytesIO(content)))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise FeedError(
            f"{name}: is cut short or no Parquet file ({error}). Remedy: fetch it again."
        ) from error
    return rows.with_columns((cs.categorical() | cs.enum()).cast(pl.String))


def _csv_table(content: bytes, name: str, first_line: int) -> pl.DataFrame:
    header = _header(content, name, first_line)
    ragged: list[pa_csv.InvalidRow] = []

    def note(row: pa_csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    table = pa_csv.read_csv(
        BytesIO(content if content.endswith((b"\n", b"\r")) else content + b"\n"),
        # One thread: only then does an invalid row know its number.
        read_options=pa_csv.ReadOptions(
            use_threads=False, block_size=_BLOCK_BYTES, column_names=header, skip_rows=1
        ),
        parse_options=pa_csv.ParseOptions(
            newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=note
        ),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True, null_values=[""]
        ),
    )
    rows = _with_line_numbers(pl.DataFrame(table), first_line + 1)
    if content.count(b'"') % 2:
        # All that follows an unclosed quote is one cell up to the end of the file, so it is the last row's.
        line = rows[LINE_NUMBER][-1] if rows.height else first_line
        raise FeedError(
            f'{name}, line {line}: a quote (") is opened and never closed. Remedy: close or double it.'
        )
    if ragged:
        raise FeedError(_ragged(ragged[0], rows, len(header), name, first_line))
    return rows.filter(~pl.all_horizontal(pl.col(header).is_null()))


def _header(content: bytes, name: str, line: int) -> list[str]:
    """The column names, blanks around them removed; a column without one is named by its position."""
    first = re.split(rb"[\r\n]", content, maxsplit=1)[0].decode()
    names = [cell.strip() for cell in next(csv.reader([first]), [])]
    if not any(names):
        raise FeedError(f"{name}, line {line}: the header is blank. Remedy: name the columns in it.")
    names = [cell or f"column_{position}" for position, cell in enumerate(names, start=1)]
    twice = sorted({cell for cell in names if names.count(cell) > 1})
    if twice:
        raise FeedError(
            f"{name}, line {line}: column(s) {', '.join(twice)} stand twice. Remedy: name each once."
        )
    return names


def _with_line_numbers(rows: pl.DataFrame, first: int) -> pl.DataFrame:
    """*rows* and the line each begins on: a cell that holds line breaks moves those below it down."""
    before = _line_breaks().cum_sum().shift(1, fill_value=0)
    return rows.with_columns((pl.int_range(pl.len(), dtype=pl.Int64) + first + before).alias(LINE_NUMBER))


def _line_breaks() -> pl.Expr:
    """Line breaks inside the cells of each row."""
    counted = pl.col(pl.String).str.count_matches("\n", literal=True).fill_null(0)
    return pl.sum_horizontal(counted).cast(pl.Int64)


def _ragged(row: pa_csv.InvalidRow, rows: pl.DataFrame, columns: int, name: str, first_line: int) -> str:
    # The number counts rows, the header being the first; all rows above were read, in order.
    above = rows.head(row.number - 2)
    line = first_line + row.number - 1 + int(above.select(_line_breaks().sum()).item())
    why = "is the file cut short?" if row.actual_columns < columns else "is a comma in a value unquoted?"
    return (
        f"{name}, line {line}: has {row.actual_columns} cells where the header has {columns} columns; {why} "
        f"The line begins {row.text[:_SHOWN]!r}. Remedy: correct that line or fetch the file again."
    )
