"""A kernel that computes the same thing once.

A job is run a thousand times to be killed wherever it writes, and its arithmetic is the same each time. What
was computed from the same arguments is taken from a file beside the killed folders, whoever computed it.
"""

import functools
import os
import pickle
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from ultracore_jobs.catalog.fingerprint import content_hash


def remembered(kernel: Callable[..., Any], folder: Path) -> Callable[..., Any]:
    """*kernel*, which is pure, with what it returned before kept in *folder*."""

    @functools.wraps(kernel)
    def remembering(**arguments: Any) -> Any:
        text = "\n".join(f"{name}={_told(value)}" for name, value in sorted(arguments.items()))
        file = folder / f"{kernel.__name__}-{sha256(text.encode()).hexdigest()}.pickle"
        if file.exists():
            return pickle.loads(file.read_bytes())  # noqa: S301 - written below, by a child of the same campaign
        returned = kernel(**arguments)
        folder.mkdir(exist_ok=True)
        aside = file.with_suffix(f".{os.getpid()}")
        aside.write_bytes(pickle.dumps(returned))
        aside.replace(file)
        return returned

    return remembering


def _told(value: Any) -> str:
    return content_hash(value) if isinstance(value, pl.DataFrame) else repr(value)
