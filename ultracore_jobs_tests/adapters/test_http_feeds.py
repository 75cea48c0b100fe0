"""Feeds over HTTP, against a real server on this machine."""

import gzip
from collections.abc import Iterator
from datetime import date
from socket import socket
from typing import Any

import pytest

from ultracore_jobs.adapters.http_feeds import HttpFeeds
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_FIXINGS, VENDOR_PRICES
from ultracore_jobs.errors import FeedError, UsageError
from ultracore_jobs.ports import Delivery
from ultracore_jobs_tests.adapters.provider_samples import ACTIONS_CSV, ECB_HIST_CSV, ECB_XML, PRICES_CSV
from ultracore_jobs_tests.adapters.provider_server import (
    Answer,
    Provider,
    content,
    drip,
    drop,
    endless,
    hang,
    provider,
    status,
)
from ultracore_jobs_tests.contracts.feeds import AFTER, FeedsContract, Window, ask

WINDOW = Window(date(2026, 11, 20), date(2026, 11, 23), AFTER)


@pytest.fixture
def server() -> Iterator[Provider]:
    """A provider on this machine."""
    with provider() as state:
        yield state


def feeds_of(
    prices_url: str, *, timeout: float = 5.0, attempts: int = 3, budget: float = 10.0, limit: int = 10_000
) -> HttpFeeds:
    """Feeds that wait ten milliseconds where the real ones wait half a second."""
    return HttpFeeds(
        {"vendor_prices": prices_url},
        timeout=timeout,
        attempts=attempts,
        wait=0.01,
        budget=budget,
        limit=limit,
    )


def fetch(server: Provider, *answers: Answer, **settings: Any) -> Delivery:
    """Ask for prices that are answered so."""
    url = server.serve("/prices.csv", *answers)
    return ask(feeds_of(url, **settings), VENDOR_PRICES, WINDOW)


class TestHttpFeeds(FeedsContract):
    """The port's suite, over HTTP."""

    @pytest.fixture
    def feeds(self, server: Provider) -> HttpFeeds:
        """One URL for each dataset."""
        return HttpFeeds(
            {
                "vendor_prices": server.serve("/prices.csv", content(PRICES_CSV)),
                "vendor_actions": server.serve(
                    "/actions.csv.gz", content(gzip.compress(ACTIONS_CSV), "application/gzip")
                ),
                "vendor_fixings": server.serve(
                    "/eurofxref-hist.xml", content(ECB_XML, "text/xml; charset=UTF-8")
                ),
            }
        )

    @pytest.fixture
    def window(self) -> Window:
        """Friday and Monday."""
        return WINDOW


def test_the_same_bytes_give_the_same_rows_as_from_a_file(server: Provider) -> None:
    """Only the source differs, and the label, which holds no query: keys travel there."""
    url = server.serve("/fx", content(ECB_HIST_CSV, "application/octet-stream"))
    delivery = ask(HttpFeeds({"vendor_fixings": url + "?key=secret"}), VENDOR_FIXINGS, WINDOW)

    assert delivery.frame.height == 6
    assert delivery.label.startswith(f"{url}; terms: ECB reference rates")
    assert server.asked == ["/fx?key=secret"]


def test_the_days_wanted_stand_in_the_address(server: Provider) -> None:
    """For providers that serve a window."""
    url = server.serve("/prices", content(PRICES_CSV)) + "?from={since}&to={until}"
    ask(feeds_of(url), VENDOR_PRICES, WINDOW)

    assert server.asked == ["/prices?from=2026-11-20&to=2026-11-23"]


@pytest.mark.parametrize(
    "fault",
    [
        status(500),
        status(503),
        status(429),
        status(429, Retry_After="0"),
        drop,
        content(PRICES_CSV[:50], announce=500),
    ],
    ids=["500", "503", "429", "429 and when", "hangs up", "cut short"],
)
def test_a_passing_fault_is_tried_again(server: Provider, fault: Answer) -> None:
    """The first answer is a fault, the second is right."""
    delivery = fetch(server, fault, content(PRICES_CSV))

    assert delivery.frame.height == 5
    assert len(server.asked) == 2


def test_a_retry_is_logged_and_never_printed_among_results(
    server: Provider, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """`--json` stays one document."""
    fetch(server, status(500), content(PRICES_CSV))

    assert capsys.readouterr().out == ""
    assert [record.name for record in caplog.records if record.levelname == "WARNING"] == ["stamina"]


def test_a_server_that_stays_silent_once_is_asked_again(server: Provider) -> None:
    """After a tenth of a second here, ten seconds in life."""
    assert fetch(server, hang, content(PRICES_CSV), timeout=0.1).frame.height == 5


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (status(503), r"the server answers 503 Service Unavailable\. Remedy: try again later"),
        (status(429), r"answers 429 Too Many Requests\. Remedy: ask less often"),
        (drop, "cannot be fetched .*disconnected"),
        (
            content(PRICES_CSV[:50], announce=500),
            "cannot be fetched .*closed connection without sending complete",
        ),
    ],
    ids=["503", "429", "hangs up", "cut short"],
)
def test_a_lasting_fault_is_given_up_after_the_last_attempt(
    server: Provider, fault: Answer, message: str
) -> None:
    """Three attempts, then one message with address and remedy."""
    with pytest.raises(FeedError, match=rf"http://127\.0\.0\.1:\d+/prices\.csv: .*{message}"):
        fetch(server, fault)
    assert len(server.asked) == 3


def test_a_server_that_stays_silent_is_given_up(server: Provider) -> None:
    """Two attempts of a tenth of a second."""
    with pytest.raises(FeedError, match=r"no answer in time \(ReadTimeout\)"):
        fetch(server, hang, timeout=0.1, attempts=2)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (status(404), r"the server answers 404 Not Found\. Remedy: check the address and your access"),
        (status(401), "the server answers 401 Unauthorized"),
        (status(429, Retry_After="3600"), "the server answers 429"),
        (
            content(b"<html>Sign in</html>", "text/html; charset=utf-8"),
            "the answer is text/html, not CSV, XML or Parquet",
        ),
        (endless, "is larger than 10,000 bytes"),
        (content(b"x" * 10_001), "is larger than 10,000 bytes"),
        (content(gzip.compress(b"x" * 1_000_000), "application/gzip"), "is larger than 10,000 bytes"),
        (content(b""), "is empty"),
        (content(b"a,b\n1,2\n"), r"line 1: column\(s\) symbol, exchange"),
    ],
    ids=["404", "401", "429 for an hour", "html", "endless", "too large", "bomb", "empty", "other table"],
)
def test_a_fault_that_waiting_does_not_mend_is_an_error_at_once(
    server: Provider, fault: Answer, message: str
) -> None:
    """One request, no more."""
    with pytest.raises(FeedError, match=message):
        fetch(server, fault)
    assert len(server.asked) == 1


def test_an_answer_that_drips_ends_with_the_budget(server: Provider) -> None:
    """No single read takes long, all of them together would take for ever."""
    with pytest.raises(FeedError, match=r"is not complete after 0\.2 seconds"):
        fetch(server, drip, budget=0.2)


def test_a_redirect_on_this_machine_is_followed(server: Provider) -> None:
    """Files move."""
    moved = server.serve("/new.csv", content(PRICES_CSV))

    assert fetch(server, status(302, Location=moved)).frame.height == 5


def test_a_redirect_to_plain_http_elsewhere_is_refused(server: Provider) -> None:
    """Before anything is asked there; the query, which may hold a key, is not shown."""
    with pytest.raises(
        FeedError, match=r"is redirected to http://provider\.example/prices, which is not safe"
    ):
        fetch(server, status(302, Location="http://provider.example/prices?key=secret"))


def test_redirects_in_a_circle_end(server: Provider) -> None:
    """After three."""
    with pytest.raises(FeedError, match="more than 3 redirects"):
        fetch(server, status(302, Location="/prices.csv"))
    assert len(server.asked) == 4


def test_a_server_that_is_not_there_is_named() -> None:
    """A port that was free a moment ago; user and password are not shown."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FeedError, match=rf"^http://127\.0\.0\.1:{port}/x: cannot be fetched"):
        ask(feeds_of(f"http://user:secret@127.0.0.1:{port}/x"), VENDOR_PRICES, WINDOW)


@pytest.mark.parametrize(
    "url",
    [
        "http://provider.example/prices.csv",
        "http://127.0.0.1.provider.example/prices.csv",
        "ftp://127.0.0.1/prices.csv",
        "file:///etc/passwd",
        "prices.csv",
    ],
)
def test_an_address_that_anybody_could_change_on_the_way_is_refused(url: str) -> None:
    """When the platform is put together, not at the first night run."""
    with pytest.raises(UsageError, match="must be an https URL, or http to this machine"):
        HttpFeeds({"vendor_prices": url})


@pytest.mark.parametrize(
    "url", ["https://provider.example/x", "http://localhost:8000/x", "http://[::1]:8000/x"]
)
def test_https_and_this_machine_are_allowed(url: str) -> None:
    """Nothing is fetched yet."""
    HttpFeeds({"vendor_prices": url})


def test_an_unknown_name_and_a_missing_one_say_what_there_is() -> None:
    """Of the settings, and of a job that asks for what is not set."""
    with pytest.raises(UsageError, match=r"feeds named prices: there are vendor_prices, vendor_actions"):
        HttpFeeds({"prices": "https://provider.example/x"})
    with pytest.raises(UsageError, match=r"vendor_prices: .*; set an https URL"):
        HttpFeeds({"vendor_prices": "https://[::1/x"})
    with pytest.raises(FeedError, match=r"no URL for vendor_actions; there are: vendor_prices\. Remedy: add"):
        ask(HttpFeeds({"vendor_prices": "https://provider.example/x"}), VENDOR_ACTIONS, WINDOW)
