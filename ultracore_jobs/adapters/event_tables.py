"""The tables of the record, of its relays, and of the keys of people; how they are made is in `migrations`.

An event's body is kept as it was hashed, and nothing of it twice: the columns beside it say where it stands
and when it was recorded. The hash before it is that of the row before it in its stream.
"""

import sqlalchemy as sa

from ultracore_jobs.adapters.database import METADATA, Instant
from ultracore_jobs.adapters.ledger_tables import ID, PLACE

STREAMS = sa.Table(
    "uc_streams",
    METADATA,
    sa.Column("stream_no", PLACE, primary_key=True, autoincrement=False),
    sa.Column("stream_id", sa.String(450), nullable=False, unique=True),
)
"""Topic, tenant and id, with slashes between; a number each, so that the record holds the name once."""

EVENTS = sa.Table(
    "uc_events",
    METADATA,
    sa.Column("position", PLACE, primary_key=True, autoincrement=False),
    sa.Column("stream_no", PLACE, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.UniqueConstraint("stream_no", "seq"),
)

RELAYS = sa.Table(
    "uc_relays",
    METADATA,
    sa.Column("relay", ID, primary_key=True),
    sa.Column("position", sa.BigInteger, nullable=False),
)
"""How far each relay has sent the record."""

SUBJECT_KEYS = sa.Table(
    "uc_subject_keys",
    METADATA,
    sa.Column("key_id", ID, primary_key=True),
    sa.Column("tenant_id", ID, nullable=False),
    sa.Column("subject", ID, nullable=False),
    sa.Column("key", sa.LargeBinary, nullable=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("erased_at", Instant, nullable=True),
    sa.Column("erased_by", sa.Text, nullable=True),
)
"""The one table that forgets: a key that is erased is gone, its row says when and by whom."""

LIVE_KEYS = sa.Index(
    "uc_subject_keys_live_uq",
    SUBJECT_KEYS.c.tenant_id,
    SUBJECT_KEYS.c.subject,
    unique=True,
    sqlite_where=SUBJECT_KEYS.c.erased_at.is_(None),
    postgresql_where=SUBJECT_KEYS.c.erased_at.is_(None),
)
"""A subject has one key at a time."""
