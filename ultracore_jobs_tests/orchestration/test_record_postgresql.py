"""The writer where Dagster keeps its runs in PostgreSQL: the same, and entries that are committed late."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.instance.ref import InstanceRef  # no public way to make an instance from overrides

from ultracore_jobs.application import Application
from ultracore_jobs.orchestration.instance import dagster_settings
from ultracore_jobs.orchestration.run_changes import unseen_changes
from ultracore_jobs_tests.orchestration.record_stage import differences, many_runs, record_all
from ultracore_jobs_tests.postgres import postgres_server
from ultracore_jobs_tests.stage import StillClock, application, load
from ultracore_jobs_tests.toys import ACCOUNTS, TOYS, accounts

pytest.importorskip("dagster_postgres", reason="Dagster's storage on PostgreSQL is an extra")

AN_ENTRY = sa.text(
    "INSERT INTO event_logs (run_id, event, dagster_event_type, timestamp) "
    "SELECT run_id, event, dagster_event_type, timestamp FROM event_logs "
    "WHERE dagster_event_type = 'PIPELINE_START' ORDER BY id DESC LIMIT 1 RETURNING id"
)


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """Acacia has accounts."""
    app = application(tmp_path, TOYS, clock=StillClock())
    load(app, ACCOUNTS, accounts(A="10.00", B="20.00"), tenant="acacia")
    return app


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An empty database, as SQLAlchemy and dagster-postgres want it named."""
    with postgres_server() as server:
        empty = sa.make_url(server.empty_database())
        yield empty.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


@pytest.mark.slow
def test_runs_in_postgresql_are_recorded_and_late_commits_are_found(
    tmp_path: Path, app: Application, url: str
) -> None:
    """Good, skipped, broken, run again, queued, cancelled: no difference.

    Then two connections write an entry each; the second commits first, and is read; then the first, which has
    the lower number, and which a plain cursor would never see.
    """
    settings = dagster_settings(tmp_path)
    for kind in ("run", "event_log", "schedule"):
        settings.pop(f"{kind}_storage")
    settings["storage"] = {"postgres": {"postgres_url": url}}
    reference = InstanceRef.from_dir(str(tmp_path), overrides=settings)
    engine = sa.create_engine(url)
    with dg.DagsterInstance.from_ref(reference) as instance, engine.connect() as one, engine.connect() as two:
        instance.add_dynamic_partitions("tenants", ["acacia"])
        many_runs(app, instance)
        tick = record_all(app, instance)
        found = differences(app, instance)
        begun, begun_later = one.begin(), two.begin()
        lower, higher = one.execute(AN_ENTRY).scalar_one(), two.execute(AN_ENTRY).scalar_one()
        begun_later.commit()
        early, _ = unseen_changes(instance, tick.cursor.window, 100)
        begun.commit()
        late, _ = unseen_changes(instance, tick.cursor.window.after(early), 100)
    engine.dispose()

    assert found == []
    assert lower < higher
    assert [change.number for change in early] == [higher]
    assert [change.number for change in late] == [lower]
