"""Keys of people: what is personal is sealed before it is recorded, and unreadable once its key is gone.

The record holds the sealed form, so destroying a key changes no hash. Sealed forms look like
``{"$enc": {"alg": "A256GCM", "key": ..., "nonce": ..., "text": ...}}``; what was erased reads as
``{"$erased": key}``.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from pydantic import JsonValue


class SubjectKeys(Protocol):
    """Seals and reveals what is personal. A subject is a person or client, by an id, never by a name."""

    def seal(
        self, tenant: str, subject: str, values: Mapping[str, JsonValue], *, at: datetime
    ) -> dict[str, JsonValue]:
        """Each value in its sealed form, under the same name.

        A subject's key is made when it is first needed. After an erasure that is a new key: what is
        sealed then can be read, what was sealed before cannot.
        """
        ...

    def reveal(self, document: JsonValue) -> JsonValue:
        """A copy in which each sealed value is in the clear, or says that it was erased.

        Raises:
            IntegrityError: A sealed value was changed, moved to another name, or its key was lost.
        """
        ...

    def erase(self, tenant: str, subject: str, *, actor: str, at: datetime) -> bool:
        """Destroy a subject's key for good; False where there was none.

        A backup of the database has the key still: it must be let to expire, or the erasure repeated
        after it was restored.
        """
        ...
