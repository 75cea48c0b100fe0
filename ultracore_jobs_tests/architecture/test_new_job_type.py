"""A 21st job type is two files, and nothing else is edited.

A kernel and a page are put into folders of their own, which the packages are told to look into as they
look into theirs. Everything that reads pages must then find them: registry, assets, jobs, docs, planner.
"""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import dagster as dg
import pytest

from ultracore_jobs import kernels
from ultracore_jobs.application.planner import plan_day
from ultracore_jobs.jobs import JobSpec, types
from ultracore_jobs.jobs.document import job_types_page
from ultracore_jobs.jobs.registry import load_pages
from ultracore_jobs.orchestration import Platform, build_definitions
from ultracore_jobs_tests.stage import FRIDAY, application

KERNEL = '''
    """What a tenant is worth: the sum of its portfolios."""

    from typing import NamedTuple

    import polars as pl

    from ultracore_jobs.catalog import Dataset
    from ultracore_jobs.catalog.columns import count, day

    TENANT_TOTALS = Dataset(
        name="tenant_totals",
        grain="one tenant on one day",
        key=("as_of_date",),
        source="tenant_total",
        columns={"as_of_date": day("Day"), "portfolios": count("Portfolios with a value")},
    )

    class TenantTotals(NamedTuple):
        tenant_totals: pl.DataFrame

    def total_of_tenant(*, valuations: pl.DataFrame, as_of: object) -> TenantTotals:
        """Count the portfolios that have a value."""
        valued = valuations.filter(pl.col("status") == "COMPLETE").height
        row = {"as_of_date": [as_of], "portfolios": [valued]}
        return TenantTotals(pl.DataFrame(row, schema=TENANT_TOTALS.schema))
'''

PAGE = '''
    """Tenant total: what a tenant is worth, daily."""

    from ultracore_jobs.jobs.spec import Cadence, JobSpec, Priority
    from ultracore_jobs.kernels.tenant_total import TENANT_TOTALS, total_of_tenant
    from ultracore_jobs.kernels.valuation import VALUATIONS

    JOB = JobSpec(
        name="tenant_total",
        family="valuation",
        summary="What a tenant is worth, daily.",
        rule="The number of portfolios with a COMPLETE valuation.",
        source="this test",
        reads=(VALUATIONS,),
        kernel=total_of_tenant,
        writes=(TENANT_TOTALS,),
        cadence=Cadence.SESSIONS,
        priority=Priority.LOW,
        rerun="Writes nothing unless a valuation changed.",
        result=lambda tenant_totals: {"portfolios": tenant_totals["portfolios"].item()},
    )
'''


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, JobSpec]]:
    """The job types, with two files more."""
    for package, text in ((kernels, KERNEL), (types, PAGE)):
        folder = tmp_path / package.__name__.rpartition(".")[2]
        folder.mkdir()
        (folder / "tenant_total.py").write_text(dedent(text))
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    importlib.invalidate_caches()
    yield load_pages(types)
    for package in (kernels, types):
        sys.modules.pop(f"{package.__name__}.tenant_total", None)
        vars(package).pop("tenant_total", None)


def test_it_has_an_asset_a_job_and_an_entry_in_the_documentation(jobs: dict[str, JobSpec]) -> None:
    """Found by its page alone; the graph shows that it follows the valuation."""
    definitions = build_definitions(jobs)
    dg.Definitions.validate_loadable(definitions)

    node = definitions.resolve_asset_graph().get(dg.AssetKey(["tenant_totals"]))
    assert node.group_name == "valuation"
    assert node.parent_keys == {dg.AssetKey(["valuations"])}
    assert definitions.resolve_job_def("tenant_total").name == "tenant_total"
    assert "## tenant_total\n\nWhat a tenant is worth, daily." in job_types_page(jobs)


def test_it_is_planned_after_what_it_reads(jobs: dict[str, JobSpec]) -> None:
    """Lowest priority or not: after the valuation."""
    order = [planned.job_type for planned in plan_day(jobs, tenants=("acacia",), is_session=True)]

    assert order.index("tenant_total") > order.index("portfolio_valuation")


def test_it_refuses_to_start_before_the_valuation_has_landed(
    jobs: dict[str, JobSpec], tmp_path: Path
) -> None:
    """A valuation whose gates failed published nothing, so nothing downstream may start."""
    app = application(tmp_path, jobs)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("tenants", ["acacia"])
        finished = (
            build_definitions(jobs, Platform(lambda: app))
            .resolve_job_def("tenant_total")
            .execute_in_process(
                instance=instance,
                partition_key=dg.MultiPartitionKey({"date": FRIDAY.isoformat(), "tenant": "acacia"}),
            )
        )
        run = instance.get_run_by_id(finished.run_id)

    assert run is not None
    assert run.tags["ultracore/outcome"] == "SKIPPED_UPSTREAM"
    assert run.tags["ultracore/waiting_for"] == (
        "valuations of 2026-11-20 (portfolio_valuation for tenant acacia)"
    )
    assert finished.get_asset_materialization_events() == []
