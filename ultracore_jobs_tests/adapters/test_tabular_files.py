"""CSV and Parquet files as tables."""

import csv
import gzip
from datetime import date
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.adapters.tabular_files import read_table, read_table_file
from ultracore_jobs.errors import FeedError

CELLS = st.text(st.sampled_from('ab ",\n;\té1'), max_size=6)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=8)
)


@given(rows=TABLES)
def test_any_csv_is_read_as_the_standard_library_reads_it(rows: list[list[str]]) -> None:
    """Cells, and the line each row begins on; an empty cell is null and a row of them is no row."""
    width = len(rows[0]) if rows else 1
    written = StringIO()
    writer = csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow([f"c{position}" for position in range(width)])
    writer.writerows(rows)

    table = read_table(written.getvalue().encode(), "x.csv")

    reader = csv.reader(StringIO(written.getvalue()))
    next(reader)
    expected, line = [], reader.line_num + 1
    for row in reader:
        if any(row):
            expected.append((*(cell or None for cell in row), line))
        line = reader.line_num + 1
    assert table.rows() == expected


def test_blank_lines_count_as_lines_and_give_no_rows() -> None:
    """Rows stand on lines 2, 4 and 7: line 3 is blank, line 5 goes on in line 6."""
    table = read_table(b'symbol,close\nA,1\n\nB,2\n"C\nC",3\r\nD,4', "x.csv")

    assert table.rows() == [("A", "1", 2), ("B", "2", 4), ("C\nC", "3", 5), ("D", "4", 7)]


def test_numbers_stay_text() -> None:
    """The contract reads them, and says why it could not; nobody guesses that 1e5 or 007 is a number."""
    table = read_table(b"a,b,c\n1e5,007,N/A\n", "x.csv")

    assert table.row(0) == ("1e5", "007", "N/A", 2)


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    """A decimal stays a decimal; categories become text."""
    frame = pl.DataFrame(
        {"day": [date(2026, 11, 20)], "amount": [Decimal("1.2500")], "code": ["OK"]},
        schema={"day": pl.Date, "amount": pl.Decimal(18, 4), "code": pl.Categorical},
    )
    path = tmp_path / "rows.parquet"
    frame.write_parquet(path)

    table = read_table_file(path)

    assert table.equals(frame.with_columns(pl.col("code").cast(pl.String)))
    assert table.schema["code"] == pl.String


def test_a_packed_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    """What it is, is told by its first bytes."""
    path = tmp_path / "rows.csv"
    path.write_bytes(gzip.compress(b"a\n1\n"))

    assert read_table_file(path).rows() == [("1", 2)]


def test_a_header_alone_is_a_table_without_rows() -> None:
    """With and without a line end after it."""
    for content in (b"a,b\n", b"a,b"):
        table = read_table(content, "x.csv")
        assert table.columns == ["a", "b", "__line"]
        assert table.is_empty()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"a,b\n1,2\n3\n",
            r"x\.csv, line 3: has 1 cells where the header has 2 columns; is the file cut short\?",
        ),
        (b'a,b\n"1\n1",2\n3,4,5\n', r"x\.csv, line 4: has 3 cells .* is a comma in a value unquoted\?"),
        (b"a,b\n\n1\n", r"x\.csv, line 3: has 1 cells"),
        (b'a,b\n1,2\n3,"4\n5,6\n', r'x\.csv, line 3: a quote \("\) is opened and never closed'),
        (b"a,b,a\n", r"x\.csv, line 1: column\(s\) a stand twice"),
        (b"\na,b\n", r"x\.csv, line 1: the header is blank"),
        (b"a\n\xe9\n", r"x\.csv, line 2: byte 0xe9"),
        (b"PAR1 but no more", r"x\.csv: is cut short or no Parquet file"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(content: bytes, message: str) -> None:
    """Where rows and columns cannot be told apart, no row of the file can be trusted."""
    with pytest.raises(FeedError, match=message):
        read_table(content, "x.csv")


def test_a_parquet_file_cut_short_is_refused() -> None:
    """Its footer is gone."""
    buffer = BytesIO()
    pl.DataFrame({"a": [1, 2, 3]}).write_parquet(buffer)
    with pytest.raises(FeedError, match="cut short or no Parquet file"):
        read_table(buffer.getvalue()[:-9], "x.parquet")
