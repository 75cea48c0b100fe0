"""Keys of people: the same tests on every database."""

import json
from base64 import b64decode
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ultracore_jobs.adapters.database import reading, writing
from ultracore_jobs.adapters.event_tables import SUBJECT_KEYS
from ultracore_jobs.adapters.subject_keys import SqlSubjectKeys
from ultracore_jobs.errors import IntegrityError, StoreError, UsageError
from ultracore_jobs.lifecycle.events import JobPriority, JobScheduled, job_stream
from ultracore_jobs.lifecycle.job_aggregate import JobAggregate
from ultracore_jobs_tests.adapters.event_places import open_events, open_subject_keys
from ultracore_jobs_tests.adapters.sql_places import opened
from ultracore_jobs_tests.contracts.jobs_recorded import A_DAY, MONDAY, keep

PERSONAL: dict[str, Any] = {
    "client_name": "Zoë Wong",
    "born": {"on": "1980-02-29"},
    "accounts": [1, 2.5, None],
}


class SubjectKeyTests:
    """Inherit it in a ``Test...`` class that has the fixture `url`."""

    @pytest.fixture
    def url(self) -> str:
        """A migrated, empty database."""
        raise NotImplementedError

    @pytest.fixture
    def keys(self, url: str) -> SqlSubjectKeys:
        """No keys yet."""
        return open_subject_keys(url)

    def test_what_is_sealed_is_revealed(self, keys: SqlSubjectKeys, url: str) -> None:
        """Under the same names, wherever it stands; also by another process; nothing in the clear between."""
        sealed = keys.seal("t1", "CL-7", PERSONAL, at=MONDAY)
        document: Any = {"fee_types": ["management"], "clients": [sealed]}

        assert "Wong" not in json.dumps(sealed)
        assert "CL-7" not in json.dumps(sealed)
        assert set(sealed) == set(PERSONAL)
        assert open_subject_keys(url).reveal(document) == {"fee_types": ["management"], "clients": [PERSONAL]}
        assert keys.reveal({"plain": 1}) == {"plain": 1}
        assert keys.seal("t1", "CL-8", {}, at=MONDAY) == {}

    def test_it_is_sealed_as_others_can_open_it(self, keys: SqlSubjectKeys, url: str) -> None:
        """AES-256-GCM with the key in the table, bound to the key's id and the name."""
        sealed: Any = keys.seal("t1", "CL-7", PERSONAL, at=MONDAY)["client_name"]
        inside = sealed["$enc"]
        key = key_in(url)
        nonce, text = b64decode(inside["nonce"]), b64decode(inside["text"])

        assert (inside["alg"], len(key), len(nonce)) == ("A256GCM", 32, 12)
        plain = AESGCM(key).decrypt(nonce, text, f"{inside['key']}|client_name".encode())
        assert plain.decode() == '"Zoë Wong"'

    def test_a_subject_has_one_key_and_equal_values_do_not_look_equal(self, keys: SqlSubjectKeys) -> None:
        """Two subjects have two, and so have two tenants that call theirs the same."""
        sealed: list[Any] = [
            keys.seal(tenant, subject, {"name": "Zoë"}, at=MONDAY)["name"]
            for tenant, subject in (("t1", "CL-7"), ("t1", "CL-7"), ("t1", "CL-8"), ("t2", "CL-7"))
        ]

        assert len({one["$enc"]["key"] for one in sealed}) == 3
        assert len({one["$enc"]["text"] for one in sealed}) == 4

    def test_an_erased_subject_is_unreadable_and_the_record_still_whole(
        self, keys: SqlSubjectKeys, url: str
    ) -> None:
        """The event keeps its hash; it reads as erased; another subject's values are still there."""
        events = open_events(url)
        job = JobAggregate("t1", "job_1", clock=lambda: MONDAY)
        mine = keys.seal("t1", "CL-7", {"client_name": "Zoë Wong"}, at=MONDAY)
        other = keys.seal("t1", "CL-8", {"adviser": "Olga"}, at=MONDAY)
        job.schedule("daily", MONDAY, JobPriority.LOW, {"report_type": "annual", **mine, **other})
        keep(events, job)

        assert keys.erase("t1", "CL-7", actor="olga@acme.example", at=MONDAY + A_DAY)

        assert events.verify() == (1, 1, ())
        recorded = events.read(job_stream("t1", "job_1"))[0].event
        assert isinstance(recorded, JobScheduled)
        key: Any = mine["client_name"]
        assert keys.reveal(recorded.parameters) == {
            "report_type": "annual",
            "client_name": {"$erased": key["$enc"]["key"]},
            "adviser": "Olga",
        }

    def test_an_erasure_is_for_good_and_is_remembered(self, keys: SqlSubjectKeys, url: str) -> None:
        """When and by whom; a second finds nothing; what is sealed afterwards has a new key."""
        before = keys.seal("t1", "CL-7", {"name": "Zoë"}, at=MONDAY)
        assert keys.erase("t1", "CL-7", actor="olga", at=MONDAY)
        assert not keys.erase("t1", "CL-7", actor="olga", at=MONDAY)
        assert not keys.erase("t1", "CL-9", actor="olga", at=MONDAY)
        after = keys.seal("t1", "CL-7", {"name": "Zoë"}, at=MONDAY)

        old: Any = before["name"]
        assert keys.reveal([before, after]) == [{"name": {"$erased": old["$enc"]["key"]}}, {"name": "Zoë"}]
        with reading(opened(url)) as connection:
            row = connection.execute(
                sa.select(SUBJECT_KEYS).where(SUBJECT_KEYS.c.erased_at.is_not(None))
            ).one()
        assert (row.key, row.erased_at, row.erased_by) == (None, MONDAY, "olga")

    def test_the_database_lets_a_key_be_erased_and_nothing_else(self, keys: SqlSubjectKeys, url: str) -> None:
        """Not exchanged, not given to another, not brought back, not removed with its row."""
        keys.seal("t1", "CL-7", {"name": "Zoë"}, at=MONDAY)
        engine = opened(url)
        for change in (
            sa.update(SUBJECT_KEYS).values(key=b"x" * 32),
            sa.update(SUBJECT_KEYS).values(subject="CL-8", key=None, erased_at=MONDAY),
            sa.delete(SUBJECT_KEYS),
        ):
            with pytest.raises(StoreError, match=r"a key"), writing(engine) as connection:
                connection.execute(change)
        keys.erase("t1", "CL-7", actor="olga", at=MONDAY)
        with pytest.raises(StoreError, match="only be erased, once"), writing(engine) as connection:
            connection.execute(sa.update(SUBJECT_KEYS).values(erased_at=None, key=b"x" * 32))

    def test_a_sealed_value_that_was_changed_or_moved_is_refused(self, keys: SqlSubjectKeys) -> None:
        """To another name, to another key, or in any letter; and so one of another database."""
        sealed: dict[str, Any] = keys.seal("t1", "CL-7", {"name": "Zoë", "phone": "1"}, at=MONDAY)
        other: dict[str, Any] = keys.seal("t1", "CL-8", {"name": "Olga"}, at=MONDAY)
        inside, others = sealed["name"]["$enc"], other["name"]["$enc"]
        wrong = [
            {"phone": sealed["name"]},
            {"name": {"$enc": inside | {"key": others["key"]}}},
            {"name": {"$enc": inside | {"text": others["text"]}}},
            {"name": {"$enc": inside | {"nonce": "?"}}},
        ]
        for document in wrong:
            with pytest.raises(IntegrityError, match="was changed, or belongs under another name"):
                keys.reveal(document)
        with pytest.raises(IntegrityError, match="key_none was ever made here"):
            keys.reveal({"name": {"$enc": inside | {"key": "key_none"}}})

    def test_who_and_when_must_be_said(self, keys: SqlSubjectKeys) -> None:
        """And what is sealed must be plain JSON."""
        with pytest.raises(UsageError, match="name the person"):
            keys.erase("t1", "CL-7", actor=" ", at=MONDAY)
        with pytest.raises(UsageError, match="no time zone"):
            keys.seal("t1", "CL-7", {"name": "Zoë"}, at=MONDAY.replace(tzinfo=None))
        with pytest.raises(UsageError, match="name cannot be sealed"):
            keys.seal("t1", "CL-7", {"name": {1, 2}}, at=MONDAY)  # type: ignore[dict-item]


def key_in(url: str) -> bytes:
    """The one key there is."""
    with reading(opened(url)) as connection:
        return bytes(connection.scalars(sa.select(SUBJECT_KEYS.c.key)).one() or b"")
