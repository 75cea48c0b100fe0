"""ENTRY for Dagster: ``dagster dev`` and ``workspace.yaml`` load this module."""

from ultracore_jobs.orchestration import build_definitions

defs = build_definitions()
