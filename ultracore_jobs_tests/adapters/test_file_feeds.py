"""Provider files in a folder."""

import gzip
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ultracore_jobs.adapters.file_feeds import FileFeeds
from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_FIXINGS, VENDOR_PRICES
from ultracore_jobs.errors import FeedError
from ultracore_jobs.ports import Coverage
from ultracore_jobs_tests.adapters.provider_samples import (
    ACTIONS_CSV,
    ECB_DAILY_CSV,
    ECB_HIST_CSV,
    ECB_XML,
    ENTITY_BOMB,
    PRICES_CSV,
    RBA_F11_CSV,
)
from ultracore_jobs_tests.contracts.feeds import AFTER, FeedsContract, Window, ask

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
WINDOW = Window(FRIDAY, MONDAY, AFTER)
HEADER = b"symbol,exchange,ccy,price_date,close\n"


def lay_out(folder: Path, **files: bytes) -> FileFeeds:
    """A folder with these files: `__` in a name stands for a dot, one underscore for a dash."""
    for name, content in files.items():
        (folder / name.replace("__", ".").replace("_", "-")).write_bytes(content)
    return FileFeeds(folder)


def closes(feeds: FileFeeds, window: Window = WINDOW) -> list[tuple[str, str, str]]:
    """Symbol, day and close of what is delivered."""
    return ask(feeds, VENDOR_PRICES, window).frame.select("symbol", "price_date", "close").rows()


class TestFileFeeds(FeedsContract):
    """The port's suite, on CSV files."""

    @pytest.fixture
    def feeds(self, tmp_path: Path) -> FileFeeds:
        """One file of each kind."""
        return lay_out(
            tmp_path, prices__csv=PRICES_CSV, actions__csv=ACTIONS_CSV, eurofxref_hist__csv=ECB_HIST_CSV
        )

    @pytest.fixture
    def window(self) -> Window:
        """Friday and Monday."""
        return WINDOW


class TestFileFeedsOfOtherForms(TestFileFeeds):
    """The port's suite, on Parquet, packed CSV and XML."""

    @pytest.fixture
    def feeds(self, tmp_path: Path) -> FileFeeds:
        """The same rows as in the CSV files."""
        pl.read_csv(PRICES_CSV, infer_schema=False).write_parquet(tmp_path / "prices.parquet")
        return lay_out(tmp_path, actions__csv__gz=gzip.compress(ACTIONS_CSV), eurofxref_hist__xml=ECB_XML)


def test_prices_are_delivered_as_text_with_the_sessions_they_complete(tmp_path: Path) -> None:
    """Five rows of two exchanges; N/A goes on to the kernel; a live file is known when it is loaded."""
    delivery = ask(lay_out(tmp_path, prices__csv=PRICES_CSV), VENDOR_PRICES, WINDOW)

    assert delivery.frame["close"].to_list() == ["231.50", "44.10", "N/A", "112.25", "44.35"]
    assert delivery.frame["bid"].to_list() == [None] * 5
    assert set(delivery.frame["source"]) == {"file"}
    assert set(delivery.frame["known_at"]) == {AFTER}
    assert delivery.covers == (
        Coverage(market="XNYS", first=FRIDAY, last=MONDAY),
        Coverage(market="XASX", first=FRIDAY, last=MONDAY),
    )
    assert delivery.label.startswith("files prices.csv; terms: ")


def test_a_typed_parquet_file_reads_as_its_csv_would(tmp_path: Path) -> None:
    """Dates, instants and exact decimals become the text a provider would have written."""
    pl.DataFrame(
        {
            "symbol": ["AAPL"],
            "exchange": ["XNYS"],
            "ccy": ["USD"],
            "price_date": [FRIDAY],
            "close": [Decimal("231.50")],
            "volume": [1000],
            "source": ["consolidator"],
        }
    ).with_columns(pl.col("price_date").cast(pl.Datetime("us"))).write_parquet(tmp_path / "prices.parquet")

    frame = ask(FileFeeds(tmp_path), VENDOR_PRICES, WINDOW).frame

    assert frame.row(0, named=True) == {
        "tenant_id": "shared",
        "symbol": "AAPL",
        "exchange": "XNYS",
        "ccy": "USD",
        "price_date": "2026-11-20",
        "close": "231.50",
        "bid": None,
        "ask": None,
        "volume": "1000",
        "known_at": AFTER,
        "source": "consolidator",
    }


def test_a_folder_of_daily_files_is_read_as_one_and_the_last_name_has_the_last_word(tmp_path: Path) -> None:
    """Two days, a correction of the first by a later file, and a file of before that nobody opens."""
    feeds = lay_out(
        tmp_path,
        prices_2026_11_19__csv=b"not even a table of prices\n",
        prices_2026_11_20__csv=HEADER + b"A,XNYS,USD,2026-11-20,1\nB,XNYS,USD,2026-11-20,2\n",
        prices_20261123__csv=HEADER + b"A,XNYS,USD,2026-11-23,3\n",
        prices_corrections__csv=HEADER + b"A,XNYS,USD,2026-11-20,1.5\n",
    )

    assert closes(feeds) == [("B", "2026-11-20", "2"), ("A", "2026-11-23", "3"), ("A", "2026-11-20", "1.5")]
    assert closes(feeds, WINDOW._replace(since=MONDAY)) == [("A", "2026-11-23", "3")]


def test_a_day_that_is_not_out_yet_is_simply_not_covered(tmp_path: Path) -> None:
    """Monday's file is not there: Friday is covered, Monday is not, and nobody raises."""
    feeds = lay_out(tmp_path, prices_2026_11_20__csv=HEADER + b"A,XNYS,USD,2026-11-20,1\n")

    assert ask(feeds, VENDOR_PRICES, WINDOW).covers == (Coverage(market="XNYS", first=FRIDAY, last=FRIDAY),)
    nothing = ask(feeds, VENDOR_PRICES, WINDOW._replace(since=MONDAY))
    assert nothing.frame.is_empty()
    assert nothing.covers == ()


def test_an_action_announced_long_ago_is_found(tmp_path: Path) -> None:
    """The name of its file is of January, its ex date of November."""
    feeds = lay_out(tmp_path, actions_2026_01_05__csv=ACTIONS_CSV)

    assert ask(feeds, VENDOR_ACTIONS, WINDOW).frame["action_id"].to_list() == ["CA-1", "CA-2"]


def test_an_action_whose_ex_date_is_still_to_come_is_delivered_and_an_old_one_is_not(tmp_path: Path) -> None:
    """On Friday Monday's dividend is known; on Monday Friday's split lies before the window."""
    feeds = lay_out(tmp_path, actions__csv=ACTIONS_CSV)

    on_friday = ask(feeds, VENDOR_ACTIONS, WINDOW._replace(until=FRIDAY))
    on_monday = ask(feeds, VENDOR_ACTIONS, WINDOW._replace(since=MONDAY))
    assert on_friday.frame["action_id"].to_list() == ["CA-1", "CA-2"]
    assert on_monday.frame["action_id"].to_list() == ["CA-2"]


def test_a_file_of_actions_with_the_header_alone_says_there_are_none(tmp_path: Path) -> None:
    """That is knowledge; no file at all is not."""
    feeds = lay_out(tmp_path, actions__csv=ACTIONS_CSV.splitlines()[0])

    assert ask(feeds, VENDOR_ACTIONS, WINDOW).frame.is_empty()


def test_fixings_of_both_publishers_come_together(tmp_path: Path) -> None:
    """Each row says whose it is, per EUR 1 or per A$1; which to use is the kernel's rule."""
    feeds = lay_out(tmp_path, eurofxref__csv=ECB_DAILY_CSV, f11__1_data__csv=RBA_F11_CSV)

    frame = ask(feeds, VENDOR_FIXINGS, WINDOW).frame

    usd = frame.filter(quote_ccy="USD").sort("source", "rate_date")
    assert usd.select("rate_date", "base_ccy", "rate", "source").rows() == [
        ("2026-11-23", "EUR", "1.1172", "ECB"),
        ("2026-11-20", "AUD", "0.7023", "RBA_F11"),
        ("2026-11-23", "AUD", "0.7025", "RBA_F11"),
    ]


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        (VENDOR_PRICES, r"prices\*\.csv or prices\*\.parquet"),
        (VENDOR_ACTIONS, r"actions\*\.csv or actions\*\.parquet"),
        (VENDOR_FIXINGS, r"eurofxref\*\.csv, eurofxref\*\.xml"),
    ],
    ids=lambda value: value.name if isinstance(value, Dataset) else "",
)
def test_a_missing_file_is_an_error_that_names_folder_and_pattern(
    tmp_path: Path, dataset: Dataset, expected: str
) -> None:
    """A folder that holds only other things, such as notes about prices."""
    feeds = lay_out(tmp_path, notes_on_prices__csv=b"x", prices__txt=b"x", actions__csv__part=b"x")
    with pytest.raises(
        FeedError, match=rf"holds no file of {dataset.name}\. Remedy: put {expected}"
    ) as found:
        ask(feeds, dataset, WINDOW)
    assert str(tmp_path) in str(found.value)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """It may have been there when the platform was started."""
    with pytest.raises(FeedError, match="gone: is no folder that can be read"):
        ask(FileFeeds(tmp_path / "gone"), VENDOR_PRICES, WINDOW)


@pytest.mark.parametrize(
    ("dataset", "name", "content", "message"),
    [
        (VENDOR_PRICES, "prices.csv", b"", r"prices\.csv: is empty"),
        (
            VENDOR_PRICES,
            "prices.csv",
            b"ticker,close\nA,1\n",
            r"prices\.csv, line 1: column\(s\) symbol, exchange, ccy",
        ),
        (VENDOR_PRICES, "prices.csv", HEADER + b"A,XNYS,USD,2026\n", r"prices\.csv, line 2: has 4 cells"),
        (
            VENDOR_PRICES,
            "prices.csv",
            HEADER + b"\xe9,XNYS,USD,2026-11-20,1\n",
            r"prices\.csv, line 2: byte 0xe9",
        ),
        (
            VENDOR_PRICES,
            "prices.csv.gz",
            gzip.compress(PRICES_CSV, mtime=0)[:-5],
            "prices.csv.gz: the gzip file is cut short",
        ),
        (VENDOR_PRICES, "prices.zip", b"PK\x03\x04 and no more", "prices.zip: the zip file is cut short"),
        (VENDOR_PRICES, "prices.parquet", b"PAR1", "prices.parquet: is cut short or no Parquet file"),
        (VENDOR_PRICES, "prices.csv", b"x" * 2001, "prices.csv: is larger than 2,000 bytes"),
        (VENDOR_ACTIONS, "actions.csv", b"id\n1\n", r"actions\.csv, line 1: column\(s\) action_id, symbol"),
        (VENDOR_FIXINGS, "eurofxref.xml", ENTITY_BOMB, "eurofxref.xml: declares a document type or entities"),
        (VENDOR_FIXINGS, "eurofxref.csv", b"<html></html>", "eurofxref.csv: holds no `Cube`"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_place_and_the_remedy(
    tmp_path: Path, dataset: Dataset, name: str, content: bytes, message: str
) -> None:
    """One fault each; what it is told apart by is the message."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FeedError, match=message) as found:
        ask(FileFeeds(tmp_path, limit=2000), dataset, WINDOW)
    assert "Remedy: " in str(found.value)
