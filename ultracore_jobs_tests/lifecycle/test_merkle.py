"""The tree of RFC 6962, against numbers that others published and a tree written another way."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.lifecycle.merkle import inclusion_proof, is_included, merkle_root

hashes = st.lists(st.binary(min_size=32, max_size=32).map(bytes.hex), max_size=40)

_PUBLISHED = [
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    ("2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    (
        "606162636465666768696a6b6c6d6e6f",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ),
]
"""The eight leaves that Certificate Transparency tests its trees with, and the root after each."""


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    """Their leaves are of any length; ours are hashes, but the tree is the same."""
    leaves = [leaf for leaf, _ in _PUBLISHED[:size]]

    assert merkle_root(leaves) == _PUBLISHED[size - 1][1]


def test_no_leaves_have_the_hash_of_nothing() -> None:
    """SHA-256 of the empty string, as RFC 6962 says."""
    assert merkle_root([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(hashes)
def test_the_root_is_that_of_the_definition(leaves: list[str]) -> None:
    """The recursion of RFC 6962 2.1, word by word."""
    assert merkle_root(leaves) == _by_definition([bytes.fromhex(leaf) for leaf in leaves]).hex()


@given(hashes.filter(bool), st.data())
def test_a_proof_proves_its_leaf_at_its_place_and_no_other(leaves: list[str], data: st.DataObject) -> None:
    """The proof of one leaf fits no other place, no other leaf, no other size and no other root."""
    index = data.draw(st.integers(0, len(leaves) - 1))
    root, proof = merkle_root(leaves), inclusion_proof(leaves, index)
    leaf = leaves[index]

    assert is_included(leaf, index=index, size=len(leaves), proof=proof, root=root)
    assert len(proof) <= (len(leaves) - 1).bit_length()
    other = sha256(b"other").hexdigest()
    assert not is_included(other, index=index, size=len(leaves), proof=proof, root=root)
    assert not is_included(leaf, index=index, size=len(leaves), proof=proof, root=other)
    assert not is_included(leaf, index=index, size=len(leaves), proof=(*proof, other), root=root)
    assert not is_included(leaf, index=len(leaves), size=len(leaves), proof=proof, root=root)
    if proof:
        assert not is_included(leaf, index=index, size=len(leaves), proof=proof[:-1], root=root)


@given(hashes)
def test_every_change_of_the_leaves_changes_the_root(leaves: list[str]) -> None:
    """One more (also a copy of the last), one fewer, or two exchanged."""
    root = merkle_root(leaves)

    assert merkle_root([*leaves, leaves[-1] if leaves else "00" * 32]) != root
    if leaves:
        assert merkle_root(leaves[:-1]) != root
    if len(leaves) > 1 and leaves[0] != leaves[1]:
        assert merkle_root([leaves[1], leaves[0], *leaves[2:]]) != root


def test_there_is_no_proof_of_what_is_not_there() -> None:
    """Nor of a negative place."""
    for index in (-1, 1):
        with pytest.raises(IndexError, match="there are 1"):
            inclusion_proof(["00" * 32], index)


def _by_definition(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + _by_definition(leaves[:split]) + _by_definition(leaves[split:])).digest()
