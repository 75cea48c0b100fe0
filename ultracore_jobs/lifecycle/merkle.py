"""A Merkle tree over hashes, as RFC 6962 (section 2.1) has it: one hash for a day, and short proofs.

::

    leaf      = SHA-256(0x00 + the 32 bytes of an event's hash)
    node      = SHA-256(0x01 + left + right)
    n leaves  = the largest power of two below n on the left, the rest on the right
    no leaves = SHA-256 of nothing

The prefixes keep a node from being passed off as a leaf. An odd leaf is moved up, never doubled: doubling
lets two lists have one root. Hashes come and go as hexadecimal text.
"""

from collections.abc import Sequence
from hashlib import sha256


def merkle_root(hashes: Sequence[str]) -> str:
    """The root over *hashes*, in their order."""
    level = [_leaf(one) for one in hashes]
    if not level:
        return sha256().hexdigest()
    while len(level) > 1:
        level = _above(level)
    return level[0].hex()


def inclusion_proof(hashes: Sequence[str], index: int) -> tuple[str, ...]:
    """What `is_included` needs to find the root from the hash at *index*: its siblings, lowest first.

    Raises:
        IndexError: There is no hash at *index*.
    """
    if not 0 <= index < len(hashes):
        message = f"no hash at {index}: there are {len(hashes)}"
        raise IndexError(message)
    level, siblings = [_leaf(one) for one in hashes], []
    while len(level) > 1:
        # One that is moved up as it is has no sibling on this level.
        if index ^ 1 < len(level):
            siblings.append(level[index ^ 1].hex())
        level, index = _above(level), index // 2
    return tuple(siblings)


def is_included(event_hash: str, *, index: int, size: int, proof: Sequence[str], root: str) -> bool:
    """Whether *event_hash* stands at *index* of *size* hashes with that *root*.

    Args:
        event_hash: Of the event that is looked for.
        index: Its place, from 0.
        size: How many hashes there are.
        proof: As `inclusion_proof` gave it.
        root: As `merkle_root` gave it, from a place that can be trusted.
    """
    if not 0 <= index < size:
        return False
    node, last, rest = _leaf(event_hash), size - 1, list(proof)
    while last:
        if index ^ 1 <= last:
            if not rest:
                return False
            sibling = bytes.fromhex(rest.pop(0))
            node = _node(sibling, node) if index % 2 else _node(node, sibling)
        index, last = index // 2, last // 2
    return not rest and node.hex() == root


def _above(level: Sequence[bytes]) -> list[bytes]:
    pairs = [_node(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return [*pairs, level[-1]] if len(level) % 2 else pairs


def _leaf(event_hash: str) -> bytes:
    return sha256(b"\x00" + bytes.fromhex(event_hash)).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
