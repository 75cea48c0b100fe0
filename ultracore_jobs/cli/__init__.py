"""The command ``ultracore-jobs``: every verb a person or a script needs, thin over `application`.

Each command has ``--json`` for scripts; messages for people go to standard error where the output is
data. Exit codes: 0 done, 1 a job failed or a check did not hold, 2 the command was used wrongly,
3 the data given cannot be used, 4 the store is damaged or unreachable.
"""

import sys

import typer

from ultracore_jobs.cli import approvals, data, day, events, explain, job, run, types, ui
from ultracore_jobs.cli.output import fail
from ultracore_jobs.errors import UltracoreError

app = typer.Typer(
    name="ultracore-jobs",
    help="Scheduled financial, compliance, data and ML jobs for a wealth platform, on Dagster.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(day.demo)
app.command("run")(run.run)
app.add_typer(approvals.approvals, name="approvals")
app.add_typer(approvals.freeze, name="freeze")
app.add_typer(job.job, name="job")
app.add_typer(events.events, name="events")
app.command("ui")(ui.serve)
app.command("jobs")(types.list_types)
app.command("replay")(types.replay)
app.command("explain")(explain.explain)
app.command("import")(data.import_file)
app.add_typer(data.tenants, name="tenant")


def main() -> None:
    """Run the command line; an error a person can mend ends as one message, never as a traceback."""
    try:
        app()
    except UltracoreError as error:
        sys.exit(fail(error))
