"""The table counts what happened, and says nothing that differs between machines."""

import pytest

from ultracore_jobs_tests.kills.campaign import Kill, Plan
from ultracore_jobs_tests.kills.report import faults, kill_table, kind


def kill(at: int, boundary: str, kills: int = 1, doubled: int = 0, *wrong: str) -> Kill:
    """A kill of `work`."""
    return Kill(Plan("work", at), boundary, kills, doubled, 0, wrong)


@pytest.mark.parametrize(
    ("boundary", "said"),
    [
        ("before link fee_charges/v000002.parquet", "before link TABLE/vN.parquet"),
        ("half of write fee_charges/.tmp", "half of write TABLE/.tmp"),
        ("after replace fee_charges/manifest.json", "after replace TABLE/manifest.json"),
        ("before mkdir lake/acme/fee_charges", "before mkdir lake/TENANT/TABLE"),
        ("before fsync lake/acme/fee_charges/2026-06-01", "before fsync lake/TENANT/TABLE/DAY"),
        ("before replace _jobs/job.json", "before replace _jobs/job.json"),
        ("before mkdir lake/_jobs/e6", "before mkdir lake/_jobs/e6"),
        ("after commit uc_claims", "after commit uc_claims"),
    ],
)
def test_a_boundary_is_told_without_the_table_it_is_of(boundary: str, said: str) -> None:
    """Tables of the store are written alike; those of the database are not."""
    assert kind(boundary) == said


def test_rows_are_sums() -> None:
    """Two kills at one boundary, one of them killed twice; another that was never reached counts as wrong."""
    table = kill_table([kill(1, "a", 2), kill(2, "a", 1, 5, "stuck"), kill(3, "b", 0)])

    assert "| work | 3 | 5 | 0 | 2 |" in table
    assert "| `a` | 3 | 5 | 0 | 1 |" in table
    assert "| `b` | 0 | 0 | 0 | 1 |" in table


def test_only_what_was_wrong_is_told_at_length() -> None:
    """A clean kill is a number in the table."""
    assert faults([kill(1, "a")]) == ""
    assert "stuck" in faults([kill(1, "a"), kill(2, "a", 1, 0, "stuck")])
