"""Who has run Polars may not fork: it says so, rather than hang."""

from pathlib import Path

import polars as pl
import pytest

from ultracore_jobs_tests.kills.forking import Child


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are seen only where there is /proc")
def test_a_process_that_has_run_polars_does_not_fork() -> None:
    """A copy has the pool's queue and not its threads, so its first table would wait for ever."""
    pl.DataFrame({"a": [1, 2]}).lazy().filter(pl.col("a") > 1).collect()

    with pytest.raises(RuntimeError, match="has run Polars"):
        Child(lambda: None)
