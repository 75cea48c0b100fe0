"""What the code server of a crash test loads: the toys, in the home that the environment names."""

from ultracore_jobs.bootstrap import Settings
from ultracore_jobs_tests.occurrence_stage import desk
from ultracore_jobs_tests.orchestration.outstanding_location import location

defs = location(desk(Settings().home))
