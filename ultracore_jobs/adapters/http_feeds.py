"""Provider files fetched over HTTP: bounded in time, size, redirects and retries."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from ipaddress import ip_address
from time import monotonic
from typing import Final

import httpx
import stamina

from ultracore_jobs.adapters.deliveries import delivery_of, require_vendor_dataset
from ultracore_jobs.adapters.payloads import FEED_LIMIT, unpack
from ultracore_jobs.adapters.provider_files import parse_provider_file
from ultracore_jobs.catalog import Dataset
from ultracore_jobs.catalog.vendor import VENDOR_ACTIONS, VENDOR_FIXINGS, VENDOR_PRICES
from ultracore_jobs.errors import FeedError, UsageError
from ultracore_jobs.ports import Delivery

BUDGET_SECONDS: Final = 28.0
"""All attempts of one delivery together; longer outages are the schedule's to retry (DESIGN 4)."""

_DATASETS: Final = (VENDOR_PRICES.name, VENDOR_ACTIONS.name, VENDOR_FIXINGS.name)
_MAX_REDIRECTS: Final = 3
_LEAST_TIMEOUT: Final = 0.05
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500
_MEDIA_TYPES: Final = frozenset(
    {
        "",
        "application/csv",
        "application/gzip",
        "application/octet-stream",
        "application/vnd.apache.parquet",
        "application/x-gzip",
        "application/x-zip-compressed",
        "application/xml",
        "application/zip",
        "binary/octet-stream",
        "text/csv",
        "text/plain",
        "text/xml",
    }
)


class HttpFeeds:
    """`Feeds` on URLs, one for each vendor dataset; what they serve is parsed as `FileFeeds` parses files.

    A failed connection, an answer cut short, 429 and 5xx are tried again, as long as that is done within
    half a minute; ``Retry-After`` is kept to where it fits. Anything else is a `FeedError` at once.
    """

    def __init__(
        self,
        urls: Mapping[str, str],
        *,
        source: str = "http",
        timeout: float = 10.0,
        attempts: int = 4,
        wait: float = 0.5,
        budget: float = BUDGET_SECONDS,
        limit: int = FEED_LIMIT,
    ) -> None:
        """Check the addresses; nothing is fetched yet.

        Args:
            urls: URL by name of vendor dataset; ``{since}`` and ``{until}`` in it become YYYY-MM-DD.
            source: Stands in rows whose file has no ``source`` column.
            timeout: Seconds without an answer, or between two parts of it, before an attempt is given up.
            attempts: Most attempts.
            wait: Seconds before the second attempt; doubles from there.
            budget: Seconds that all attempts may take together.
            limit: Most bytes that an answer may have, unpacked.

        Raises:
            UsageError: A name is no vendor dataset, or a URL neither https nor http to this machine.
        """
        unknown = sorted(set(urls) - set(_DATASETS))
        if unknown:
            raise UsageError(f"feeds named {', '.join(unknown)}: there are {', '.join(_DATASETS)}")
        for name, url in urls.items():
            if not _is_allowed(_parsed(name, url)):
                raise UsageError(
                    f"{name}: {_shown(_parsed(name, url))} must be an https URL, or http to this machine; "
                    "plain http lets anybody on the way change a price"
                )
        # Where structlog is installed (Dagster brings it) stamina would print retries to standard output,
        # among the results; the standard library's logging goes where logs go.
        stamina.instrumentation.set_on_retry_hooks([stamina.instrumentation.LoggingOnRetryHook])
        self._urls = dict(urls)
        self._source = source
        self._timeout = timeout
        self._attempts = attempts
        self._wait = wait
        self._budget = budget
        self._limit = limit

    def deliver(self, dataset: Dataset, *, since: date, until: date, known_at: datetime) -> Delivery:
        """Fetch and parse what is published for *since* to *until*; see `Feeds.deliver`.

        Raises:
            FeedError: No URL is set for it, or what the server sent cannot be used; names URL and remedy.
            UnknownNameError: *dataset* is no vendor dataset.
        """
        require_vendor_dataset(dataset)
        if dataset.name not in self._urls:
            raise FeedError(
                f"no URL for {dataset.name}; there are: {', '.join(sorted(self._urls)) or 'none'}. "
                f'Remedy: add "{dataset.name}" to ULTRACORE_FEEDS.'
            )
        address = (
            self._urls[dataset.name]
            .replace("{since}", since.isoformat())
            .replace("{until}", until.isoformat())
        )
        url = _parsed(dataset.name, address)
        name = _shown(url)
        content = unpack(self._fetch(url, name), name, limit=self._limit)
        table = parse_provider_file(dataset, content, name, source=self._source)
        label = f"{name}; terms: {dataset.licence}"
        return delivery_of(dataset, [table], since=since, until=until, known_at=known_at, label=label)

    def _fetch(self, url: httpx.URL, name: str) -> bytes:
        deadline = monotonic() + self._budget
        with _faults_in_words(name):
            for attempt in stamina.retry_context(
                on=lambda error: _retry(error, deadline),
                attempts=self._attempts,
                timeout=self._budget,
                wait_initial=self._wait,
                wait_max=self._budget / 4,
                wait_jitter=self._wait / 2,
            ):
                with attempt:
                    return self._attempt(url, name, deadline)
        raise AssertionError(name)  # pragma: no cover - the loop returns or raises

    def _attempt(self, url: httpx.URL, name: str, deadline: float) -> bytes:
        def refuse_downgrade(request: httpx.Request) -> None:
            # Called for each hop: a redirect may not leave https, nor lead from outside to this machine.
            if not _is_allowed(request.url) or (_is_loopback(request.url) and not _is_loopback(url)):
                raise FeedError(
                    f"{name}: is redirected to {_shown(request.url)}, which is not safe. "
                    "Remedy: set the final URL."
                )

        with (
            httpx.Client(
                # The last attempt gets what is left of the budget, so that the sum stays within it.
                timeout=min(self._timeout, max(deadline - monotonic(), _LEAST_TIMEOUT)),
                follow_redirects=True,
                max_redirects=_MAX_REDIRECTS,
                event_hooks={"request": [refuse_downgrade]},
                headers={"Accept-Encoding": "identity"},
            ) as client,
            client.stream("GET", url) as response,
        ):
            response.raise_for_status()
            _require_media_type(response, name)
            return self._body(response, name, deadline)

    def _body(self, response: httpx.Response, name: str, deadline: float) -> bytes:
        """The whole answer, refused as soon as it is too large or too slow."""
        announced = response.headers.get("Content-Length", "")
        parts, size = [], 0
        if announced.isdecimal() and int(announced) > self._limit:
            raise FeedError(_too_large(name, self._limit))
        for part in response.iter_bytes():
            size += len(part)
            if size > self._limit:
                raise FeedError(_too_large(name, self._limit))
            if monotonic() > deadline:
                raise FeedError(
                    f"{name}: is not complete after {self._budget:g} seconds. Remedy: try again later."
                )
            parts.append(part)
        return b"".join(parts)


def _retry(error: Exception, deadline: float) -> bool | timedelta:
    """Whether to try again: no, after the usual wait, or after the wait that the server asks for."""
    if isinstance(error, httpx.HTTPStatusError):
        status = error.response.status_code
        if status != _TOO_MANY_REQUESTS and status < _SERVER_ERROR:
            return False
        asked = error.response.headers.get("Retry-After", "")
        if not asked.isdecimal():
            return True
        wait = int(asked)
        return timedelta(seconds=wait) if monotonic() + wait < deadline else False
    return isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol)


@contextmanager
def _faults_in_words(name: str) -> Iterator[None]:
    """Whatever httpx finds wrong, as a `FeedError` that a person can act on."""
    try:
        yield
    except httpx.HTTPStatusError as error:
        status = f"{error.response.status_code} {error.response.reason_phrase}".strip()
        raise FeedError(
            f"{name}: the server answers {status}. Remedy: {_remedy(error.response.status_code)}."
        ) from error
    except httpx.TooManyRedirects as error:
        raise FeedError(
            f"{name}: more than {_MAX_REDIRECTS} redirects. Remedy: set the final URL."
        ) from error
    except httpx.TimeoutException as error:
        raise FeedError(
            f"{name}: no answer in time ({type(error).__name__}). Remedy: try again later."
        ) from error
    except httpx.DecodingError as error:
        raise FeedError(
            f"{name}: the answer is cut short or damaged ({error}). Remedy: try again later."
        ) from error
    except httpx.RequestError as error:
        raise FeedError(f"{name}: cannot be fetched ({error}). Remedy: check address and network.") from error


def _remedy(status: int) -> str:
    if status == _TOO_MANY_REQUESTS:
        return "ask less often, or for a higher limit"
    return "try again later" if status >= _SERVER_ERROR else "check the address and your access"


def _require_media_type(response: httpx.Response, name: str) -> None:
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type not in _MEDIA_TYPES:
        raise FeedError(
            f"{name}: the answer is {media_type}, not CSV, XML or Parquet; is it a login or error page? "
            "Remedy: open the address in a browser."
        )


def _too_large(name: str, limit: int) -> str:
    return f"{name}: is larger than {limit:,} bytes, the limit. Remedy: ask for fewer days."


def _parsed(name: str, address: str) -> httpx.URL:
    try:
        return httpx.URL(address)
    except httpx.InvalidURL as error:
        raise UsageError(f"{name}: {error}; set an https URL") from error


def _is_allowed(url: httpx.URL) -> bool:
    return bool(url.host) and (url.scheme == "https" or (url.scheme == "http" and _is_loopback(url)))


def _is_loopback(url: httpx.URL) -> bool:
    if url.host == "localhost":
        return True
    try:
        return ip_address(url.host).is_loopback
    except ValueError:
        return False


def _shown(url: httpx.URL) -> str:
    """The URL without what may be secret: user, password and query."""
    return str(url.copy_with(userinfo=b"", query=None, fragment=None))
