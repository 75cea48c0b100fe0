"""Identifiers anyone can compute: a prefix and a hash over the fields that make the thing itself.

Source: domain_rules 1 (idempotency), DESIGN 6.
"""

from hashlib import sha256


def identifier(prefix: str, *fields: str) -> str:
    """*prefix* and the first 32 hex digits of SHA-256 over *fields* joined by ``|``.

    >>> identifier("chg_", "acme", "PF-1", "MANAGEMENT", "FS-1", "2026-01-01", "2026-02-01")
    'chg_c19355e71ae8a0bac470a5a02d7c17c3'
    """
    return prefix + sha256("|".join(fields).encode()).hexdigest()[:32]


def job_identifier(tenant: str, job_type: str, key: str) -> str:
    """The id of one business execution.

    Args:
        tenant: Owner of the job; ``shared`` for market data.
        job_type: Such as ``portfolio_valuation``.
        key: ``schedule_id:due_at`` where the job answers a schedule, else the root run id.
    """
    return identifier("job_", tenant, job_type, key)
