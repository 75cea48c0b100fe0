"""The register of tenants."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.tenants import TENANTS, add_tenant, list_tenants, require_tenant
from ultracore_jobs.errors import UnknownNameError, UsageError
from ultracore_jobs_tests.stage import StillClock, application

MONDAY = date(2026, 11, 23)


@pytest.fixture
def clock() -> StillClock:
    """Saturday 21 November 2026, 02:00 UTC."""
    return StillClock()


@pytest.fixture
def app(tmp_path: Path, clock: StillClock) -> Application:
    """A platform without tenants."""
    return application(tmp_path, {}, clock=clock)


def versions(app: Application) -> list[int]:
    """Version of each load of the register."""
    return [version.version for version in app.tables.newest(TENANTS, tenant="shared").values()]


def test_a_tenant_is_added_once(app: Application, clock: StillClock) -> None:
    """The second call says the same, so it writes nothing, on another day too."""
    assert add_tenant(app, "acacia", name="Acacia Wealth", timezone="Australia/Perth", starts_on=MONDAY)
    clock.move(timedelta(days=2))
    assert not add_tenant(app, "acacia", name="Acacia Wealth", timezone="Australia/Perth", starts_on=MONDAY)

    assert versions(app) == [1]
    row = list_tenants(app).row(0, named=True)
    assert row["name"] == "Acacia Wealth"
    assert row["timezone"] == "Australia/Perth"
    assert row["starts_on"] == MONDAY
    assert row["closed_on"] is None


def test_what_is_left_out_has_a_default_and_then_stays(app: Application, clock: StillClock) -> None:
    """Its id, Sydney and today; a later call that says only the name changes only the name."""
    assert add_tenant(app, "acacia")
    clock.move(timedelta(days=2))
    assert not add_tenant(app, "acacia")
    assert add_tenant(app, "acacia", name="Acacia Wealth")

    assert list_tenants(app).select("tenant_id", "name", "timezone", "starts_on").rows() == [
        ("acacia", "Acacia Wealth", "Australia/Sydney", date(2026, 11, 21))
    ]


def test_a_change_within_the_same_instant_counts(app: Application) -> None:
    """Of two rows known at one moment the one that arrived later wins."""
    add_tenant(app, "acacia", name="Acacia")
    add_tenant(app, "acacia", name="Acacia Wealth")

    assert list_tenants(app)["name"].to_list() == ["Acacia Wealth"]


def test_tenants_are_listed_by_id(app: Application) -> None:
    """Empty at first."""
    assert list_tenants(app).is_empty()
    add_tenant(app, "banksia")
    add_tenant(app, "acacia")

    assert list_tenants(app)["tenant_id"].to_list() == ["acacia", "banksia"]


def test_an_unknown_tenant_is_refused_with_those_there_are(app: Application) -> None:
    """`shared` is always there: market data is its."""
    add_tenant(app, "acacia")
    require_tenant(app, "acacia")
    require_tenant(app, "shared")
    with pytest.raises(UnknownNameError, match=r"unknown tenant 'acaica'; there are: acacia, shared"):
        require_tenant(app, "acaica")


@pytest.mark.parametrize(
    "tenant", ["", "Acacia", "9lives", "a/b", "..", "a b", "a" * 64, "acacia\n", "akázie"]
)
def test_an_id_that_is_no_id_is_refused(app: Application, tenant: str) -> None:
    """It becomes a folder and a partition key."""
    with pytest.raises(UsageError, match="is no valid id: a lower-case letter"):
        add_tenant(app, tenant)
    assert list_tenants(app).is_empty()


def test_shared_is_reserved(app: Application) -> None:
    """It owns what all tenants read."""
    with pytest.raises(UsageError, match="tenant 'shared' is reserved"):
        add_tenant(app, "shared")


@pytest.mark.parametrize("timezone", ["Sydney", "Australia/Sidney", "../etc/passwd", "Australia", "+10:00"])
def test_a_time_zone_that_is_none_is_refused(app: Application, timezone: str) -> None:
    """Dates would be wrong by a day without a word."""
    with pytest.raises(UsageError, match="is none of the IANA list, such as Australia/Sydney"):
        add_tenant(app, "acacia", timezone=timezone)
