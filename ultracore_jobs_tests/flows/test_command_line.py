"""The command line as a person meets it: help, tables, errors without tracebacks, exit codes."""

import json
from pathlib import Path
from typing import Any

import pytest

from ultracore_jobs_tests.flows.conftest import DEMO_DAY, Installed


@pytest.fixture
def fresh(tmp_path: Path) -> Installed:
    """An empty folder of its own."""
    return Installed(tmp_path)


def test_help_lists_every_verb(fresh: Installed) -> None:
    """Without arguments the help is shown."""
    shown = fresh.run("--help")

    for verb in ("demo", "run", "approvals", "freeze", "explain", "ui", "jobs", "replay", "import", "tenant"):
        assert verb in shown


def test_jobs_are_listed_with_their_parameters(fresh: Installed) -> None:
    """For scripts as JSON, with a schema for each parameter."""
    jobs = {job["job_type"]: job for job in json.loads(fresh.run("jobs", "--json"))}

    assert {"exchange_rate_update", "market_data_refresh", "portfolio_valuation"} <= set(jobs)
    assert jobs["portfolio_valuation"]["parameters"]["max_stale_business_days"]["default"] == 5
    assert "nav_reconciled" in jobs["portfolio_valuation"]["gates"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("demo", "--date", "2026-11-14"), 2, "2026-11-14 is no business day"),
        (("demo", "--date", "2031-06-02"), 2, "is not over yet"),
        (("replay", "job_nonsense"), 2, "unknown job 'job_nonsense'"),
        (("import", "pricez", "x.csv", "--tenant", "shared"), 2, "unknown table 'pricez'"),
        (("import", "prices", "missing.csv", "--tenant", "shared"), 3, "missing.csv"),
        (("import", "lots", "missing.csv", "--tenant", "nobody"), 2, "unknown tenant 'nobody'"),
        (("tenant", "add", "Not A Name"), 2, "Not A Name"),
    ],
)
def test_a_mistake_ends_as_one_message(
    fresh: Installed, words: tuple[str, ...], code: int, says: str
) -> None:
    """What is wrong and what there is; never a traceback."""
    refused = fresh.run_whole(*words)

    assert refused.returncode == code, refused.stderr
    assert says in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr


def test_the_demo_ends_with_a_page_a_person_likes(first_demo: dict[str, Any], installed: Installed) -> None:
    """NAV for each tenant, flagged portfolios with reasons, where the Parquet is, what to do next."""
    shown = installed.run("demo", "--date", DEMO_DAY)

    assert first_demo["jobs"]
    assert f"Business day {DEMO_DAY}" in shown
    assert "Net asset value" in shown
    assert "MISSING_PRICE" in shown
    assert "nothing rewritten" in shown
    assert str(installed.lake) in shown.replace("\n", "")
    assert " ui " in shown
    assert " replay job_" in shown


def test_own_data_comes_in_through_the_same_contracts(fresh: Installed) -> None:
    """A CSV with a column named otherwise and one bad row in forty: 39 written, one set aside by line."""
    rows = [
        f"P{number:02},C1,AUD,NSW,2026-01-05,OPEN" if number != 7 else "P07,C1,aud,NSW,2026-01-05,OPEN"
        for number in range(40)
    ]
    header = "Portfolio,client_id,base_ccy,calendar_id,opened_on,status"
    (fresh.folder / "book.csv").write_text("\n".join([header, *rows]) + "\n")
    fresh.run("tenant", "add", "harbour", "--name", "Harbour Private")
    words = (
        "import",
        "portfolios",
        "book.csv",
        "--tenant",
        "harbour",
        "--map",
        "Portfolio=portfolio_id",
        "--json",
    )

    tried = json.loads(fresh.run(*words, "--dry-run"))
    done = json.loads(fresh.run(*words))
    again = json.loads(fresh.run(*words))

    assert (tried["accepted"], tried["written"]) == (39, 0)
    assert (done["read"], done["written"]) == (40, 39)
    assert [(bad["row_number"], bad["column_name"], bad["value"]) for bad in done["rejected"]] == [
        (9, "base_ccy", "aud")
    ]
    assert (again["already_known"], again["written"]) == (39, 0)
    tenants = json.loads(fresh.run("tenant", "list", "--json"))
    assert [tenant["tenant_id"] for tenant in tenants] == ["harbour"]


def test_without_the_sample_the_demo_says_what_to_install(fresh: Installed) -> None:
    """The sample's packages are hidden from the interpreter, as where they were never installed."""
    hide = fresh.folder / "sitecustomize.py"
    hide.write_text(
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "HIDDEN = {'skfolio', 'currency_converter', 'exchange_calendars', 'holidays'}\n"
        "class Finder(PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        hidden = name.split('.')[0] in HIDDEN\n"
        "        return None if hidden else PathFinder.find_spec(name, path, target)\n"
        "sys.meta_path[sys.meta_path.index(PathFinder)] = Finder\n"
    )

    refused = fresh.run_whole("demo", PYTHONPATH=str(fresh.folder))

    assert refused.returncode == 2, refused.stderr
    assert "pip install 'ultracore-jobs[sample]'" in refused.stderr
