"""The chain: the worked hash of the rules, and what it is sensitive to."""

from hashlib import sha256

from ultracore_jobs.lifecycle.chain import GENESIS, link


def test_the_first_event_hashes_as_the_rules_work_it_out() -> None:
    """The worked example of domain_rules 22."""
    body = (
        '{"actor":"system","at":"2024-01-15T01:00:00Z","event_type":"JobScheduled",'
        '"job_id":"job_1","payload":{},"seq":1}'
    )

    assert link(GENESIS, body) == "9ce9c1c6119592ca0126afcc7ca1eaab996214b779df22378c89bc8d107bef81"


def test_a_hash_hangs_on_all_before_it() -> None:
    """64 zeros in front; another body first makes another hash second; text is hashed as UTF-8."""
    assert GENESIS == "0" * 64
    assert link(link(GENESIS, "a"), "b") != link(link(GENESIS, "c"), "b")
    assert link(GENESIS, "Zoë") == sha256(b"0" * 64 + b"Zo\xc3\xab").hexdigest()
