"""Chance that can be looked up: a number depends only on seed, tenant, what it is for, and whose it is.

A generator with a state would give portfolio 7 other numbers when there are more portfolios before it.
Here number (stream, i, j) is a hash, so any part of the sample can be made without the rest.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_BITS_OF_A_FLOAT = 53


@dataclass(frozen=True)
class Draws:
    """Numbers of one tenant and seed."""

    tenant: str
    seed: int

    def uniform(self, stream: str, *indices: Ints) -> Floats:
        """One number in [0, 1) for each combination of *indices* (arrays of one shape, or that broadcast)."""
        bits = self._bits(stream, indices) >> np.uint64(64 - _BITS_OF_A_FLOAT)
        return bits.astype(np.float64) / 2.0**_BITS_OF_A_FLOAT

    def below(self, stream: str, bound: int | Ints, *indices: Ints) -> Ints:
        """One whole number in [0, *bound*) for each combination of *indices*."""
        return np.floor(self.uniform(stream, *indices) * bound).astype(np.int64)

    def chance(self, stream: str, share: float, *indices: Ints) -> Flags:
        """True for about *share* of the combinations of *indices*."""
        return np.asarray(self.uniform(stream, *indices) < share)

    def choice(self, stream: str, options: dict[str, float], *indices: Ints) -> npt.NDArray[np.str_]:
        """One of *options*, each with its share; the shares add to 1."""
        edges = np.cumsum(list(options.values()))[:-1]
        return np.array(list(options))[np.searchsorted(edges, self.uniform(stream, *indices), side="right")]

    def hexadecimal(self, stream: str, *indices: Ints) -> npt.NDArray[np.str_]:
        """64 hexadecimal digits for each combination of *indices*: stands for the hash of a document."""
        words = np.stack([self._bits(f"{stream}/{part}", indices) for part in range(4)], axis=-1)
        digits = np.array([f"{byte:02x}" for byte in range(256)])[words.view(np.uint8)]
        joined: npt.NDArray[np.str_] = np.ascontiguousarray(digits).view("U64").reshape(words.shape[:-1])
        return joined

    def _bits(self, stream: str, indices: tuple[Ints, ...]) -> npt.NDArray[np.uint64]:
        key = sha256(f"{self.tenant}|{self.seed}|{stream}".encode()).digest()[:8]
        state: Any = np.uint64(int.from_bytes(key, "big"))
        with np.errstate(over="ignore"):  # arithmetic modulo 2**64 is the point
            for index in indices:
                state = _mixed(state ^ (np.asarray(index).astype(np.uint64) + np.uint64(1)))
        return np.asarray(state)


def _mixed(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014): every bit of the input moves every bit."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
