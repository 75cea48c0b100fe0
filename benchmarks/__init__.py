"""Benchmarks: ours, a peer and a limit, measured in turns. Run with `make bench`, or one by one."""
