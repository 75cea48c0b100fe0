"""One Dagster home for the command line, the UI and the daemon."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef  # no public way to make an instance from overrides

from ultracore_jobs.bootstrap import Settings
from ultracore_jobs.orchestration.partitions import TENANTS

LOCATION_NAME = "ultracore_jobs"

WORKSPACE: dict[str, Any] = {
    "load_from": [
        {"python_module": {"module_name": "ultracore_jobs.definitions", "location_name": LOCATION_NAME}}
    ]
}
"""What ``workspace.yaml`` of the checkout says."""


def dagster_settings(base: Path) -> dict[str, Any]:
    """What ``dagster.yaml`` of the checkout says, for a home at *base*."""
    storage = "dagster._core.storage"
    return {
        "telemetry": {"enabled": False},
        "nux": {"enabled": False},
        "local_artifact_storage": {
            "module": f"{storage}.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": str(base)},
        },
        "run_storage": {
            "module": f"{storage}.runs",
            "class": "SqliteRunStorage",
            "config": {"base_dir": str(base / "history")},
        },
        "event_log_storage": {
            "module": f"{storage}.event_log",
            "class": "ConsolidatedSqliteEventLogStorage",
            "config": {"base_dir": str(base / "history")},
        },
        "schedule_storage": {
            "module": f"{storage}.schedules",
            "class": "SqliteScheduleStorage",
            "config": {"base_dir": str(base / "schedules")},
        },
        "compute_logs": {
            "module": f"{storage}.local_compute_log_manager",
            "class": "LocalComputeLogManager",
            "config": {"base_dir": str(base / "logs")},
        },
        "run_coordinator": {
            "module": "ultracore_jobs.orchestration.attribution",
            "class": "AttributedRunCoordinator",
            "config": {"dequeue_interval_seconds": 1},
        },
        "concurrency": {
            "runs": {"max_concurrent_runs": 4},
            "pools": {"default_limit": 2, "granularity": "run"},
        },
        "run_monitoring": {
            "enabled": True,
            "start_timeout_seconds": 120,
            "cancel_timeout_seconds": 60,
            "max_runtime_seconds": 7200,
        },
        "run_retries": {"enabled": False},
        "retention": {
            "schedule": {"purge_after_days": 90},
            "sensor": {"purge_after_days": {"skipped": 1, "failure": 30, "success": 30, "started": 7}},
        },
    }


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The Dagster instance of this installation, made on first use.

    ``DAGSTER_HOME`` decides where it is set; else ``dagster.yaml`` of the current folder, so that a
    checkout has one home for all; else ``<home>/dagster``.
    """
    if settings.dagster_home:
        return dg.DagsterInstance.from_config(str(settings.dagster_home))
    if Path("dagster.yaml").exists():
        return dg.DagsterInstance.from_config(str(Path.cwd()))
    base = _own_base(settings)
    return dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(base), overrides=dagster_settings(base)))


@dataclass(frozen=True)
class DagsterHome:
    """Where Dagster's own processes find the instance of `open_instance`, and the code location.

    Attributes:
        folder: Holds ``dagster.yaml``; they take it as ``DAGSTER_HOME``.
        workspace: The workspace file.
    """

    folder: Path
    workspace: Path


def home_for_processes(settings: Settings) -> DagsterHome:
    """The files that Dagster's own processes read.

    A checkout has them. Elsewhere the same settings are written beside the storage.
    """
    checkout = settings.dagster_home or Path.cwd()
    folder = checkout if (checkout / "dagster.yaml").exists() else _own_base(settings)
    # JSON is YAML, so no YAML writer is needed.
    if folder is not checkout:
        (folder / "dagster.yaml").write_text(json.dumps(dagster_settings(folder), indent=2))
    workspace = folder / "workspace.yaml"
    if not workspace.exists():
        workspace = _own_base(settings) / "workspace.yaml"
        workspace.write_text(json.dumps(WORKSPACE, indent=2))
    return DagsterHome(folder.absolute(), workspace.absolute())


def add_tenant_partition(settings: Settings, tenant: str) -> None:
    """Let the UI offer partitions of *tenant*."""
    with open_instance(settings) as instance:
        instance.add_dynamic_partitions(str(TENANTS.name), [tenant])


def _own_base(settings: Settings) -> Path:
    base = settings.home.absolute() / "dagster"
    base.mkdir(parents=True, exist_ok=True)
    return base
