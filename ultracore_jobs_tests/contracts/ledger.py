"""What every `Ledger` must keep to, whatever database holds it."""

import multiprocessing
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultracore_jobs.catalog import conform
from ultracore_jobs.catalog.ledger import LEDGER_BALANCES, LEDGER_DECISIONS, LEDGER_ENTRIES
from ultracore_jobs.errors import FrozenError, LedgerConflictError, UnknownNameError, UsageError
from ultracore_jobs.ports import Approval, Ledger, Outcome, Posting, Verdict
from ultracore_jobs_tests.contracts.balanced import balanced_postings
from ultracore_jobs_tests.contracts.charges import (
    ACME,
    AT_ELEVEN,
    AT_NOON,
    AT_TEN,
    OLGA,
    PAUL,
    ROBOT,
    adjustment,
    blocked,
    charge,
    charge_id,
    charges,
    post,
    post_together,
)


class LedgerContract:
    """Inherit it in a ``Test...`` class that has the fixture `open_ledger`."""

    @pytest.fixture
    def open_ledger(self) -> Callable[[], Ledger]:
        """Opens the ledger under test, in this process or in another, so it must be picklable."""
        raise NotImplementedError

    @pytest.fixture
    def ledger(self, open_ledger: Callable[[], Ledger]) -> Ledger:
        """The ledger under test, empty."""
        return open_ledger()

    def test_posting_gives_a_receipt_for_each_decision(self, ledger: Ledger) -> None:
        """In the order given, with who and when; places are taken from 1 without gaps."""
        receipts = ledger.post(charges("PF-2", "PF-1"), actor=ROBOT, at=AT_TEN)

        assert [receipt.decision_id for receipt in receipts] == [charge_id("PF-2"), charge_id("PF-1")]
        assert [receipt.seq for receipt in receipts] == [1, 2]
        assert {(one.outcome, one.actor, one.applied_at) for one in receipts} == {
            (Outcome.POSTED, ROBOT, AT_TEN)
        }
        assert ledger.receipts([charge_id("PF-1"), "chg_unknown"]) == {charge_id("PF-1"): receipts[1]}
        assert ledger.batch_receipts(ACME, "batch_1") == receipts
        assert ledger.position() == 2

    def test_posting_again_gives_the_first_receipts_and_writes_nothing(self, ledger: Ledger) -> None:
        """Later, by another actor, from another job in another batch: the decision is the same."""
        first = ledger.post(charges("PF-1", "PF-2"), actor=ROBOT, at=AT_TEN)
        before = ledger.entries(ACME, known_at=AT_NOON)
        again = [charge(name, job_id="job_9", batch_id="batch_9") for name in ("PF-1", "PF-2")]

        assert ledger.post(again, actor=OLGA, at=AT_ELEVEN) == first
        assert ledger.entries(ACME, known_at=AT_NOON).equals(before)
        assert ledger.position() == 2

    def test_what_is_missing_is_added(self, ledger: Ledger) -> None:
        """As after a crash: two of five are there."""
        post(ledger, *charges("PF-2", "PF-4"))

        names = ("PF-1", "PF-2", "PF-3", "PF-4", "PF-5")
        assert post(ledger, *charges(*names), at=AT_ELEVEN) == (3, 1, 4, 2, 5)

    def test_other_content_under_a_posted_id_is_refused_and_nothing_is_written(self, ledger: Ledger) -> None:
        """All ids at fault are named; PF-3 of the same call is not posted either."""
        post(ledger, *charges("PF-1", "PF-2"))
        changed = [charge("PF-1", "98.00", "9.80"), charge("PF-2", "99.00", "9.90"), charge("PF-3")]

        with pytest.raises(LedgerConflictError, match="never edited") as refused:
            ledger.post(changed, actor=ROBOT, at=AT_ELEVEN)

        assert charge_id("PF-1") in str(refused.value)
        assert charge_id("PF-2") in str(refused.value)
        assert ledger.position() == 2

    def test_one_id_twice_in_a_call_is_one_decision_or_a_conflict(self, ledger: Ledger) -> None:
        """The same content is posted once; different content not at all."""
        assert post(ledger, charge("PF-1"), charge("PF-1")) == (1, 1)
        with pytest.raises(LedgerConflictError, match="given twice"):
            post(ledger, charge("PF-2"), charge("PF-2", "98.00", "9.80"))
        assert ledger.position() == 1

    def test_nothing_to_post_is_nothing_done(self, ledger: Ledger) -> None:
        """An empty batch; and the tables of an empty ledger are tables."""
        assert ledger.post([], actor=ROBOT, at=AT_TEN) == ()
        assert ledger.entries(ACME, known_at=AT_TEN).equals(LEDGER_ENTRIES.empty())
        assert ledger.decisions(ACME, known_at=AT_TEN).equals(LEDGER_DECISIONS.empty())
        assert ledger.balances(ACME, known_at=AT_TEN).equals(LEDGER_BALANCES.empty())

    def test_decisions_come_back_as_they_were_given(self, ledger: Ledger) -> None:
        """460.27 and GST 46.03: the worked example of domain_rules 3."""
        post(ledger, charge("PF-1", "460.27", "46.03"))

        table = ledger.decisions(ACME, known_at=AT_TEN)
        conform(table, LEDGER_DECISIONS)
        row = table.row(0, named=True)
        assert (row["amount"], row["ccy"], row["as_of_date"].isoformat()) == (
            Decimal("506.30"),
            "AUD",
            "2026-01-31",
        )
        assert row["payload"] == (
            '{"consent_ids":["C-1"],"fee_ex_gst":"460.27","gst":"46.03","portfolio_id":"PF-1"}'
        )
        assert (row["kind"], row["job_id"], row["batch_id"]) == ("MANAGEMENT_FEE", "job_1", "batch_1")
        assert (row["outcome"], row["actor"], row["known_at"]) == ("POSTED", ROBOT, AT_TEN)

    def test_entries_come_back_to_the_last_ten_thousandth(self, ledger: Ledger) -> None:
        """Dinar with three decimals, yen with none, and the largest amount a column holds."""
        large = "99999999999999.99"
        post(ledger, charge("PF-1", "460.27", "46.03"), charge("PF-2", large, "0.00"))

        table = ledger.entries(ACME, known_at=AT_TEN)
        conform(table, LEDGER_ENTRIES)
        assert table["amount"].to_list()[:3] == [Decimal("-506.30"), Decimal("460.27"), Decimal("46.03")]
        assert table["amount"].to_list()[3:5] == [-Decimal(large), Decimal(large)]
        assert table["entry_id"].to_list()[:3] == [f"{charge_id('PF-1')}.{n}" for n in (1, 2, 3)]

    def test_readers_see_what_was_recorded_by_their_cut_off(self, ledger: Ledger) -> None:
        """At ten and at eleven; a cut-off includes its own instant, to the microsecond."""
        post(ledger, charge("PF-1"), at=AT_TEN)
        post(ledger, charge("PF-2"), at=AT_ELEVEN)

        def seen(known_at: datetime, upto: int | None = None) -> int:
            assert ledger.entries(ACME, known_at=known_at, upto=upto).height % 3 == 0
            return ledger.decisions(ACME, known_at=known_at, upto=upto).height

        microsecond = timedelta(microseconds=1)
        assert [seen(AT_TEN - microsecond), seen(AT_TEN), seen(AT_ELEVEN - microsecond)] == [0, 1, 1]
        assert [seen(AT_ELEVEN), seen(AT_ELEVEN, upto=1)] == [2, 1]
        assert ledger.balances(ACME, known_at=AT_TEN)["amount"].to_list() == [-110, 100, 10]

    def test_an_instant_is_the_same_in_every_time_zone(self, ledger: Ledger) -> None:
        """21:00 in Sydney is 10:00 UTC."""
        sydney = timezone(timedelta(hours=11))
        [receipt] = ledger.post([charge("PF-1")], actor=ROBOT, at=AT_TEN.astimezone(sydney))

        assert receipt.applied_at.utcoffset() == timedelta(0)
        assert ledger.receipts([receipt.decision_id])[receipt.decision_id] == receipt
        assert ledger.decisions(ACME, known_at=AT_TEN)["known_at"].item() == AT_TEN

    def test_a_tenant_sees_its_own_rows_only(self, ledger: Ledger) -> None:
        """Two tenants with a portfolio of the same name."""
        post(ledger, charge("PF-1"), charge("PF-1", "7.00", "0.70", tenant="beta"))

        assert ledger.decisions("beta", known_at=AT_TEN)["amount"].to_list() == [Decimal("7.70")]
        assert ledger.entries("beta", known_at=AT_TEN)["tenant_id"].unique().to_list() == ["beta"]
        assert ledger.balances(ACME, known_at=AT_TEN)["amount"].to_list() == [-110, 100, 10]
        assert ledger.batch_receipts("beta", "batch_1")[0].seq == 2

    def test_readers_may_name_the_kinds_they_want(self, ledger: Ledger) -> None:
        """Fees without adjustments."""
        post(ledger, charge("PF-1"))
        post(ledger, adjustment(charge("PF-1")), at=AT_ELEVEN)

        fees = ledger.entries(ACME, known_at=AT_NOON, kinds=["MANAGEMENT_FEE"])
        assert fees.height == 3
        assert ledger.decisions(ACME, known_at=AT_NOON, kinds=["FEE_ADJUSTMENT"]).height == 1

    def test_an_adjustment_names_the_entries_it_adjusts(self, ledger: Ledger) -> None:
        """Posted 100.00 + 10.00, now 98.00: -2.00 and -0.20 (domain_rules 3.6)."""
        post(ledger, charge("PF-1"))
        post(ledger, adjustment(charge("PF-1")), at=AT_ELEVEN)

        adjusting = ledger.entries(ACME, known_at=AT_NOON).filter(pl.col("adjusts").is_not_null())
        assert adjusting["adjusts"].to_list() == [f"{charge_id('PF-1')}.{n}" for n in (1, 2, 3)]
        assert adjusting["amount"].to_list() == [Decimal("2.20"), Decimal(-2), Decimal("-0.20")]
        held = ledger.balances(ACME, known_at=AT_NOON)
        assert held["amount"].to_list() == [Decimal("-107.80"), 98, Decimal("9.80")]
        conform(held, LEDGER_BALANCES)

    def test_an_adjustment_of_what_is_not_posted_is_refused(self, ledger: Ledger) -> None:
        """Nor may it move to another account; the good charge beside it is not posted either."""
        with pytest.raises(LedgerConflictError, match="not posted"):
            post(ledger, adjustment(charge("PF-1")), charge("PF-2"))
        post(ledger, charge("PF-1"))
        astray = adjustment(charge("PF-1"))
        entries = (astray.entries[0].model_copy(update={"account": "cash:PF-2"}), *astray.entries[1:])
        with pytest.raises(LedgerConflictError, match="not on that account"):
            post(ledger, Posting(decision=astray.decision, entries=entries))

        assert ledger.position() == 1

    def test_a_blocked_decision_is_recorded_without_entries(self, ledger: Ledger) -> None:
        """No cash moves (domain_rules 3.5); its id is taken."""
        post(ledger, blocked("PF-1"))

        assert ledger.decisions(ACME, known_at=AT_TEN)["outcome"].to_list() == ["BLOCKED"]
        assert ledger.entries(ACME, known_at=AT_TEN).is_empty()
        with pytest.raises(LedgerConflictError):
            post(ledger, charge("PF-1"))

    def test_who_and_when_must_be_said(self, ledger: Ledger) -> None:
        """Never blank, never naive (domain_rules 22)."""
        with pytest.raises(UsageError, match="name the person"):
            post(ledger, charge("PF-1"), actor=" ")
        with pytest.raises(UsageError, match="no time zone"):
            post(ledger, charge("PF-1"), at=AT_TEN.replace(tzinfo=None))

    def test_a_freeze_stops_effects_until_it_is_released(self, ledger: Ledger) -> None:
        """The error says who and why; what is posted already is still answered."""
        first = ledger.post(charges("PF-1"), actor=ROBOT, at=AT_TEN)
        freeze = ledger.freeze(actor=OLGA, reason="rates look wrong", at=AT_TEN)

        with pytest.raises(FrozenError, match=r"nothing more .* olga@acme.example .* rates look wrong"):
            post(ledger, *charges("PF-1", "PF-2"), at=AT_ELEVEN)
        assert ledger.post(charges("PF-1"), actor=ROBOT, at=AT_ELEVEN) == first
        assert ledger.position() == 1
        assert ledger.frozen(AT_ELEVEN) == freeze

        released = ledger.release(freeze.freeze_id, actor=PAUL, note="rates checked", at=AT_ELEVEN)
        assert (released.released_by, released.released_at) == (PAUL, AT_ELEVEN)
        assert ledger.frozen(AT_ELEVEN) is None
        assert post(ledger, *charges("PF-1", "PF-2"), at=AT_ELEVEN) == (1, 2)
        assert ledger.freezes() == (released,)

    def test_an_adjustment_posted_again_changes_nothing(self, ledger: Ledger) -> None:
        """The entries it adjusts are still those of the first charge."""
        post(ledger, charge("PF-1"))
        first = post(ledger, adjustment(charge("PF-1")), at=AT_ELEVEN)

        assert post(ledger, adjustment(charge("PF-1")), at=AT_NOON) == first
        assert ledger.entries(ACME, known_at=AT_NOON).height == 6

    def test_a_freeze_also_stops_who_looked_at_the_clock_before(self, ledger: Ledger) -> None:
        """A slow run comes with ten o'clock after the freeze of eleven was recorded."""
        ledger.freeze(actor=OLGA, reason="stop", at=AT_ELEVEN)

        with pytest.raises(FrozenError):
            post(ledger, charge("PF-1"), at=AT_TEN)

    def test_a_freeze_may_be_planned_and_may_end_by_itself(self, ledger: Ledger) -> None:
        """Recorded at ten, from eleven until noon; noon is free again."""
        planned = ledger.freeze(actor=OLGA, reason="cut-over", at=AT_TEN, from_at=AT_ELEVEN, until_at=AT_NOON)

        assert ledger.frozen(AT_TEN) is None
        assert ledger.frozen(AT_ELEVEN) == planned
        assert ledger.frozen(AT_NOON) is None
        assert (
            ledger.freeze(actor=OLGA, reason="cut-over", at=AT_TEN, from_at=AT_ELEVEN, until_at=AT_NOON)
            == planned
        )
        with pytest.raises(UsageError, match="later end"):
            ledger.freeze(actor=OLGA, reason="cut-over", at=AT_NOON, until_at=AT_ELEVEN)

    def test_a_release_stands_and_names_a_freeze(self, ledger: Ledger) -> None:
        """A second release changes nothing; an unknown id lists those there are."""
        freeze = ledger.freeze(actor=OLGA, reason="stop", at=AT_TEN)
        first = ledger.release(freeze.freeze_id, actor=PAUL, note="", at=AT_ELEVEN)

        assert ledger.release(freeze.freeze_id, actor=OLGA, note="again", at=AT_NOON) == first
        with pytest.raises(UnknownNameError, match=freeze.freeze_id):
            ledger.release("frz_none", actor=PAUL, note="", at=AT_NOON)

    def test_the_first_word_on_a_batch_stands(self, ledger: Ledger) -> None:
        """Saying it again changes nothing; another person, or another verdict, is refused."""
        word = Approval(
            tenant=ACME, batch_id="batch_1", verdict=Verdict.APPROVED, actor=PAUL, note="seen", at=AT_TEN
        )
        assert ledger.verdict_on(ACME, "batch_1") is None
        assert ledger.record_verdict(word) == word
        assert ledger.record_verdict(word.model_copy(update={"at": AT_NOON, "note": "again"})) == word
        for other in ({"actor": OLGA}, {"verdict": Verdict.REJECTED}):
            with pytest.raises(LedgerConflictError, match="APPROVED by paul"):
                ledger.record_verdict(word.model_copy(update=other))

        assert ledger.verdict_on(ACME, "batch_1") == word
        assert ledger.verdict_on("beta", "batch_1") is None

    def test_two_processes_post_one_batch_at_once(
        self, ledger: Ledger, open_ledger: Callable[[], Ledger]
    ) -> None:
        """Each of 1,500 decisions is there once, and the books balance."""
        names = [f"PF-{number}" for number in range(1500)]
        spawn = multiprocessing.get_context("spawn")
        together = spawn.Barrier(2)
        # The one goes up the list, the other down, so that both find some posted and some not.
        posters = [
            spawn.Process(target=post_together, args=(open_ledger, together, order))
            for order in (names, names[::-1])
        ]
        for poster in posters:
            poster.start()
        for poster in posters:
            poster.join(60)

        assert [poster.exitcode for poster in posters] == [0, 0]
        decisions = ledger.decisions(ACME, known_at=AT_TEN)
        assert decisions["seq"].to_list() == list(range(1, 1501))
        assert set(decisions["decision_id"]) == {charge_id(name) for name in names}
        assert ledger.entries(ACME, known_at=AT_TEN).height == 4500
        income = ledger.balances(ACME, known_at=AT_TEN).filter(pl.col("account") == "fee_income:MANAGEMENT")
        assert income["amount"].item() == 150_000

    def test_the_books_balance_in_every_currency_whatever_is_posted(
        self, open_ledger: Callable[[], Ledger]
    ) -> None:
        """Each decision for itself, and so the whole; what is read is what was posted."""
        ledger = open_ledger()
        posted: dict[str, int] = {}

        @settings(max_examples=25)
        @given(st.lists(balanced_postings(), max_size=6))
        def check(postings: list[Posting]) -> None:
            ledger.post(postings, actor=ROBOT, at=AT_TEN)
            posted.update((one.decision.decision_id, len(one.entries)) for one in postings)
            entries = ledger.entries(ACME, known_at=AT_TEN)
            sums = entries.group_by("decision_id", "ccy").agg(pl.col("amount").sum())
            assert (sums["amount"] == 0).all()
            assert entries.height == sum(posted.values())
            whole = ledger.balances(ACME, known_at=AT_TEN).group_by("ccy").agg(pl.col("amount").sum())
            assert (whole["amount"] == 0).all()

        check()
