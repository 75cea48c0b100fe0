"""The kill harness: what has an effect is killed wherever it writes, done again, and held to its promise.

`boundaries` finds the places, `forking` works in children that may die, `campaign` kills and counts,
`report` makes the tables of ``docs/kill-table.md``. Children are forked after the imports, so a kill with
all that follows costs tenths of a second; each works in a copy of the folder as it was prepared. After the
kill another child looks at what readers would see, does the work again (so it must take over the dead one's
claim), does it once more (which must change nothing), and counts in SQL of its own what was doubled or lost.

A later job adds itself with a module, such as ``kills/settlement.py``, and a line::

    def opened(place: Path, hours: int) -> Opened:
        app = application(place, {SPEC.name: SPEC}, clock=StillClock(START + timedelta(hours=hours)))
        return replace(app, ledger=SqlLedger(OPENED[-1], decisions_per_commit=2)), OPENED[-1]

    SETTLED = Promise(moved={"cash:PF-1": Decimal("-12.50"), "broker": Decimal("12.50")}, receipts=3)
    JOB = KilledJob(spec=SPEC, tenant="acme", as_of=DAY, job_id=JOB_ID, open=opened)
    SCENARIOS = (
        JOB.scenario("all in one", (given,), run, SETTLED),
        JOB.scenario("apply", (given, decided, approved), apply, SETTLED),
    )

where ``given(place)`` lays the platform out and ``run(app)`` does the job. The line is in `SUITES` of
``kills/__main__.py``; its test calls ``survived("settlement")``. What is no job with an effect is a
`Scenario` of its own, as `table_store` shows. Nothing imported may run Polars, or forking is refused.
"""
