"""The one switch that stops all effects: decisions go on, nothing is charged, sent, ordered or deleted."""

from datetime import datetime

from ultracore_jobs.application.people import named
from ultracore_jobs.application.platform import Application
from ultracore_jobs.errors import UsageError
from ultracore_jobs.ports import Freeze


def freeze_money(app: Application, *, actor: str, reason: str, until_at: datetime | None = None) -> Freeze:
    """Stop all effects of all tenants from now on; when it returns, nothing is being posted.

    Raises:
        UsageError: No name or no reason is given, or it would end before it begins.
    """
    if not reason.strip():
        raise UsageError("say why: a freeze is recorded with its reason")
    return app.ledger.freeze(actor=named(actor), reason=reason.strip(), at=app.clock.now(), until_at=until_at)


def release_money(app: Application, freeze_id: str, *, actor: str, note: str) -> Freeze:
    """End a freeze; what was decided meanwhile is applied by the next run.

    Raises:
        UnknownNameError: No such freeze.
        UsageError: No name is given.
    """
    return app.ledger.release(freeze_id, actor=named(actor), note=note.strip(), at=app.clock.now())


def standing_freezes(app: Application) -> tuple[Freeze, ...]:
    """The freezes that stop effects now, oldest first."""
    now = app.clock.now()
    return tuple(freeze for freeze in app.ledger.freezes() if freeze.holds(now))
