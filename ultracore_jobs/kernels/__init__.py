"""Pure functions over tables, each beside the contract of the table it returns.

No Dagster, no clock, no disk, no environment: time comes in as an argument.
"""
