"""The life of a job and of a schedule: identity now; events, aggregates and recurrence to come."""
