"""One Dagster home, the same for a checkout and for an installed package."""

import json
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.config import dagster_instance_config
from dagster_shared import yaml_utils

from ultracore_jobs.bootstrap import Settings
from ultracore_jobs.orchestration.instance import (
    WORKSPACE,
    dagster_settings,
    home_for_processes,
    open_instance,
)

CHECKOUT = Path(__file__).parents[2]


def test_the_checkout_and_the_package_agree() -> None:
    """dagster.yaml says what an installed package says, from its own base."""
    written, _ = dagster_instance_config(str(CHECKOUT))

    assert written == dagster_settings(Path(".ultracore/dagster"))


def test_the_workspace_of_the_checkout_is_that_of_the_package() -> None:
    """One code location, by the name under which runs of the command line are filed."""
    written = yaml_utils.load_yaml_from_path(str(CHECKOUT / "workspace.yaml"))

    assert written == WORKSPACE


def test_an_installed_package_keeps_its_home_under_ultracore_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs of the command line and of Dagster's own processes go to one database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    settings = Settings(home=tmp_path / "home")

    with open_instance(settings) as instance:
        instance.add_dynamic_partitions("tenants", ["acacia"])
    home = home_for_processes(settings)

    assert home.folder == tmp_path / "home" / "dagster"
    assert json.loads((home.folder / "dagster.yaml").read_text()) == dagster_settings(home.folder)
    assert json.loads(home.workspace.read_text()) == WORKSPACE
    with dg.DagsterInstance.from_config(str(home.folder)) as other:
        assert other.get_dynamic_partitions("tenants") == ["acacia"]


def test_a_checkout_is_its_own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written: dagster.yaml and workspace.yaml are there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    for name in ("dagster.yaml", "workspace.yaml"):
        (tmp_path / name).write_text((CHECKOUT / name).read_text())

    home = home_for_processes(Settings(home=Path(".ultracore")))

    assert (home.folder, home.workspace) == (tmp_path, tmp_path / "workspace.yaml")
    assert not (tmp_path / ".ultracore").exists()
