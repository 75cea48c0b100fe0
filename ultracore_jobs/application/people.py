"""Who acts: names of people as doors give them, such as ``cli:olga``, ``ui:olga`` or plainly ``olga``."""

from ultracore_jobs.errors import UsageError

UNATTRIBUTED = "unattributed"
"""What stands for who acted where a door does not know."""


def named(actor: str) -> str:
    """The name, if it is one.

    Raises:
        UsageError: It is blank, or says that nobody is known.
    """
    name = actor.strip()
    if not name or person(name) in {"", UNATTRIBUTED}:
        raise UsageError("say who you are: what a person decides is recorded with the person's name")
    return name


def person(actor: str) -> str:
    """The person behind a door's name for it: ``cli:Olga`` and ``ui:olga`` are one."""
    return actor.rpartition(":")[2].strip().casefold()


def is_same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, whatever doors they came in by."""
    return person(one) == person(other)
