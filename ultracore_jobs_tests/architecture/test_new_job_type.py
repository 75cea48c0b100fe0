"""A 21st job type is two files, and nothing else is edited.

A kernel and a page are put into folders of their own, which the packages are told to look into as they
look into theirs. Everything that reads pages must then find them: registry, assets, jobs, docs, planner.
"""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ultracore_jobs.application.planner import plan_day
from ultracore_jobs.jobs import JobSpec
from ultracore_jobs.jobs.document import job_types_page
from ultracore_jobs.orchestration import Platform, build_definitions
from ultracore_jobs_tests.job_type_21 import a_21st_job_type
from ultracore_jobs_tests.stage import FRIDAY, application


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[dict[str, JobSpec]]:
    """The job types, with two files more."""
    with a_21st_job_type(tmp_path) as found:
        yield found


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
    order = [
        planned.job_type
        for planned in plan_day(jobs, tenants=("acacia",), as_of=FRIDAY, is_session=lambda _day: True)
    ]

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
