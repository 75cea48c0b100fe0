"""Worked examples that would be longer than their page."""
