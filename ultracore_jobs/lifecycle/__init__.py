"""The life of a job and of a schedule: what happens to them, as events that are only ever added.

`events` says what can happen, `JobAggregate` and `ScheduleAggregate` what may happen next, `bodies` and
`chain` how it is written so that nobody can change it unseen, `recurrence` when a schedule is due.
Nothing here reads a clock, a disk or the environment.
"""
