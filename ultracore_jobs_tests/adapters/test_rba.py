"""The RBA's table F11.1."""

import pytest

from ultracore_jobs.adapters.rba import looks_like_f11, parse_rba_f11
from ultracore_jobs.errors import FeedError
from ultracore_jobs_tests.adapters.provider_samples import ECB_HIST_CSV, RBA_F11_CSV


def test_rates_are_units_of_the_currency_per_australian_dollar() -> None:
    """FXRUSD 0.7023 is USD per A$1: base AUD, the inverse direction of the ECB's AUD column.

    The trade-weighted index is no currency, an empty cell no fixing, and SDR is XDR in ISO 4217.
    """
    table = parse_rba_f11(RBA_F11_CSV, "f11.1-data.csv")

    assert set(table.select("rate_date", "base_ccy", "quote_ccy", "rate", "source").iter_rows()) == {
        ("2026-11-20", "AUD", "USD", "0.7023", "RBA_F11"),
        ("2026-11-20", "AUD", "JPY", "110.14", "RBA_F11"),
        ("2026-11-20", "AUD", "XDR", "0.5310", "RBA_F11"),
        ("2026-11-23", "AUD", "USD", "0.7025", "RBA_F11"),
        ("2026-11-23", "AUD", "XDR", "0.5312", "RBA_F11"),
    }


def test_it_is_told_from_the_ecbs_file_by_its_row_of_series() -> None:
    """Both are CSV files of rates; taking one for the other would invert every rate."""
    assert looks_like_f11(RBA_F11_CSV)
    assert not looks_like_f11(ECB_HIST_CSV)


def test_the_monthly_table_is_refused() -> None:
    """F11 has the same layout as F11.1, and end-of-month dates that look like fixings."""
    with pytest.raises(FeedError, match=r"x: is monthly \(table F11\).* Remedy: send f11\.1-data\.csv"):
        parse_rba_f11(RBA_F11_CSV.replace(b"Frequency,Daily", b"Frequency,Monthly"), "x")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"23-Nov-2026,0.7025", b"23/11/2026,0.7025", r"x, line 13, column 'Series ID', value '23/11/2026'"),
        (b"A$1=", b"AUD/", r"x: row `Title` names no currency .* it holds AUD/USD"),
        (b"Series ID", b"Series", "x: has no row `Series ID`"),
        (b"0.5310\r\n", b"0.5310,\r\n", "x, line 12: has 6 cells where the header has 5 columns"),
    ],
)
def test_a_table_laid_out_otherwise_is_refused(old: bytes, new: bytes, message: str) -> None:
    """Lines are counted from the top of the file, labels included."""
    with pytest.raises(FeedError, match=message):
        parse_rba_f11(RBA_F11_CSV.replace(old, new), "x")
