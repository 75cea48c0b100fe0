"""Dagster-free: the pipeline every job runs through, and one module for each verb the doors share."""

from ultracore_jobs.application.platform import Application

__all__ = ["Application"]
