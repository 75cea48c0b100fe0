"""The tables of occurrences and cancellations; how they are made is in `migrations`.

What was asked for never changes; a row leaves the state DUE once, a cancellation is acknowledged once.
"""

import sqlalchemy as sa

from ultracore_jobs.adapters.database import METADATA, Instant
from ultracore_jobs.adapters.ledger_tables import ID

OCCURRENCES = sa.Table(
    "uc_occurrences",
    METADATA,
    sa.Column("job_id", ID, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("tenant_id", ID, nullable=False),
    sa.Column("schedule_id", ID, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("ready_at", Instant, nullable=False),
    sa.Column("job_type", ID, nullable=False),
    sa.Column("logical_date", sa.Date, nullable=False),
    sa.Column("priority", sa.Integer, nullable=False),
    sa.Column("parameters", sa.Text, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("requested_at", Instant, nullable=False),
    sa.Column("idempotency_key", ID, nullable=True),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("run_id", ID, nullable=True),
    sa.Column("settled_at", Instant, nullable=True),
    sa.Column("note", sa.Text, nullable=False),
    sa.UniqueConstraint("tenant_id", "schedule_id", "due_at", "attempt"),
    sa.UniqueConstraint("tenant_id", "idempotency_key"),
)

NEXT_DUE = sa.Index(
    "uc_occurrences_due_ix",
    OCCURRENCES.c.ready_at,
    sqlite_where=OCCURRENCES.c.state == "DUE",
    postgresql_where=OCCURRENCES.c.state == "DUE",
)
"""Only what is DUE: asking what is next stays as quick when a million were fired."""

CANCELLATIONS = sa.Table(
    "uc_cancellations",
    METADATA,
    sa.Column("job_id", ID, primary_key=True),
    sa.Column("tenant_id", ID, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("requested_at", Instant, nullable=False),
    sa.Column("acknowledged_at", Instant, nullable=True),
    sa.Column("outcome", sa.Text, nullable=False),
)

OPEN = sa.Index(
    "uc_cancellations_open_ix",
    CANCELLATIONS.c.requested_at,
    sqlite_where=CANCELLATIONS.c.acknowledged_at.is_(None),
    postgresql_where=CANCELLATIONS.c.acknowledged_at.is_(None),
)
