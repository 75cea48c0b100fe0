"""One Dagster home, the same for a checkout and for an installed package."""

import json
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.config import dagster_instance_config

from ultracore_jobs.bootstrap import Settings
from ultracore_jobs.orchestration.instance import dagster_settings, environment_for_processes, open_instance

CHECKOUT = Path(__file__).parents[2]


def test_the_checkout_and_the_package_agree() -> None:
    """dagster.yaml says what an installed package says, from its own base."""
    written, _ = dagster_instance_config(str(CHECKOUT))

    assert written == dagster_settings(Path(".ultracore/dagster"))


def test_an_installed_package_keeps_its_home_under_ultracore_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs of the command line and of Dagster's own processes go to one database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    settings = Settings(home=tmp_path / "home")

    with open_instance(settings) as instance:
        instance.add_dynamic_partitions("tenants", ["acacia"])
    base = Path(environment_for_processes(settings)["DAGSTER_HOME"])

    assert base == tmp_path / "home" / "dagster"
    assert json.loads((base / "dagster.yaml").read_text()) == dagster_settings(base)
    with dg.DagsterInstance.from_config(str(base)) as other:
        assert other.get_dynamic_partitions("tenants") == ["acacia"]
