"""A sample book at a month's end: every stored number of every portfolio has a formula that comes to it."""

from datetime import date
from pathlib import Path

import pytest

from ultracore_jobs.application.explain import explain_portfolio
from ultracore_jobs.application.explain_origins import key_of
from ultracore_jobs.application.pipeline import read_parameters
from ultracore_jobs.application.reading import moment_of
from ultracore_jobs.application.replay import pinned_tables
from ultracore_jobs.application.results import by_name
from ultracore_jobs.bootstrap import Settings, build_application
from ultracore_jobs.jobs.spec import call_by_name
from ultracore_jobs.ports import VersionRef
from ultracore_jobs_tests.flows.conftest import Installed
from ultracore_jobs_tests.kernels.explanations import require_sound

LAST_OF_JUNE = date(2026, 6, 30)
"""A Tuesday, and the day on which performance fees crystallise."""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a demo of June, with 16 portfolios a tenant."""
    installed = Installed(tmp_path_factory.mktemp("explained"))
    installed.run("demo", "--date", LAST_OF_JUNE.isoformat(), "--portfolios", "16", "--json")
    return installed.folder / ".ultracore"


@pytest.mark.slow
@pytest.mark.parametrize("job_type", ["portfolio_valuation", "high_water_mark_update", "fee_charging"])
@pytest.mark.parametrize("tenant", ["acacia", "banksia"])
def test_every_stored_number_of_the_book_is_explained(book: Path, tenant: str, job_type: str) -> None:
    """Read again from the pinned inputs, worked out by a second reader, held against the contract."""
    app = build_application(Settings(home=book))
    spec = app.jobs[job_type]
    day = spec.cadence.key_of(LAST_OF_JUNE).isoformat()
    stored, provenance = {}, None
    for dataset in spec.writes:
        version = app.tables.versions(dataset, tenant=tenant, partition=day)[-1]
        ref = VersionRef(tenant=tenant, dataset=dataset.name, partition=day, version=version.version)
        stored[dataset.name] = app.tables.scan(dataset, ref).collect()
        provenance = version.provenance
    assert provenance is not None
    assert spec.explain is not None
    moment = moment_of(app, spec, tenant, provenance.as_of, provenance.known_at)
    inputs = pinned_tables(app, spec, moment, provenance.inputs)
    available = by_name(moment, read_parameters(spec, provenance.parameters), inputs, stored)

    explained = 0
    for portfolio_id in stored[spec.writes[0].name]["portfolio_id"].unique().sort():
        found = call_by_name(spec.explain, {**available, "portfolio_id": portfolio_id})
        require_sound(found, spec.writes, stored, portfolio_id)
        explained += len(found)

    assert explained > 50


@pytest.mark.slow
def test_one_portfolio_is_explained_from_nav_to_charge(book: Path) -> None:
    """Three chapters in the order in which the jobs run; every row behind them lies in a stored version."""
    app = build_application(Settings(home=book))

    found = explain_portfolio(app, "ACA-P000003", LAST_OF_JUNE)

    assert [chapter.spec.name for chapter in found.chapters] == [
        "portfolio_valuation",
        "high_water_mark_update",
        "fee_charging",
    ]
    assert found.agrees
    for chapter in found.chapters:
        rows = {key_of(row) for number in chapter.numbers for row in number.inputs}
        assert rows <= set(chapter.origins)
