"""Identifiers that anyone can compute again."""

from ultracore_jobs.lifecycle.identity import identifier, job_identifier


def test_an_identifier_is_the_hash_of_its_fields() -> None:
    """The worked example of domain_rules 1."""
    charge = identifier("chg_", "acme", "PF-1", "MANAGEMENT", "FS-1", "2026-01-01", "2026-02-01")

    assert charge == "chg_c19355e71ae8a0bac470a5a02d7c17c3"


def test_a_job_is_the_same_job_for_the_same_occurrence_only() -> None:
    """Tenant, type and occurrence each make another job."""
    one = job_identifier("acacia", "fee_charging", "monthly:2026-11-01T01:00:00Z")

    assert one == job_identifier("acacia", "fee_charging", "monthly:2026-11-01T01:00:00Z")
    assert one.startswith("job_")
    assert (
        len(
            {
                one,
                job_identifier("banksia", "fee_charging", "monthly:2026-11-01T01:00:00Z"),
                job_identifier("acacia", "fee_charging", "monthly:2026-12-01T01:00:00Z"),
            }
        )
        == 3
    )
