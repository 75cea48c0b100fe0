"""Claims: the last guard that one job of one period runs once at a time (DESIGN 4, domain_rules 21.5)."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ultracore_jobs.ports.postings import Name


class Claim(BaseModel):
    """One run's right to work on one logical period.

    Attributes:
        job_type: Such as ``fee_charging``.
        tenant: Whose.
        period: Logical period: a date, an hour, or a date and a hash of parameters.
        job_id: The business execution.
        attempt: 1, 2, ...; a retry is the next attempt of the same job.
        run_id: Dagster's run that owns the job's events.
        pid: Process that works.
        boot_id: Start of the machine that the pid is of; a pid means nothing after another start.
        claimed_at: Since when, UTC.
        released_at: Until when; None while it is held.
        release_reason: Why it ended: ``done`` or ``owner died``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    job_type: Name
    tenant: Name
    period: Name
    job_id: Name
    attempt: int = Field(ge=1)
    run_id: Name
    pid: int = Field(ge=1)
    boot_id: Name
    claimed_at: AwareDatetime
    released_at: AwareDatetime | None = None
    release_reason: str | None = None


class Claims(Protocol):
    """Says who works on what. Instants are given by the caller; there is no clock."""

    def claim(  # noqa: PLR0913 - the two unique keys and the owner, all by name
        self,
        *,
        job_type: str,
        tenant: str,
        period: str,
        job_id: str,
        attempt: int,
        run_id: str,
        pid: int,
        boot_id: str,
        at: datetime,
    ) -> Claim | None:
        """Take (job type, tenant, period), which one holds at a time, for (job id, attempt), used once.

        Asking again for what this very run holds gives it back, so that each step of a run may ask.

        Returns:
            The claim; None where another run holds the period or this attempt was taken before.
        """
        ...

    def holder(self, job_type: str, tenant: str, period: str) -> Claim | None:
        """Who works on a period now; None where nobody does."""
        ...

    def attempts(self, job_id: str) -> tuple[Claim, ...]:
        """Every claim of a job, first attempt first."""
        ...

    def release(self, claim: Claim, *, at: datetime) -> None:
        """Give a claim back; giving it back again changes nothing.

        Raises:
            UnknownNameError: No such claim.
        """
        ...

    def sweep(self, is_dead: Callable[[Claim], bool], *, at: datetime) -> tuple[Claim, ...]:
        """Release the claims whose owner is dead, as *is_dead* says of each held one; those released.

        This is the only way to lose a claim that was not given back.
        """
        ...
