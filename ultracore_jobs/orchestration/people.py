"""What people do: jobs of one op each, with a form in the Launchpad. The command line has the same verbs.

Who did it is the user that the proxy before the UI names, where one is set up; else the name typed into the
form, which is then what the record says, and says that nobody vouched for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from pydantic import Field

from ultracore_jobs.application import Application
from ultracore_jobs.application.approvals import approve_batch as approve
from ultracore_jobs.application.approvals import reject_batch as reject
from ultracore_jobs.application.batches import find_batch
from ultracore_jobs.application.freezing import freeze_money as freeze
from ultracore_jobs.application.freezing import release_money as release
from ultracore_jobs.application.people import UNATTRIBUTED, is_same_person, person
from ultracore_jobs.application.results import Status
from ultracore_jobs.bootstrap import Settings
from ultracore_jobs.errors import UltracoreError, UsageError
from ultracore_jobs.orchestration.batch_metadata import of_batch
from ultracore_jobs.orchestration.identity import ACTOR_TAG, BATCH_TAG, REASON_TAG, actor_of, remember_outcome
from ultracore_jobs.orchestration.resources import Platform

_NAME = "Your name. Where a proxy signs you in, leave it empty"


class BatchVerdict(dg.Config):
    """The form of `approve_batch` and `reject_batch`."""

    batch_id: str = Field(description="As shown on the decisions: bat_...")
    note: str = Field(description="What you looked at, and why you say so")
    name: str = Field(default="", description=f"{_NAME}. Never who asked for the job")


class FreezeMoney(dg.Config):
    """The form of `freeze_money`."""

    reason: str = Field(description="Why all effects stop")
    name: str = Field(default="", description=_NAME)
    until: str = Field(
        default="", description="Until when, such as 2026-12-01T09:00Z; empty: until somebody releases it"
    )


class ReleaseMoney(dg.Config):
    """The form of `release_money`."""

    freeze_id: str = Field(description="As `freeze_money` showed it: frz_...")
    note: str = Field(description="Why effects may go on")
    name: str = Field(default="", description=_NAME)


@dg.op(out=dg.Out(dg.Nothing))
def approve_batch_op(
    context: dg.OpExecutionContext, config: BatchVerdict, platform: dg.ResourceParam[Platform]
) -> Any:
    """Let the decisions of a batch be applied. Who asked for the job may not; the first word stands."""
    app = platform.application
    with _mended_by_a_person(context):
        said = approve(app, config.batch_id, actor=_who(context, config.name), note=config.note)
    yield _shown(context, app, said.batch_id, said.actor)


@dg.op(out=dg.Out(dg.Nothing))
def reject_batch_op(
    context: dg.OpExecutionContext, config: BatchVerdict, platform: dg.ResourceParam[Platform]
) -> Any:
    """Let the decisions of a batch never be applied. Who asked for the job may not; the first word stands."""
    app = platform.application
    with _mended_by_a_person(context):
        said = reject(app, config.batch_id, actor=_who(context, config.name), note=config.note)
    yield _shown(context, app, said.batch_id, said.actor)


@dg.op(out=dg.Out(dg.Nothing))
def freeze_money_op(
    context: dg.OpExecutionContext, config: FreezeMoney, platform: dg.ResourceParam[Platform]
) -> Any:
    """Stop all effects of all tenants. Decisions go on; nothing is charged, sent, ordered or deleted."""
    with _mended_by_a_person(context):
        until = _instant(config.until)
        done = freeze(
            platform.application, actor=_who(context, config.name), reason=config.reason, until_at=until
        )
    context.log.warning("%s", done)
    yield dg.Output(None, metadata={"freeze_id": done.freeze_id, "frozen_by": done.actor, "says": str(done)})


@dg.op(out=dg.Out(dg.Nothing))
def release_money_op(
    context: dg.OpExecutionContext, config: ReleaseMoney, platform: dg.ResourceParam[Platform]
) -> Any:
    """End a freeze. What was decided meanwhile is applied by the next run of its job."""
    with _mended_by_a_person(context):
        done = release(
            platform.application, config.freeze_id, actor=_who(context, config.name), note=config.note
        )
    yield dg.Output(None, metadata={"freeze_id": done.freeze_id, "released_by": str(done.released_by)})


def _job(op: dg.OpDefinition, name: str, form: type[dg.Config], **shown: str) -> dg.JobDefinition:
    """A job whose run config is its form, and nothing else.

    The Launchpad opens with every field in it, and each is described beside it; as it opens, it is refused.
    """
    fields = {
        field: dg.Field(str, default_value=shown.get(field, ""), description=found.description)
        for field, found in form.model_fields.items()
    }
    graph = dg.GraphDefinition(name=name, node_defs=[op], description=op.description)
    return graph.to_job(
        name=name,
        description=op.description,
        executor_def=dg.in_process_executor,
        config=dg.ConfigMapping(
            config_fn=lambda filled: {"ops": {op.name: {"config": filled}}}, config_schema=fields
        ),
        # People do not wait behind a night's work.
        tags={"dagster/priority": "30"},
    )


PEOPLE = (
    _job(approve_batch_op, "approve_batch", BatchVerdict, batch_id="bat_..."),
    _job(reject_batch_op, "reject_batch", BatchVerdict, batch_id="bat_..."),
    _job(freeze_money_op, "freeze_money", FreezeMoney),
    _job(release_money_op, "release_money", ReleaseMoney, freeze_id="frz_..."),
)
"""The jobs of people, each with its form."""


def _who(context: dg.OpExecutionContext, typed: str) -> str:
    """The person who acts.

    Raises:
        UsageError: The proxy named one person and the form another, or it named nobody.
    """
    vouched = actor_of(context.run)
    if person(vouched) == UNATTRIBUTED:
        header = Settings().user_header
        if header is not None:
            message = f"nobody is signed in: no {header} came with the request, and a typed name is not one"
            raise UsageError(message)
        return typed
    if typed.strip() and not is_same_person(typed, vouched):
        message = f"you are signed in as {vouched}, so the name {typed!r} cannot be yours; leave it empty"
        raise UsageError(message)
    return vouched


def _instant(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        message = f"until {text!r} is no instant; write it as 2026-12-01T09:00Z"
        raise UsageError(message) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _shown(context: dg.OpExecutionContext, app: Application, batch_id: str, actor: str) -> dg.Output[None]:
    context.instance.add_run_tags(context.run.run_id, {BATCH_TAG: batch_id, ACTOR_TAG: actor})
    remember_outcome(context, Status.COMPLETED.value)
    return dg.Output(None, metadata=of_batch(app, find_batch(app, batch_id)))


@contextmanager
def _mended_by_a_person(context: dg.OpExecutionContext) -> Iterator[None]:
    """Turn what cannot be done as asked into a failed run with the message and its remedy."""
    try:
        yield
    except UltracoreError as error:
        context.instance.add_run_tags(context.run.run_id, {REASON_TAG: str(error)[:1000]})
        remember_outcome(context, Status.REFUSED.value)
        # One line to read before the traceback that Dagster adds.
        context.log.error("%s", error)  # noqa: TRY400 - it is the message that helps, not where it was raised
        raise dg.Failure(description=str(error), allow_retries=False) from error
