"""A provider's web server on this machine that answers as a test tells it, faults included."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

Answer = Callable[["ProviderHandler"], None]


@dataclass
class Provider:
    """Answers for one path after the other; the last answer of a path is repeated.

    Attributes:
        url: Where it listens.
        answers: By path.
        asked: Paths with query, in the order they were asked for.
        closing: Set when the test is over; a slow answer waits for it.
    """

    url: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    closing: Event = field(default_factory=Event)

    def serve(self, path: str, *answers: Answer) -> str:
        """Set the answers of *path* and return its URL."""
        self.answers[path] = list(answers)
        return self.url + path


class ProviderHandler(BaseHTTPRequestHandler):
    """Hands each request to the next answer."""

    provider: Provider
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer, as told."""
        self.provider.asked.append(self.path)
        answers = self.provider.answers[self.path.partition("?")[0]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        answer(self)

    def end_headers(self) -> None:
        """Say that the connection ends here: the client must not ask on while it is being closed."""
        self.send_header("Connection", "close")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named so by the standard library
        """Say nothing."""


@contextmanager
def provider() -> Iterator[Provider]:
    """A server on a free port of this machine."""
    state = Provider()
    handler = type("Handler", (ProviderHandler,), {"provider": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = False
        state.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            state.closing.set()
            server.shutdown()
            thread.join()


def content(body: bytes, media_type: str | None = "text/csv", *, announce: int | None = None) -> Answer:
    """200 with *body*; *announce* says another length than it has."""

    def answer(handler: ProviderHandler) -> None:
        handler.send_response(200)
        if media_type is not None:
            handler.send_header("Content-Type", media_type)
        handler.send_header("Content-Length", str(len(body) if announce is None else announce))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def status(code: int, **headers: str) -> Answer:
    """A status without a body."""

    def answer(handler: ProviderHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def drop(handler: ProviderHandler) -> None:
    """Hang up without a word."""
    handler.close_connection = True
    handler.connection.close()


def hang(handler: ProviderHandler) -> None:
    """Say nothing until the test is over."""
    handler.provider.closing.wait(30)


def endless(handler: ProviderHandler) -> None:
    """Send without end and without saying how much."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/csv")
    handler.end_headers()
    try:
        while not handler.provider.closing.is_set():
            handler.wfile.write(b"symbol,close\n" * 1000)
    except OSError:
        return


def drip(handler: ProviderHandler) -> None:
    """Send a byte every hundredth of a second: never silent, never done."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/csv")
    handler.end_headers()
    try:
        while not handler.provider.closing.wait(0.01):
            handler.wfile.write(b"x")
    except OSError:
        return
