"""The history load of a store."""

from dataclasses import replace
from datetime import date
from pathlib import Path

from ultracore_jobs.catalog.market import PRICES
from ultracore_jobs.jobs import job_types
from ultracore_jobs.ports import TableStore
from ultracore_jobs.sample.history import load_history
from ultracore_jobs_tests.stage import application

FIRST_DAY = date(2026, 11, 20)


class _SeesNothing:
    """The real store, as a process sees it that looked just before another wrote."""

    def __init__(self, tables: TableStore) -> None:
        self._tables = tables

    def __getattr__(self, name: str) -> object:
        return (lambda *_, **__: ()) if name == "versions" else getattr(self._tables, name)


def test_a_store_has_its_history_once(tmp_path: Path) -> None:
    """The second call writes nothing."""
    app = application(tmp_path, job_types())

    first = load_history(app, before=FIRST_DAY)

    assert first["prices"] > 40_000
    assert load_history(app, before=FIRST_DAY) == {}


def test_two_first_demos_at_once_do_not_double_it(tmp_path: Path) -> None:
    """Both look, both find nothing, both write: the rows are there once."""
    app = application(tmp_path, job_types())
    first = load_history(app, before=FIRST_DAY)

    load_history(replace(app, tables=_SeesNothing(app.tables)), before=FIRST_DAY)  # type: ignore[arg-type]

    assert app.tables.newest(PRICES, tenant="shared")["history"].rows == first["prices"]
