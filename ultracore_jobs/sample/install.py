"""Put the sample platform into a store: shared tables, market history, two tenants and their books."""

from collections.abc import Callable, Sequence
from datetime import date

from ultracore_jobs.application import Application
from ultracore_jobs.application.imports import import_table
from ultracore_jobs.application.platform import SHARED
from ultracore_jobs.application.tenants import add_tenant
from ultracore_jobs.catalog.given import GIVEN
from ultracore_jobs.sample.history import load_history
from ultracore_jobs.sample.names import TENANTS
from ultracore_jobs.sample.tenants import generate_tenant, shared_tables

SOURCE = "sample"


def install_sample(
    app: Application,
    *,
    as_of: date,
    portfolios: int = 200,
    tenants: Sequence[str] = tuple(TENANTS),
    progress: Callable[[str], None] = lambda _what: None,
) -> dict[str, int]:
    """Bring the sample up to the evening of *as_of*; what is there already is not written again.

    Args:
        app: The platform whose store takes the rows.
        as_of: The books hold what happened up to this day.
        portfolios: Portfolios of each tenant.
        tenants: Which of the sample's tenants.
        progress: Told what is being loaded.

    Returns:
        Rows written, by table; empty where nothing was new.
    """
    written: dict[str, int] = {}
    progress("market history")
    written.update(load_history(app, before=as_of))
    for name, rows in shared_tables(until=as_of).items():
        progress(f"{SHARED}: {name}")
        report = import_table(app, GIVEN[name], rows, tenant=SHARED, source=SOURCE)
        written[name] = written.get(name, 0) + report.written
    for tenant in tenants:
        add_tenant(app, tenant, name=TENANTS[tenant], timezone="Australia/Sydney", starts_on=date(2024, 1, 1))
        for name, rows in generate_tenant(tenant, portfolios=portfolios, until=as_of).items():
            progress(f"{tenant}: {name}")
            report = import_table(app, GIVEN[name], rows, tenant=tenant, source=SOURCE)
            written[name] = written.get(name, 0) + report.written
    return {name: count for name, count in written.items() if count}
