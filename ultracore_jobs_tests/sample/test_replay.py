"""The replay: real history on new dates, always the same, until it ends."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog import Dataset, conform
from ultracore_jobs.catalog.market import CALENDARS, XASX, XNYS
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_FIXINGS, VENDOR_PRICES
from ultracore_jobs.errors import FeedExhaustedError, UnknownNameError
from ultracore_jobs.ports import Coverage
from ultracore_jobs.sample import ReplayFeeds
from ultracore_jobs.sample.calendars import business_days
from ultracore_jobs.sample.deliveries import vendor_prices
from ultracore_jobs.sample.market_history import adjusted_closes
from ultracore_jobs.sample.redating import redated_closes, redated_fixings

FEEDS = ReplayFeeds()
LATER = datetime(2032, 1, 31, tzinfo=UTC)
FRIDAY = date(2026, 11, 20)
days = st.dates(date(2024, 1, 2), date(2031, 12, 31))


def closing(symbol: str, day: date, *, known_at: datetime = LATER) -> list[str]:
    """What the feed sends as the close of one ticker on one day."""
    sent = FEEDS.deliver(VENDOR_PRICES, since=day, until=day, known_at=known_at).frame
    return sent.filter(symbol=symbol)["close"].to_list()


def test_the_second_of_january_2015_stands_at_the_second_of_january_2024() -> None:
    """BAC has no planted action, so its raw close is the file's: 15.348 on the anchor."""
    real = adjusted_closes().filter((pl.col("symbol") == "BAC") & (pl.col("date") == date(2015, 1, 2)))

    assert closing("BAC", date(2024, 1, 2)) == [f"{real['close'].item():.4f}"]


def test_a_fixing_keeps_its_number_too() -> None:
    """EUR 1 was USD 1.2043 on 2 January 2015."""
    sent = FEEDS.deliver(VENDOR_FIXINGS, since=date(2024, 1, 2), until=date(2024, 1, 2), known_at=LATER).frame

    assert sent.filter(quote_ccy="USD")["rate"].to_list() == ["1.2043"]
    assert sent["source"].unique().to_list() == ["ECB"]


def test_the_shift_is_constant_in_sessions() -> None:
    """The n-th session after the anchor is the n-th real one after it, whatever holidays lie between."""
    moved = redated_closes().filter(symbol="BAC").select("date", "real_date")
    real = adjusted_closes().filter(symbol="BAC")["date"]

    shift = {
        new - old
        for new, old in zip(
            _places(business_days(XNYS), moved["date"]), _places(real, moved["real_date"]), strict=True
        )
    }
    assert len(shift) == 1
    assert moved["date"].is_sorted()


def _places(ordered: pl.Series, wanted: pl.Series) -> list[int]:
    return ordered.search_sorted(wanted).to_list()


@pytest.mark.parametrize("calendar_id", [XNYS, "TARGET"])
def test_there_is_a_next_day_every_day_until_the_end(calendar_id: str) -> None:
    """Every business day from the anchor to the end of 2031 has data."""
    business = business_days(calendar_id)
    expected = business.filter(business >= date(2024, 1, 2)).to_list()
    rows = (
        redated_closes().filter(symbol="BAC")
        if calendar_id == XNYS
        else redated_fixings().filter(quote_ccy="AUD")
    )

    assert rows.filter(pl.col("date") >= date(2024, 1, 2))["date"].to_list() == expected
    assert expected[-1] == date(2031, 12, 31)


@pytest.mark.parametrize("dataset", [VENDOR_PRICES, VENDOR_ACTIONS, VENDOR_FIXINGS])
def test_after_the_last_day_the_error_names_it(dataset: Dataset) -> None:
    """The 31st of December 2031 is the last day."""
    FEEDS.deliver(dataset, since=date(2031, 12, 1), until=date(2031, 12, 31), known_at=LATER)

    with pytest.raises(FeedExhaustedError, match="2031-12-31"):
        FEEDS.deliver(dataset, since=date(2031, 12, 1), until=date(2032, 1, 1), known_at=LATER)


def test_another_table_is_refused() -> None:
    """Calendars come by no feed."""
    with pytest.raises(UnknownNameError, match="vendor_prices"):
        FEEDS.deliver(CALENDARS, since=FRIDAY, until=FRIDAY, known_at=LATER)


@settings(max_examples=25, deadline=None)
@given(
    day=days,
    before=st.integers(0, 20),
    dataset=st.sampled_from([VENDOR_PRICES, VENDOR_ACTIONS, VENDOR_FIXINGS]),
)
def test_a_date_has_the_same_rows_whatever_window_it_is_asked_in(
    day: date, before: int, dataset: Dataset
) -> None:
    """Alone, or at the end of a longer window; and each delivery keeps its contract."""
    alone = FEEDS.deliver(dataset, since=day, until=day, known_at=LATER)
    window = FEEDS.deliver(dataset, since=day - timedelta(days=before), until=day, known_at=LATER)

    conform(window.frame, dataset)
    assert (
        window.frame.join(alone.frame, on=list(dataset.schema), how="semi", nulls_equal=True).height
        == alone.frame.height
    )


def test_nothing_is_known_before_its_close() -> None:
    """At 20:59 UTC New York has not closed: no price, no coverage; the ASX has; at 21:00 both have."""
    close = datetime(2026, 11, 20, 21, tzinfo=UTC)
    early = FEEDS.deliver(VENDOR_PRICES, since=FRIDAY, until=FRIDAY, known_at=close - timedelta(minutes=1))
    late = FEEDS.deliver(VENDOR_PRICES, since=FRIDAY, until=FRIDAY, known_at=close)

    assert set(early.frame["exchange"]) == {"XASX", "UNLISTED"}
    assert early.covers == (Coverage(market=XASX, first=FRIDAY, last=FRIDAY),)
    assert {span.market for span in late.covers} == {XNYS, XASX}
    assert late.frame.filter(exchange=XNYS).height == 25


def test_a_weekend_is_covered_by_the_sessions_before_it() -> None:
    """Asked for 14 to 22 November, the last session covered is Friday the 20th."""
    sent = FEEDS.deliver(VENDOR_FIXINGS, since=date(2026, 11, 14), until=date(2026, 11, 22), known_at=LATER)

    assert sent.covers == (Coverage(market="TARGET", first=date(2026, 11, 16), last=FRIDAY),)


@pytest.mark.parametrize("dataset", [VENDOR_PRICES, VENDOR_ACTIONS, VENDOR_FIXINGS])
def test_people_are_told_that_it_is_a_replay(dataset: Dataset) -> None:
    """The label goes into the manifest and the UI."""
    label = FEEDS.deliver(dataset, since=FRIDAY, until=FRIDAY, known_at=LATER).label

    assert "replay" in label
    assert "not investment data" in label


def test_a_correction_replaces_the_close_once_it_is_known() -> None:
    """JNJ of 10 November 2026 was sent 1.5% too low and corrected at the close of the 13th."""
    day, corrected = date(2026, 11, 10), datetime(2026, 11, 13, 21, tzinfo=UTC)
    [wrong] = closing("JNJ", day, known_at=corrected - timedelta(seconds=1))
    [right] = closing("JNJ", day, known_at=corrected)

    assert float(wrong) / float(right) == pytest.approx(0.985, abs=1e-6)


def test_history_holds_both_closes_of_a_corrected_day() -> None:
    """So that a read as of the 12th sees what was known on the 12th."""
    sent = FEEDS.history(VENDOR_PRICES, FRIDAY)

    rows = sent.frame.filter((pl.col("symbol") == "JNJ") & (pl.col("price_date") == "2026-11-10"))
    assert rows["known_at"].dt.day().to_list() == [10, 13]
    assert [span.last for span in sent.covers] == [date(2026, 11, 19)] * 2
    conform(sent.frame, VENDOR_PRICES)


def test_history_leaves_out_what_a_job_would_have_set_aside() -> None:
    """No N/A, no negative close, no foreign currency, no spike."""
    sent = FEEDS.history(VENDOR_PRICES, FRIDAY).frame

    assert sent["close"].cast(pl.Float64).min() > 0  # type: ignore[operator]  # a float for a float column
    assert sent.filter((pl.col("symbol") == "XOM") & (pl.col("price_date") == "2024-09-17")).is_empty()


def test_fewer_than_two_rows_in_a_hundred_are_bad_in_any_ten_sessions() -> None:
    """A job that fails at five per cent never does for the planted rows alone."""
    daily = vendor_prices().group_by("day").agg(
        pl.len(), pl.col("planted").is_not_null().sum().alias("bad")
    ).sort("day")  # fmt: skip
    share = daily["bad"].rolling_sum(10) / daily["len"].rolling_sum(10)

    assert 0 < share.max() < 0.02  # type: ignore[operator]  # a float for a float column


def test_one_instrument_is_suspended_and_one_is_published_once_a_week() -> None:
    """The first has no price after February 2024, the second one each week."""
    sent = vendor_prices().filter(exchange=XASX)
    weekly = sent.filter(symbol="SYNSLOW")["day"]

    assert sent.filter(symbol="SYNSUSP")["day"].max() == date(2024, 2, 29)
    assert weekly.dt.truncate("1w").is_unique().all()
    assert set(weekly.dt.weekday()) <= {1, 2, 3}
    assert set(sent.filter(pl.col("planted").is_null())["source"]) == {"synthetic, from the replayed index"}
