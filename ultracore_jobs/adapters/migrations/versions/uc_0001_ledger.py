"""The ledger and claims.

It says in full what it makes, and does not ask today's tables: it must make the same in ten years.
"""

import sqlalchemy as sa
from alembic import op

from ultracore_jobs.adapters.database import Instant, MoneyE4
from ultracore_jobs.adapters.migrations.append_only import append_only, is_postgresql, refuse

revision = "uc_0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.String(250)
PLACE = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""A place in the ledger; SQLite keeps a table in the order of a key only if that is called INTEGER."""


def upgrade() -> None:
    """Make the tables, and let the database refuse what must not happen."""
    _make_ledger()
    _make_people()
    _make_claims()
    _guard()


def _make_ledger() -> None:
    op.create_table(
        "uc_decisions",
        sa.Column("seq", PLACE, primary_key=True, autoincrement=False),
        sa.Column("decision_id", ID, nullable=False, unique=True),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("job_id", ID, nullable=False),
        sa.Column("as_of_date", sa.Date, nullable=False),
        sa.Column("amount_e4", MoneyE4, nullable=False),
        sa.Column("ccy", sa.String(3), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("batch_id", ID, nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Index("uc_decisions_tenant_id_kind_ix", "tenant_id", "kind"),
        sa.Index("uc_decisions_tenant_id_batch_id_ix", "tenant_id", "batch_id"),
    )
    op.create_table(
        "uc_receipts",
        sa.Column("seq", PLACE, sa.ForeignKey("uc_decisions.seq"), primary_key=True, autoincrement=False),
        sa.Column("outcome", sa.String(20), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("recorded_at", Instant, nullable=False),
    )
    op.create_table(
        "uc_entries",
        sa.Column(
            "seq",
            PLACE,
            sa.ForeignKey("uc_receipts.seq", deferrable=True, initially="DEFERRED"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("account", ID, nullable=False),
        sa.Column("ccy", sa.String(3), nullable=False),
        sa.Column("amount_e4", MoneyE4, nullable=False),
        sa.Column("adjusts_seq", PLACE, nullable=True),
        sa.Column("adjusts_number", sa.Integer, nullable=True),
        sa.ForeignKeyConstraint(["adjusts_seq", "adjusts_number"], ["uc_entries.seq", "uc_entries.number"]),
        sqlite_with_rowid=False,
    )


def _make_people() -> None:
    op.create_table(
        "uc_approvals",
        sa.Column("tenant_id", ID, primary_key=True),
        sa.Column("batch_id", ID, primary_key=True),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("recorded_at", Instant, nullable=False),
    )
    op.create_table(
        "uc_freezes",
        sa.Column("freeze_id", ID, primary_key=True),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("recorded_at", Instant, nullable=False),
        sa.Column("from_at", Instant, nullable=False),
        sa.Column("until_at", Instant, nullable=True),
    )
    op.create_table(
        "uc_freeze_releases",
        sa.Column("freeze_id", ID, sa.ForeignKey("uc_freezes.freeze_id"), primary_key=True),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("recorded_at", Instant, nullable=False),
    )


def _make_claims() -> None:
    op.create_table(
        "uc_claims",
        sa.Column("job_id", ID, primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("job_type", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("period", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("boot_id", ID, nullable=False),
        sa.Column("claimed_at", Instant, nullable=False),
        sa.Column("released_at", Instant, nullable=True),
        sa.Column("release_reason", sa.Text, nullable=True),
    )
    op.create_index(
        "uc_claims_held_uq",
        "uc_claims",
        ["job_type", "tenant_id", "period"],
        unique=True,
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )


def _guard() -> None:
    append_only("uc_decisions", [("seq",), ("decision_id",)])
    append_only("uc_receipts", [("seq",)])
    append_only("uc_entries", [("seq", "number")])
    append_only("uc_approvals", [("tenant_id", "batch_id")])
    append_only("uc_freezes", [("freeze_id",)])
    append_only("uc_freeze_releases", [("freeze_id",)])
    entries = "SELECT 1 FROM uc_entries WHERE seq = NEW.seq"
    refuse(
        "uc_receipts_balanced",
        "uc_receipts",
        "INSERT",
        f"EXISTS ({entries} GROUP BY ccy HAVING SUM(amount_e4) <> 0)",
        "entries of a decision do not sum to zero",
    )
    refuse(
        "uc_receipts_blocked",
        "uc_receipts",
        "INSERT",
        f"NEW.outcome <> 'POSTED' AND EXISTS ({entries})",
        "only a POSTED decision may have entries",
    )
    refuse(
        "uc_entries_sealed",
        "uc_entries",
        "INSERT",
        "EXISTS (SELECT 1 FROM uc_receipts WHERE seq = NEW.seq)",
        "a decision with a receipt takes no more entries",
    )
    if not is_postgresql():
        # A column of SQLite takes any type; a fraction in it would be a float.
        refuse(
            "uc_entries_exact",
            "uc_entries",
            "INSERT",
            "typeof(NEW.amount_e4) <> 'integer'",
            "an amount is a whole number of ten-thousandths",
        )
    same = " OR ".join(
        f"NEW.{column} <> OLD.{column}"
        for column in (
            "job_id",
            "attempt",
            "job_type",
            "tenant_id",
            "period",
            "run_id",
            "pid",
            "boot_id",
            "claimed_at",
        )
    )
    refuse(
        "uc_claims_no_update",
        "uc_claims",
        "UPDATE",
        f"OLD.released_at IS NOT NULL OR NEW.released_at IS NULL OR {same}",
        "a claim can only be released, once",
    )
    refuse("uc_claims_no_delete", "uc_claims", "DELETE", "1 = 1", "a claim is kept")
