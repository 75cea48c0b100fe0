"""What croniter's own test suite asks, so that others can be asked the same.

The adapter runs the suite of croniter's source archive against the installed croniter, and notes down
each question (expression, instant, direction) with the answer the suite was content with. Nothing of
the suite is kept.
"""

import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import wraps
from importlib import import_module
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

_FIELDS = 5
_QUIETLY = ("-q", "-p", "no:cacheprovider", "-c", "/dev/null", "--import-mode=importlib")


@dataclass(frozen=True)
class Asked:
    """One question of the suite.

    Attributes:
        expression: As the suite wrote it.
        zone: IANA name; UTC where the suite used naive datetimes.
        instant: From where it looked, in UTC.
        forward: Whether for the next one or the previous one.
        answer: What croniter said, in UTC.
    """

    expression: str
    zone: str
    instant: datetime
    forward: bool
    answer: datetime


@dataclass(frozen=True)
class SuiteRun:
    """The suite, as it went.

    Attributes:
        asked: Every question once, in order, of those that have a meaning for us.
        others: How many used what we refuse or do not have: seconds, years, hashes, and/or switches.
        summary: What pytest said last.
    """

    asked: list[Asked]
    others: int
    summary: str


def run_suite(archive: Path | None = None) -> SuiteRun:
    """Run croniter's suite, and note down what it asks.

    Args:
        archive: croniter's sdist; fetched with pip where left out, in the version installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        tests = _unpack(archive or _fetch(Path(folder)), Path(folder))
        with _listening(tests) as heard:
            summary = _pytest(tests)
    asked = [question for question in heard if question is not None]
    return SuiteRun(list(dict.fromkeys(asked)), len(heard) - len(asked), summary)


def _fetch(folder: Path) -> Path:
    wanted = f"croniter=={version('croniter')}"
    command = [sys.executable, "-m", "pip", "download", wanted, "--no-binary", "croniter", "--no-deps"]
    subprocess.run([*command, "--quiet", "--dest", str(folder)], check=True)  # noqa: S603 - our own arguments
    return next(folder.glob("croniter-*.tar.gz"))


def _unpack(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return next(folder.glob("croniter-*/src/croniter/tests"))


def _pytest(tests: Path) -> str:
    import pytest  # noqa: PLC0415 - only this question needs it

    said = StringIO()
    with redirect_stdout(said):
        pytest.main([*_QUIETLY, "--rootdir", str(tests), str(tests)])
    return said.getvalue().strip().splitlines()[-1]


@contextmanager
def _listening(tests: Path) -> Iterator[list[Asked | None]]:
    package = import_module("croniter")
    croniter, heard = package.croniter, list[Asked | None]()
    make, find = croniter.__init__, croniter._calc_next  # noqa: SLF001 - where every door of croniter leads

    @wraps(make)
    def note_expression(self: Any, expr_format: str, *args: Any, **options: Any) -> None:
        make(self, expr_format, *args, **options)
        plain = len(self.expanded) == _FIELDS and not (
            options.get("hash_id")
            or options.get("implement_cron_bug")
            or options.get("expand_from_start_time")
        )
        self.asked_for = expr_format if plain and options.get("day_or", True) else None

    @wraps(find)
    def note_answer(self: Any, is_prev: bool) -> datetime:  # noqa: FBT001 - croniter's signature
        instant, tz = self.cur, self.tzinfo
        answer: datetime = find(self, is_prev)
        zone = _zone_name(tz)
        if self.asked_for is None or zone is None:
            heard.append(None)
        else:
            from_when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=instant)
            in_utc = answer.astimezone(UTC) if answer.tzinfo else answer.replace(tzinfo=UTC)
            heard.append(Asked(self.asked_for, zone, from_when, not is_prev, in_utc))
        return answer

    with (
        patch.object(package, "__path__", [*package.__path__, str(tests.parent)]),
        patch.object(croniter, "__init__", note_expression),
        patch.object(croniter, "_calc_next", note_answer),
    ):
        yield heard


def _zone_name(tz: tzinfo | None) -> str | None:
    """The IANA name of a zone of zoneinfo, pytz or dateutil; None where it has none."""
    if tz is None or tz is UTC:
        return "UTC"
    name = getattr(tz, "key", None) or getattr(tz, "zone", None) or getattr(tz, "_filename", None)
    return str(name).split("zoneinfo/")[-1] if name else None
