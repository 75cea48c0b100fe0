"""`ui`: the Dagster UI over the same home as the command line."""

import subprocess
import sys
from typing import Annotated

import typer

from ultracore_jobs.bootstrap import Settings, child_environment
from ultracore_jobs.cli.output import people
from ultracore_jobs.orchestration.instance import home_for_processes, open_instance


def serve(
    port: Annotated[int, typer.Option(help="Port on the loopback address.")] = 3000,
) -> None:
    """Serve the Dagster UI and run its daemon, on this machine only, until Ctrl-C."""
    settings = Settings()
    # A first start of several processes on an empty home races for the schema; made once here.
    open_instance(settings).dispose()
    people.print(f"Dagster UI: [bold]http://127.0.0.1:{port}[/]  (Ctrl-C stops it)")
    home = home_for_processes(settings)
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(home.workspace)]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    environment = child_environment(DAGSTER_HOME=str(home.folder))
    try:
        code = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603  fixed words, a path, a number
    except KeyboardInterrupt:
        code = 0
    raise typer.Exit(code)
