"""ENTRY of the daemon in `test_outstanding_daemon`; apart, so that the test opens nothing by importing."""

from ultracore_jobs_tests.flows.outstanding_definitions import definitions

defs = definitions()
