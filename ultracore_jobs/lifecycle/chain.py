"""The chain: each event of a stream carries the hash of all that came before it.

``hash = SHA-256(prev_hash + canonical body)``, both as text in UTF-8; the first event follows 64 zeros.
Whoever changes, removes, adds or moves an event changes every hash after it.

Source: domain_rules 22.
"""

from hashlib import sha256
from typing import Final

GENESIS: Final = "0" * 64
"""What the first event of a stream follows."""


def link(prev_hash: str, body: str) -> str:
    """The hash of an event that follows *prev_hash*."""
    return sha256((prev_hash + body).encode()).hexdigest()
