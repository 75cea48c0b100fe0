"""One demo day for all tests of this folder: it is what a person gets from `make demo`."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

DEMO_DAY = "2026-11-20"


@dataclass(frozen=True)
class Installed:
    """The package as installed, in a folder without a checkout.

    Attributes:
        folder: Where commands are run; ``.ultracore`` in it is the home.
    """

    folder: Path

    @property
    def lake(self) -> Path:
        """Where the tables are."""
        return self.folder / ".ultracore" / "lake"

    def run(self, *words: str, expect: int = 0, **environment: str) -> str:
        """Run ``ultracore-jobs`` as a person would; its standard output."""
        finished = self.run_whole(*words, **environment)
        assert finished.returncode == expect, finished.stderr[-3000:] + finished.stdout[-3000:]
        return finished.stdout

    def run_whole(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ``ultracore-jobs``, whatever comes of it."""
        clean: Mapping[str, str] = {
            name: value
            for name, value in os.environ.items()  # noqa: TID251  a command starts with the caller's environment
            if not name.startswith(("ULTRACORE_", "DAGSTER_"))
        }
        return subprocess.run(  # noqa: S603  fixed words
            [sys.executable, "-m", "ultracore_jobs", *words],
            cwd=self.folder,
            env={**clean, "DAGSTER_DISABLE_TELEMETRY": "yes", "COLUMNS": "160", **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def demo(self, *words: str) -> dict[str, Any]:
        """`ultracore-jobs demo --json`."""
        document: dict[str, Any] = json.loads(self.run("demo", "--date", DEMO_DAY, "--json", *words))
        return document


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An empty folder to work in."""
    return Installed(tmp_path_factory.mktemp("installed"))


@pytest.fixture(scope="session")
def first_demo(installed: Installed) -> dict[str, Any]:
    """The first demo in that folder."""
    return installed.demo()
