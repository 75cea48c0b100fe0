"""What an import refuses, and what it sets aside."""

from pathlib import Path

import polars as pl
import pytest

from ultracore_jobs.application import Application
from ultracore_jobs.application.imports import import_table
from ultracore_jobs.catalog.given import GIVEN
from ultracore_jobs.catalog.market import FX_RATES, PRICES
from ultracore_jobs.errors import ContractError, TooManyRejectsError, UsageError
from ultracore_jobs_tests.application.import_desk import ASIDE, TWENTY, csv, load_accounts, stored
from ultracore_jobs_tests.stage import application
from ultracore_jobs_tests.toys import ACCOUNTS, FACTORS


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """A platform with an empty store, on Saturday 21 November 2026, 02:00 UTC."""
    return application(tmp_path, {})


def test_too_many_bad_rows_stop_the_import_before_anything_is_written(app: Application) -> None:
    """Two of twenty are 10 %, more than 5 %; the message names them, with table, line, column and remedy."""
    rows = "".join(f"A{number:02d},1\n" for number in range(18))
    with pytest.raises(TooManyRejectsError) as found:
        load_accounts(app, f"account_id,amount\n{rows}X,N/A\nY,\n")

    message = str(found.value)
    assert message.startswith(
        "2 of 20 rows for table 'accounts' were rejected, more than max_reject_pct = 5%;"
    )
    assert "row 20 (X), column 'amount', value 'N/A'" in message
    assert "row 21 (Y), column 'amount', value None: MISSING_VALUE. Remedy: give a value" in message
    assert stored(app).is_empty()
    assert app.tables.partitions(ASIDE, tenant="acacia") == ()


def test_the_share_that_is_too_much_is_a_parameter_and_exactly_it_is_allowed(app: Application) -> None:
    """One of twenty is 5 %, which is not more than 5 %; a dry run gives the verdict of the real one."""
    rows = "".join(f"A{number:02d},1\n" for number in range(19))
    text = f"account_id,amount\n{rows}X,N/A\n"
    with pytest.raises(TooManyRejectsError):
        load_accounts(app, text, max_reject_pct=0.04, dry_run=True)

    assert load_accounts(app, text).written == 19
    with pytest.raises(UsageError, match="max_reject_pct is 5; it must be a share from 0 to 1"):
        load_accounts(app, text, max_reject_pct=5)


def test_another_tenants_row_and_one_known_in_the_future_are_rejected(app: Application) -> None:
    """Isolation, and nobody knows tomorrow; the present instant itself is allowed."""
    report = load_accounts(
        app,
        "tenant_id,account_id,amount,known_at\n"
        "acacia,A,1,2026-11-21T02:00:00Z\n"
        "banksia,B,2,2026-11-20T00:00:00Z\n"
        "acacia,C,3,2026-11-21T02:00:01Z\n",
        max_reject_pct=0.7,
    )

    assert report.written == 1
    assert report.rejected.select("row_number", "column_name", "value", "reason").rows() == [
        (3, "tenant_id", "banksia", "TENANT_MISMATCH (not acacia)"),
        (4, "known_at", report.rejected["value"][1], "KNOWN_IN_FUTURE (after 2026-11-21T02:00:00Z)"),
    ]


def test_a_blank_stamp_is_a_missing_value(app: Application) -> None:
    """A column that is there is believed: only one that is absent is filled."""
    report = load_accounts(app, f"account_id,amount,source\n{TWENTY.replace('.50', '.50,file')}A20,1,\n")

    assert report.rejected.select("row_key", "column_name", "reason").rows() == [
        ("A20", "source", "MISSING_VALUE")
    ]


def test_columns_are_renamed_by_map(app: Application) -> None:
    """Theirs to ours; the others keep their names."""
    report = load_accounts(app, "Konto,amount\nA,1\n", renames={"Konto": "account_id"})

    assert report.written == 1
    assert stored(app)["account_id"].to_list() == ["A"]


@pytest.mark.parametrize(
    ("renames", "message"),
    [
        (
            {"konto": "account_id"},
            r"--map names column\(s\) konto, which the source has not; there are: Konto, amount$",
        ),
        ({"Konto": "amount"}, r"--map would make column\(s\) amount twice"),
        ({"Konto": "account_id", "amount": "account_id"}, r"--map would make column\(s\) account_id twice"),
    ],
)
def test_a_rename_that_cannot_be_is_refused(app: Application, renames: dict[str, str], message: str) -> None:
    """Before any row is looked at."""
    with pytest.raises(UsageError, match=message):
        load_accounts(app, "Konto,amount\nA,1\n", renames=renames)


def test_a_missing_column_is_named_with_what_to_do(app: Application) -> None:
    """And what columns there are; the one that counts lines is none of them."""
    with pytest.raises(
        ContractError, match=r"'accounts': column\(s\) amount not found.*account_id, Betrag"
    ) as found:
        load_accounts(app, "account_id,Betrag\nA,1\n")
    assert "__line" not in str(found.value)


def test_a_table_has_an_owner(app: Application) -> None:
    """Market data belongs to `shared`, books to a tenant, and what a job computes to the job."""
    with pytest.raises(
        UsageError, match="'prices' is the same for all tenants; import it with --tenant shared"
    ):
        import_table(app, PRICES, PRICES.empty(), tenant="acacia", source="x")
    with pytest.raises(UsageError, match="'accounts' belongs to one tenant each"):
        load_accounts(app, "account_id,amount\n", tenant="shared")
    with pytest.raises(UsageError, match="'factors' is computed by daily_factor, so it cannot be imported"):
        import_table(app, FACTORS, FACTORS.empty(), tenant="shared", source="x")


def test_rows_without_lines_are_counted_from_the_first(app: Application) -> None:
    """Parquet has no lines; whoever reads the file says where its rows begin."""
    rows = pl.DataFrame({"account_id": ["A", "B"], "amount": ["1", "x"]})
    report = import_table(app, ACCOUNTS, rows, tenant="acacia", source="x", first_row=101, max_reject_pct=0.5)

    assert report.rejected["row_number"].to_list() == [102]


def test_lists_in_a_csv_file_are_json(app: Application) -> None:
    """A mandate that may not hold XOM; a cell that is no list is set aside, once and with that reason."""
    weights = "target_weight,min_weight,max_weight,abs_band,rel_band,cash_buffer_pct"
    header = f"portfolio_id,sleeve,{weights},prohibited\n"
    good = "".join(f'P{number},equity,1,0,1,0.05,0.25,0.02,"[""XOM""]"\n' for number in range(20))
    rows = csv(f"{header}{good}P20,equity,1,0,1,0.05,0.25,0.02,XOM\n")

    report = import_table(app, GIVEN["mandates"], rows, tenant="acacia", source="mandates.csv")

    assert report.rejected.select("row_number", "column_name", "value", "reason").rows() == [
        (22, "prohibited", "XOM", "NOT_READABLE as a list in JSON")
    ]
    assert stored(app, GIVEN["mandates"])["prohibited"].to_list() == [["XOM"]] * 20


def test_fixings_must_say_who_published_them(app: Application) -> None:
    """The file's name is no publisher, so without the column every row is rejected by its code."""
    text = "rate_date,base_ccy,quote_ccy,rate,status\n2026-11-20,EUR,AUD,1.5890,OK\n"
    with pytest.raises(
        TooManyRejectsError, match=r"column 'source', value 'fx\.csv': UNKNOWN_CODE \(not one of ECB"
    ):
        import_table(app, FX_RATES, csv(text), tenant="shared", source="fx.csv")

    rows = csv(text.replace("status\n", "status,source\n").replace("OK\n", "OK,ECB\n"))
    assert import_table(app, FX_RATES, rows, tenant="shared", source="fx.csv").written == 1
