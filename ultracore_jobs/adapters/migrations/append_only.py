"""Makes the database itself refuse what must not happen; for use in migrations.

SQLite takes one statement in a trigger, PostgreSQL a function; the words of the error are the same.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


def is_postgresql() -> bool:
    """Whether the migration runs on PostgreSQL; else it is SQLite."""
    return op.get_bind().dialect.name == "postgresql"


def refuse(name: str, table: str, event: str, when: str, words: str) -> None:
    """Refuse a change of *table*.

    Args:
        name: Of the trigger.
        table: Which.
        event: ``INSERT``, ``UPDATE`` or ``DELETE``.
        when: SQL condition on ``NEW`` and ``OLD``, in words both databases know.
        words: What the error says.
    """
    if not is_postgresql():
        _run(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {when} "
            f"BEGIN SELECT RAISE(ABORT, '{words}'); END"
        )
        return
    back = "OLD" if event == "DELETE" else "NEW"
    _run(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {when} THEN RAISE EXCEPTION '{words}'; END IF; RETURN {back}; END $$"
    )
    _run(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
    # ALWAYS: also where a session plays replica to switch triggers off.
    _run(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


def append_only(table: str, keys: Sequence[Sequence[str]]) -> None:
    """Refuse every UPDATE, DELETE and TRUNCATE of *table*, and take those rights from the public.

    Args:
        table: Which.
        keys: Its unique keys. On SQLite an insert of one that is there is refused before it can
            become a REPLACE, which deletes without asking the triggers.
    """
    words = f"{table} is append-only"
    refuse(f"{table}_no_update", table, "UPDATE", "1 = 1", words)
    refuse(f"{table}_no_delete", table, "DELETE", "1 = 1", words)
    if is_postgresql():
        _run(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_no_delete()"
        )
        _run(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_truncate")
        _run(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC")
        return
    for key in keys:
        same = " AND ".join(f"{column} = NEW.{column}" for column in key)
        refuse(
            f"{table}_no_replace_{key[-1]}",
            table,
            "INSERT",
            f"EXISTS (SELECT 1 FROM {table} WHERE {same})",  # noqa: S608 - names of ours, in a migration
            words,
        )


def _run(statement: str) -> None:
    op.execute(sa.text(statement.replace(":", r"\:")))
