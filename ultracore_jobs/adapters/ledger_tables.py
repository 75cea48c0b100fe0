"""The tables of the ledger and of claims; how they are made is in `migrations`.

A decision, its receipt and its entries point at each other, so that none can be committed without its
receipt, and a receipt seals what it is for. All but claims are append-only, in the database too.

They are kept in the order of their places in the ledger (``seq``): decision ids are hashes, and tables in
the order of those would be written all over the file. An entry's id is its decision's id and its number.
"""

import sqlalchemy as sa

from ultracore_jobs.adapters.database import METADATA, Instant, MoneyE4

ID = sa.String(250)
PLACE = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""A place in the ledger; SQLite keeps a table in the order of a key only if that is called INTEGER."""

DECISIONS = sa.Table(
    "uc_decisions",
    METADATA,
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
    sa.Index(None, "tenant_id", "kind"),
    sa.Index(None, "tenant_id", "batch_id"),
)

RECEIPTS = sa.Table(
    "uc_receipts",
    METADATA,
    sa.Column("seq", PLACE, sa.ForeignKey(DECISIONS.c.seq), primary_key=True, autoincrement=False),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
)

ENTRIES = sa.Table(
    "uc_entries",
    METADATA,
    sa.Column(
        "seq",
        PLACE,
        sa.ForeignKey(RECEIPTS.c.seq, deferrable=True, initially="DEFERRED"),
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

APPROVALS = sa.Table(
    "uc_approvals",
    METADATA,
    sa.Column("tenant_id", ID, primary_key=True),
    sa.Column("batch_id", ID, primary_key=True),
    sa.Column("verdict", sa.String(20), nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
)

FREEZES = sa.Table(
    "uc_freezes",
    METADATA,
    sa.Column("freeze_id", ID, primary_key=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("from_at", Instant, nullable=False),
    sa.Column("until_at", Instant, nullable=True),
)

RELEASES = sa.Table(
    "uc_freeze_releases",
    METADATA,
    sa.Column("freeze_id", ID, sa.ForeignKey(FREEZES.c.freeze_id), primary_key=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
)

CLAIMS = sa.Table(
    "uc_claims",
    METADATA,
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

HELD = sa.Index(
    "uc_claims_held_uq",
    CLAIMS.c.job_type,
    CLAIMS.c.tenant_id,
    CLAIMS.c.period,
    unique=True,
    sqlite_where=CLAIMS.c.released_at.is_(None),
    postgresql_where=CLAIMS.c.released_at.is_(None),
)
"""One holds a period at a time; history is kept."""
