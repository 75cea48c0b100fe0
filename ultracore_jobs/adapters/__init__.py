"""The outside world: one file per thing, each behind a port.

Only these modules know a disk, an object store, a provider's file or the machine's clock.
"""
