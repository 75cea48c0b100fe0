"""Old events in the form of today: one step for each change of a type's form, kept for ever.

What is stored is never rewritten. A reader lifts the payload it finds, step by step, to the form that the
code knows.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from ultracore_jobs.errors import StoreError

Payload = dict[str, Any]
Step = Callable[[Payload], Payload]


class Upcasters:
    """The steps there are: (event type, from version) -> what makes the next version of it."""

    def __init__(self, steps: Mapping[tuple[str, int], Step]) -> None:
        """Use these steps."""
        self._steps = dict(steps)

    def lift(self, event_type: str, payload: Payload, *, found: int, wanted: int) -> Payload:
        """The payload in version *wanted*.

        Raises:
            StoreError: It was written by a later release, or a step is missing.
        """
        if found > wanted:
            message = f"{event_type} of version {found} was written by a later release; install that one"
            raise StoreError(message)
        for version in range(found, wanted):
            step = self._steps.get((event_type, version))
            if step is None:
                message = f"nothing leads from {event_type} of version {version} to version {version + 1}"
                raise StoreError(message)
            payload = step(payload)
        return payload


UPCASTERS: Final = Upcasters({})
"""Every type is in its first version still."""
