"""Canonical JSON against its authority, the library that implements RFC 8785."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ultracore_jobs.lifecycle.canonical import canonical_json, instant_text
from ultracore_jobs.lifecycle.kinds import JobPriority

SAFE = 2**53 - 1

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-SAFE, SAFE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
)


@given(values)
def test_the_text_is_that_of_the_authority(value: Any) -> None:
    """Whatever JSON there is: nested, empty, in any script, with control characters."""
    assert canonical_json(value) == rfc8785.dumps(value).decode()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_as_ecmascript_writes_it(value: float) -> None:
    """1e16 and 1e-5 are where Python begins to write an exponent, 1e21 and 1e-7 where ECMAScript does."""
    for number in (
        value,
        value * 1e-300,
        float(int(value) % 10**17),
        1e16,
        1e15 + 0.5,
        1e-5,
        1e21,
        -0.0,
        1e-7,
    ):
        assert canonical_json(number) == rfc8785.dumps(number).decode()


@given(st.floats(min_value=2.0**53, max_value=1e21) | st.floats(min_value=-1e21, max_value=-(2.0**53)))
def test_a_large_number_is_written_the_same_again_after_it_was_read(value: float) -> None:
    """It is written without an exponent, so it comes back as a whole number that is not a safe one."""
    text = canonical_json(value)

    assert canonical_json(json.loads(text)) == text


def test_keys_are_in_the_order_of_utf_16() -> None:
    """The example of RFC 8785 3.2.3: an emoji comes before U+FB33, though its code point is greater."""
    unordered = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}

    assert canonical_json(unordered) == (
        '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}'
    )


def test_enums_dates_and_instants_are_their_text() -> None:
    """Microseconds only where there are any."""
    assert canonical_json([JobPriority.HIGH, date(2024, 1, 15)]) == '["HIGH","2024-01-15"]'
    assert canonical_json(datetime(2024, 1, 15, 1, tzinfo=UTC)) == '"2024-01-15T01:00:00Z"'
    assert instant_text(datetime(2024, 1, 15, 1, 0, 0, 5, tzinfo=UTC)) == "2024-01-15T01:00:00.000005Z"


@pytest.mark.parametrize(
    "value",
    [Decimal("1.5"), {1: "a"}, {"a": {1, 2}}, float("nan"), float("inf"), 2**53 + 1, 10**400, [b"bytes"]],
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    """A reader in another language would see something else, or nothing."""
    with pytest.raises(ValueError, match=r"."):
        canonical_json(value)
