"""Keys of people in the database, and what is sealed with them: AES-256-GCM, one key a subject.

A sealed value is bound to its key and to the name it stands under, so it cannot be moved to another. It
carries no subject: only the table of keys knows whose key it is. A new value has a new nonce, so equal
values do not look equal.

Destroying a key overwrites it on the disk as far as we can see to that: SQLite zeroes what it frees and
empties its write-ahead log, PostgreSQL vacuums the table. Older copies (backups, PostgreSQL's own log)
have it until they expire.
"""

import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import JsonValue
from pydantic_core import from_json

from ultracore_jobs.adapters.database import in_our_words, reading, writing
from ultracore_jobs.adapters.event_tables import SUBJECT_KEYS
from ultracore_jobs.adapters.ledger_people import name_of, utc
from ultracore_jobs.errors import IntegrityError, UsageError
from ultracore_jobs.lifecycle.canonical import canonical_json

SEALED, ERASED = "$enc", "$erased"
_ALGORITHM, _KEY_BYTES, _NONCE_BYTES = "A256GCM", 32, 12


class SqlSubjectKeys:
    """`SubjectKeys` in a migrated database (SQLite or PostgreSQL)."""

    def __init__(self, engine: sa.Engine) -> None:
        """Keep keys in the database of *engine*."""
        self._engine = engine

    def seal(
        self, tenant: str, subject: str, values: Mapping[str, JsonValue], *, at: datetime
    ) -> dict[str, JsonValue]:
        """Each value in its sealed form, under the same name."""
        if not values:
            return {}
        key_id, key = self._key_of(tenant, subject, utc(at, "at"))
        cipher = AESGCM(key)
        return {name: _seal(cipher, key_id, name, value) for name, value in values.items()}

    def reveal(self, document: JsonValue) -> JsonValue:
        """A copy in which each sealed value is in the clear, or says that it was erased."""
        wanted = sorted(_keys_in(document))
        if not wanted:
            return document
        query = sa.select(SUBJECT_KEYS.c.key_id, SUBJECT_KEYS.c.key).where(SUBJECT_KEYS.c.key_id.in_(wanted))
        with reading(self._engine) as connection:
            keys = dict(connection.execute(query).all())
        lost = [key_id for key_id in wanted if key_id not in keys]
        if lost:
            message = f"no key {', '.join(lost)} was ever made here: the record is of another database"
            raise IntegrityError(message)
        return _revealed(document, "", keys)

    def erase(self, tenant: str, subject: str, *, actor: str, at: datetime) -> bool:
        """Destroy a subject's key for good; False where there was none."""
        destroy = (
            sa.update(SUBJECT_KEYS)
            .where(*_live(tenant, subject))
            .values(key=None, erased_at=utc(at, "at"), erased_by=name_of(actor))
        )
        with writing(self._engine) as connection:
            if self._engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA secure_delete = ON")
            erased = connection.execute(destroy).rowcount == 1
        self._forget()
        return erased

    def _key_of(self, tenant: str, subject: str, at: datetime) -> tuple[str, bytes]:
        """The subject's key; made, and committed, before anything is sealed with it."""
        query = sa.select(SUBJECT_KEYS.c.key_id, SUBJECT_KEYS.c.key).where(*_live(tenant, subject))
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            with writing(self._engine) as connection:
                row = connection.execute(query).one_or_none()
                if row is None:
                    key_id, key = f"key_{secrets.token_hex(16)}", secrets.token_bytes(_KEY_BYTES)
                    connection.execute(
                        sa.insert(SUBJECT_KEYS),
                        {
                            "key_id": key_id,
                            "tenant_id": tenant,
                            "subject": subject,
                            "key": key,
                            "created_at": at,
                        },
                    )
                    return key_id, key
        return row.key_id, bytes(row.key)

    def _forget(self) -> None:
        """Let the database overwrite what it freed; repeated by each erasure, also after a crash."""
        how = "VACUUM uc_subject_keys"
        if self._engine.dialect.name == "sqlite":
            how = "PRAGMA wal_checkpoint(TRUNCATE)"
        alone = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        with in_our_words(self._engine), alone.connect() as connection:
            connection.exec_driver_sql(how)


def _live(tenant: str, subject: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        SUBJECT_KEYS.c.tenant_id == tenant,
        SUBJECT_KEYS.c.subject == subject,
        SUBJECT_KEYS.c.erased_at.is_(None),
    )


def _seal(cipher: AESGCM, key_id: str, name: str, value: JsonValue) -> JsonValue:
    try:
        plain = canonical_json(value).encode()
    except ValueError as error:
        message = f"{name} cannot be sealed: {error}"
        raise UsageError(message) from error
    nonce = secrets.token_bytes(_NONCE_BYTES)
    text = cipher.encrypt(nonce, plain, f"{key_id}|{name}".encode())
    return {
        SEALED: {
            "alg": _ALGORITHM,
            "key": key_id,
            "nonce": b64encode(nonce).decode(),
            "text": b64encode(text).decode(),
        }
    }


def _keys_in(document: JsonValue) -> set[str]:
    if isinstance(document, list):
        return set[str]().union(*map(_keys_in, document))
    if not isinstance(document, dict):
        return set()
    sealed = _sealed(document)
    return {sealed["key"]} if sealed else set[str]().union(*map(_keys_in, document.values()))


def _sealed(document: dict[str, JsonValue]) -> dict[str, Any] | None:
    inside = document.get(SEALED)
    return inside if len(document) == 1 and isinstance(inside, dict) else None


def _revealed(document: JsonValue, name: str, keys: Mapping[str, bytes | None]) -> JsonValue:
    if isinstance(document, list):
        return [_revealed(item, name, keys) for item in document]
    if not isinstance(document, dict):
        return document
    sealed = _sealed(document)
    if sealed is None:
        return {key: _revealed(value, key, keys) for key, value in document.items()}
    key = keys[sealed["key"]]
    return {ERASED: sealed["key"]} if key is None else _opened(sealed, name, bytes(key))


def _opened(sealed: Mapping[str, Any], name: str, key: bytes) -> JsonValue:
    try:
        nonce, text = b64decode(sealed["nonce"], validate=True), b64decode(sealed["text"], validate=True)
        plain = AESGCM(key).decrypt(nonce, text, f"{sealed['key']}|{name}".encode())
    except (InvalidTag, KeyError, TypeError, ValueError) as error:
        message = f"the sealed value of {name!r} was changed, or belongs under another name"
        raise IntegrityError(message) from error
    value: JsonValue = from_json(plain)
    return value
