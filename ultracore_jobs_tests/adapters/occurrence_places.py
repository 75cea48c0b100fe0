"""Opens what keeps occurrences, in this process or in another; and what its database itself refuses."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ultracore_jobs.adapters.database import reading, writing
from ultracore_jobs.adapters.occurrence_tables import CANCELLATIONS, OCCURRENCES
from ultracore_jobs.adapters.sql_occurrences import SqlOccurrences
from ultracore_jobs.errors import StoreError
from ultracore_jobs_tests.adapters.sql_places import opened
from ultracore_jobs_tests.contracts.occurrences_recorded import MINUTE, MONDAY_TEN, occurrence, wish


def open_occurrences(url: str) -> SqlOccurrences:
    """The occurrences in a migrated database."""
    return SqlOccurrences(opened(url))


class OccurrenceGuards:
    """Inherit it in a ``Test...`` class that has the fixture `url`."""

    @pytest.fixture
    def url(self) -> str:
        """A migrated, empty database."""
        raise NotImplementedError

    @pytest.mark.parametrize(
        "change",
        [
            {"parameters": "{}"},
            {"ready_at": MONDAY_TEN + MINUTE},
            {"state": "FIRED", "settled_at": MONDAY_TEN},
            {"state": "CANCELLED"},
            {"state": "FIRED", "settled_at": MONDAY_TEN, "run_id": "r", "requested_by": "cli:zoe"},
        ],
        ids=["parameters", "instant", "fired without a run", "settled without an instant", "by another"],
    )
    def test_what_was_asked_for_is_never_changed(self, url: str, change: dict[str, Any]) -> None:
        """By any SQL: not through our code, but past it."""
        open_occurrences(url).put(occurrence())

        with pytest.raises(StoreError, match="only stops being DUE"), writing(opened(url)) as connection:
            connection.execute(sa.update(OCCURRENCES).values(change))
        assert open_occurrences(url).of_job("job_1") == (occurrence(),)

    def test_what_was_fired_is_never_due_again(self, url: str) -> None:
        """Nor said to be of another run."""
        kept = open_occurrences(url)
        kept.put(occurrence())
        kept.fire("job_1", 1, "run_1", at=MONDAY_TEN)

        for change in ({"state": "DUE", "run_id": None, "settled_at": None}, {"run_id": "run_2"}):
            with pytest.raises(StoreError, match="only stops being DUE"), writing(opened(url)) as connection:
                connection.execute(sa.update(OCCURRENCES).values(change))

    def test_neither_is_removed(self, url: str) -> None:
        """They are part of what happened."""
        kept = open_occurrences(url)
        kept.put(occurrence())
        kept.cancel(wish())

        for table in (OCCURRENCES, CANCELLATIONS):
            with pytest.raises(StoreError, match="is kept"), writing(opened(url)) as connection:
                connection.execute(sa.delete(table))

    def test_a_wish_is_not_put_into_anothers_mouth(self, url: str) -> None:
        """It is acknowledged once, and no word of it changes."""
        kept = open_occurrences(url)
        kept.cancel(wish())
        spoken = {"acknowledged_at": MONDAY_TEN, "requested_by": "cli:zoe"}
        with pytest.raises(StoreError, match="only be acknowledged"), writing(opened(url)) as connection:
            connection.execute(sa.update(CANCELLATIONS).values(spoken))
        kept.acknowledge("job_1", "stopped", at=MONDAY_TEN)
        with pytest.raises(StoreError, match="only be acknowledged"), writing(opened(url)) as connection:
            connection.execute(sa.update(CANCELLATIONS).values(outcome="too late"))

    def test_what_is_due_is_found_by_index(self, url: str) -> None:
        """Two thousand that were fired, one that is due: the plan names the index of what is due."""
        kept = open_occurrences(url)
        row = occurrence().model_dump(exclude={"tenant", "job_id", "state", "parameters", "due_at"})
        fired = [
            {
                **row,
                "job_id": f"old_{number}",
                "tenant_id": "acme",
                "due_at": MONDAY_TEN - timedelta(days=number),
                "parameters": "{}",
                "state": "FIRED",
                "run_id": "run",
                "settled_at": MONDAY_TEN,
            }
            for number in range(1, 2001)
        ]
        with writing(opened(url)) as connection:
            connection.execute(sa.insert(OCCURRENCES), fired)
        kept.put(occurrence())
        assert [one.job_id for one in kept.due(MONDAY_TEN, 20)] == ["job_1"]

        engine = opened(url)
        asked: list[tuple[str, Any]] = []
        sa.event.listen(
            engine, "before_cursor_execute", lambda _c, _u, sql, given, *_: asked.append((sql, given))
        )
        SqlOccurrences(engine).due(MONDAY_TEN, 20)
        explain = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
        [(sql, given)] = [one for one in asked if "uc_occurrences" in one[0]]
        with reading(engine) as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql("ANALYZE uc_occurrences")
            plan = connection.exec_driver_sql(f"{explain} {sql}", given).all()
        assert "uc_occurrences_due_ix" in str(plan)
