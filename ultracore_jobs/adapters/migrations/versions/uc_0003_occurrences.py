"""Occurrences and cancellations.

It says in full what it makes, and does not ask today's tables: it must make the same in ten years.
"""

import sqlalchemy as sa
from alembic import op

from ultracore_jobs.adapters.database import Instant
from ultracore_jobs.adapters.migrations.append_only import refuse

revision = "uc_0003"
down_revision = "uc_0002"
branch_labels = None
depends_on = None

ID = sa.String(250)


def upgrade() -> None:
    """Make the tables, and let the database refuse what must not happen."""
    op.create_table(
        "uc_occurrences",
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
    op.create_index(
        "uc_occurrences_due_ix",
        "uc_occurrences",
        ["ready_at"],
        sqlite_where=sa.text("state = 'DUE'"),
        postgresql_where=sa.text("state = 'DUE'"),
    )
    op.create_table(
        "uc_cancellations",
        sa.Column("job_id", ID, primary_key=True),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("requested_at", Instant, nullable=False),
        sa.Column("acknowledged_at", Instant, nullable=True),
        sa.Column("outcome", sa.Text, nullable=False),
    )
    op.create_index(
        "uc_cancellations_open_ix",
        "uc_cancellations",
        ["requested_at"],
        sqlite_where=sa.text("acknowledged_at IS NULL"),
        postgresql_where=sa.text("acknowledged_at IS NULL"),
    )
    _guard()


def _guard() -> None:
    refuse(
        "uc_occurrences_no_update",
        "uc_occurrences",
        "UPDATE",
        "OLD.state <> 'DUE' OR NEW.state = 'DUE' OR NEW.settled_at IS NULL OR "
        "(NEW.state = 'FIRED' AND NEW.run_id IS NULL) OR "
        + _changed(
            "job_id",
            "attempt",
            "tenant_id",
            "schedule_id",
            "due_at",
            "ready_at",
            "job_type",
            "logical_date",
            "priority",
            "parameters",
            "requested_by",
            "requested_at",
        )
        + " OR COALESCE(NEW.idempotency_key, '') <> COALESCE(OLD.idempotency_key, '')",
        "an occurrence only stops being DUE, once",
    )
    refuse("uc_occurrences_no_delete", "uc_occurrences", "DELETE", "1 = 1", "an occurrence is kept")
    refuse(
        "uc_cancellations_no_update",
        "uc_cancellations",
        "UPDATE",
        "OLD.acknowledged_at IS NOT NULL OR NEW.acknowledged_at IS NULL OR "
        + _changed("job_id", "tenant_id", "reason", "requested_by", "requested_at"),
        "a cancellation can only be acknowledged, once",
    )
    refuse("uc_cancellations_no_delete", "uc_cancellations", "DELETE", "1 = 1", "a cancellation is kept")


def _changed(*columns: str) -> str:
    return " OR ".join(f"NEW.{column} <> OLD.{column}" for column in columns)
