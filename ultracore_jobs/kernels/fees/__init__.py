"""Fees: what each portfolio owes for a period, and whether it may be taken (domain_rules 3).

In the order of a fee run: `accrual` (the annual fee of each day on its `assets`, by `tiers`), `charges` (a
period's accruals rounded once, with GST), `performance` (share of the gain above the mark), `consent` (is the
deduction allowed at this instant; `consent_life` says how long a signature lasts, `consent_amounts` for how
much), `reruns` (what changed against what is posted). `memory` carries the same accruals from day to day for
the valuation. Contracts of the tables are in `tables`, what every run must keep in `laws`.

Nothing is divided before it is rounded: what is carried is *fee days*, the sum over calendar days of each
day's annual fee. A 365th of it is the fee. So a period's accruals, rounded once, are its charge, exactly.
"""
