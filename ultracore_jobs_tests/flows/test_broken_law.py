"""A NAV that does not reconcile: nothing is published, the check is red, nothing downstream starts."""

import functools
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from ultracore_jobs.bootstrap import Settings, build_application
from ultracore_jobs.kernels.valuation import VALUATION_LINES, VALUATIONS, ValuationTables, value_portfolios
from ultracore_jobs.orchestration import Platform, build_definitions
from ultracore_jobs.orchestration.partitions import partition_key
from ultracore_jobs_tests.flows.conftest import Installed
from ultracore_jobs_tests.job_type_21 import a_21st_job_type

DAY = date(2026, 11, 18)


@functools.wraps(value_portfolios)
def a_cent_too_much(**inputs: Any) -> ValuationTables:
    """The kernel, with one portfolio's NAV a cent too high."""
    told = value_portfolios(**inputs)
    chosen = told.valuations.filter(pl.col("status") == "COMPLETE")["portfolio_id"].min()
    cent = pl.lit("0.01").str.to_decimal(scale=4)
    skewed = pl.when(pl.col("portfolio_id") == chosen).then(pl.col("nav") + cent).otherwise(pl.col("nav"))
    nav = skewed.cast(VALUATIONS.schema["nav"]).alias("nav")
    return told._replace(valuations=told.valuations.with_columns(nav))


def test_a_nav_that_is_a_cent_off_stops_the_day(
    first_demo: dict[str, Any], installed: Installed, tmp_path: Path
) -> None:
    """The valuation fails with a red `nav_reconciled`; the 21st type is skipped and says what for."""
    assert first_demo["jobs"]
    shutil.copytree(installed.lake, tmp_path / "lake")
    with a_21st_job_type(tmp_path) as jobs, dg.DagsterInstance.ephemeral() as instance:
        valuation = replace(jobs["portfolio_valuation"], kernel=a_cent_too_much)
        registry = {**jobs, "portfolio_valuation": valuation}
        app = replace(build_application(Settings(home=tmp_path)), jobs=registry)
        definitions = build_definitions(registry, Platform(lambda: app))
        instance.add_dynamic_partitions("tenants", ["acacia"])
        runs = {
            name: definitions.resolve_job_def(name).execute_in_process(
                instance=instance,
                partition_key=partition_key(registry[name], DAY, "acacia"),
                raise_on_error=False,
            )
            for name in ("portfolio_valuation", "tenant_total")
        }
        skipped = instance.get_run_by_id(runs["tenant_total"].run_id)

        checks = {
            found.check_name: found.passed
            for found in runs["portfolio_valuation"].get_asset_check_evaluations()
        }
        assert not runs["portfolio_valuation"].success
        assert not checks["nav_reconciled"]
        assert runs["portfolio_valuation"].get_asset_materialization_events() == []
        for table in (VALUATIONS, VALUATION_LINES):
            assert app.tables.versions(table, tenant="acacia", partition=DAY.isoformat()) == ()
        assert skipped is not None
        assert skipped.tags["ultracore/outcome"] == "SKIPPED_UPSTREAM"
        assert skipped.tags["ultracore/waiting_for"].startswith("valuations of 2026-11-18")
        assert runs["tenant_total"].get_asset_materialization_events() == []
