"""Ticks of the real sensor daemon in a process of their own, killed where Dagster itself offers it.

All that is private in Dagster and needed for that is in this module. A tick is killed in a copy of the
process that has the workspace open, for opening it takes seconds.
"""

import logging
import os
import signal
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef
from dagster._core.test_utils import freeze_time
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import PythonFileTarget
from dagster._daemon.sensor import execute_sensor_iteration
from dagster._time import get_current_datetime

from ultracore_jobs_tests.orchestration.outstanding_location import SENSOR

POINTS = ("TICK_CREATED", "TICK_HELD", "RUN_IDS_RESERVED", "RUN_CREATED", "RUN_LAUNCHED")
"""Where Dagster lets a tick be killed, in the order in which it comes by."""

_PATIENCE_SECONDS = 120
_BETWEEN_TICKS = timedelta(seconds=10)
_LOG = logging.getLogger("quiet")


class Daemon:
    """A sensor daemon that ticks when it is told to."""

    def __init__(self, workspace: WorkspaceProcessContext) -> None:
        """Tick the sensors of *workspace*."""
        self._workspace = workspace
        self._now = get_current_datetime()

    def tick(self) -> None:
        """One iteration of the daemon, ten seconds after the last one."""
        self._iterate()

    def killed_at(self, point: str) -> bool:
        """Tick in a copy of this process that kills itself at *point*; whether it came by there."""
        pid = os.fork()
        if pid == 0:
            signal.alarm(_PATIENCE_SECONDS)
            try:
                self._iterate({SENSOR: {point: signal.SIGKILL}})
            except BaseException:  # noqa: BLE001 - whatever it is, the copy must not go on as if it were the test
                traceback.print_exc()
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        self._now += _BETWEEN_TICKS
        return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL

    def _iterate(self, flags: dict[str, Any] | None = None) -> None:
        self._now += _BETWEEN_TICKS
        with freeze_time(self._now), warnings.catch_warnings():
            # Dagster 1.13 says that a tick was interrupted by a method that Python has deprecated.
            warnings.filterwarnings("ignore", "The 'warn' method is deprecated", DeprecationWarning)
            for _ in execute_sensor_iteration(self._workspace, _LOG, None, None, debug_crash_flags=flags):
                pass


@contextmanager
def daemon(folder: Path) -> Iterator[tuple[Daemon, dg.DagsterInstance]]:
    """A daemon over an instance in *folder*, and that instance."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    definitions = Path(__file__).with_name("crash_definitions.py")
    target = PythonFileTarget(
        python_file=str(definitions), attribute=None, working_directory=None, location_name="ultracore_jobs"
    )
    with (
        dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(folder))) as instance,
        WorkspaceProcessContext(instance, target) as workspace,
    ):
        yield Daemon(workspace), instance
