"""A 21st job type: a kernel and a page in folders of their own, found as those of the package are."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest

from ultracore_jobs import kernels
from ultracore_jobs.jobs import JobSpec, types
from ultracore_jobs.jobs.registry import load_pages

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


@contextmanager
def a_21st_job_type(folder: Path) -> Iterator[dict[str, JobSpec]]:
    """The job types, with two files more: ``kernels/tenant_total.py`` and ``jobs/types/tenant_total.py``."""
    with pytest.MonkeyPatch.context() as patch:
        for package, text in ((kernels, KERNEL), (types, PAGE)):
            place = folder / package.__name__.rpartition(".")[2]
            place.mkdir()
            (place / "tenant_total.py").write_text(dedent(text))
            patch.setattr(package, "__path__", [*package.__path__, str(place)])
        importlib.invalidate_caches()
        try:
            yield load_pages(types)
        finally:
            for package in (kernels, types):
                sys.modules.pop(f"{package.__name__}.tenant_total", None)
                vars(package).pop("tenant_total", None)
