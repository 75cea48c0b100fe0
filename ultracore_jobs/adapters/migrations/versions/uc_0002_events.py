"""The record, its relays, and the keys of people.

It says in full what it makes, and does not ask today's tables: it must make the same in ten years.
"""

import sqlalchemy as sa
from alembic import op

from ultracore_jobs.adapters.database import Instant
from ultracore_jobs.adapters.migrations.append_only import append_only, is_postgresql, refuse

revision = "uc_0002"
down_revision = "uc_0001"
branch_labels = None
depends_on = None

ID = sa.String(250)
PLACE = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""A place in the record; SQLite keeps a table in the order of a key only if that is called INTEGER."""


def upgrade() -> None:
    """Make the tables, and let the database refuse what must not happen."""
    op.create_table(
        "uc_streams",
        sa.Column("stream_no", PLACE, primary_key=True, autoincrement=False),
        sa.Column("stream_id", sa.String(450), nullable=False, unique=True),
    )
    op.create_table(
        "uc_events",
        sa.Column("position", PLACE, primary_key=True, autoincrement=False),
        sa.Column("stream_no", PLACE, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("recorded_at", Instant, nullable=False),
        sa.UniqueConstraint("stream_no", "seq"),
    )
    op.create_table(
        "uc_relays",
        sa.Column("relay", ID, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "uc_subject_keys",
        sa.Column("key_id", ID, primary_key=True),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("subject", ID, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("erased_at", Instant, nullable=True),
        sa.Column("erased_by", sa.Text, nullable=True),
    )
    op.create_index(
        "uc_subject_keys_live_uq",
        "uc_subject_keys",
        ["tenant_id", "subject"],
        unique=True,
        sqlite_where=sa.text("erased_at IS NULL"),
        postgresql_where=sa.text("erased_at IS NULL"),
    )
    _guard()


def _guard() -> None:
    append_only("uc_streams", [("stream_no",), ("stream_id",)])
    append_only("uc_events", [])
    if not is_postgresql():
        # Refuses what is there already, and so every REPLACE, with one look instead of one for each key.
        # PostgreSQL has no REPLACE, and would spend as much on the trigger as on all the rest of an insert.
        refuse(
            "uc_events_next",
            "uc_events",
            "INSERT",
            "NEW.position <> (SELECT COALESCE(MAX(position), 0) + 1 FROM uc_events) OR "
            "NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM uc_events WHERE stream_no = NEW.stream_no)",
            "uc_events is append-only: it takes the next position, and the next place of a stream",
        )
    same = " OR ".join(f"NEW.{column} <> OLD.{column}" for column in ("key_id", "tenant_id", "subject"))
    refuse(
        "uc_subject_keys_no_update",
        "uc_subject_keys",
        "UPDATE",
        f"OLD.erased_at IS NOT NULL OR NEW.erased_at IS NULL OR NEW.key IS NOT NULL OR {same}",
        "a key can only be erased, once",
    )
    refuse("uc_subject_keys_no_delete", "uc_subject_keys", "DELETE", "1 = 1", "that a key was erased is kept")
    refuse(
        "uc_relays_forward",
        "uc_relays",
        "UPDATE",
        "NEW.position < OLD.position OR NEW.relay <> OLD.relay",
        "a relay only goes forward",
    )
