"""kill -9 wherever the store touches the disk: the old state or the new one, and a re-run completes."""

from ultracore_jobs_tests.kills.outcome import survived


def test_a_killed_writer_leaves_the_old_state_or_the_new_one() -> None:
    """First publication, with all its folders, and the second one (`kills.table_store`)."""
    kills = survived("table_store")

    assert {"half of write totals/.tmp", "before replace totals/manifest.json"} <= {
        kill["boundary"] for kill in kills
    }
    assert len(kills) > 40
