"""Runs every benchmark at the size that a change can be judged by: `make bench`."""

import runpy
import sys
from pathlib import Path


def main() -> None:
    """Each `bench_*.py` of this folder, with the arguments given."""
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        sys.argv[0] = str(path)
        runpy.run_path(str(path), run_name="__main__")


if __name__ == "__main__":
    main()
