"""Who launched a run in the UI: the user that a trusted proxy before it names, in a header.

Off unless `ULTRACORE_USER_HEADER` says which header; then the record says `ui:unattributed`. Whoever can
reach the webserver without the proxy can name anybody, so it must listen where only the proxy reaches it.
"""

from typing import Any

import dagster as dg
from dagster._core.run_coordinator.base import SubmitRunContext
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator

from ultracore_jobs.application.people import UNATTRIBUTED
from ultracore_jobs.bootstrap import Settings
from ultracore_jobs.orchestration.identity import ACTOR_TAG

_LONGEST = 200


class AttributedRunCoordinator(QueuedRunCoordinator):
    """Dagster's queue, which also tags a run from the UI with who launched it, whatever tag the form had."""

    def submit_run(self, context: SubmitRunContext) -> dg.DagsterRun:
        """Queue a run; one that a person launched gets the person's name."""
        run = context.dagster_run
        # A backfill's runs come from the daemon, which does not say who asked; a tag in its form is no proof.
        if _is_from_the_ui(context) or "dagster/backfill" in run.tags:
            header = Settings().user_header
            user = context.get_request_header(header) if header else None
            self._instance.add_run_tags(run.run_id, {ACTOR_TAG: f"ui:{_name(user)}"})
            queued = self._instance.get_run_by_id(run.run_id) or run
            context = context._replace(dagster_run=queued)
        return super().submit_run(context)


def _is_from_the_ui(context: SubmitRunContext) -> bool:
    """Whether a request to the webserver asks for it; the daemon's schedules and sensors have none."""
    workspace: Any = context.workspace
    return getattr(workspace, "source", None) is not None


def _name(user: str | None) -> str:
    """One line of printable text, as long as a tag may be."""
    text = "".join(letter for letter in (user or "") if letter.isprintable()).strip()
    return text[:_LONGEST] or UNATTRIBUTED
