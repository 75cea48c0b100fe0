"""Laws about the pages themselves."""

import inspect
from pathlib import Path

import pytest

from ultracore_jobs.jobs import JobSpec, job_types
from ultracore_jobs.jobs.document import job_types_page

ROOT = Path(__file__).parents[2]
PAGES = pytest.mark.parametrize("job", job_types().values(), ids=lambda job: str(job.name))


@PAGES
def test_a_page_teaches(job: JobSpec) -> None:
    """Summary, rule, source, re-run rule, an example, and words for every parameter and column."""
    assert job.summary.endswith(".")
    assert job.source.startswith("domain_rules")
    assert job.rule.strip()
    assert job.rerun.strip()
    assert job.example is not None
    assert all(field.description for field in job.parameters.model_fields.values())
    assert all(column.description for table in job.writes for column in table.columns.values())
    assert (inspect.getdoc(job.kernel) or "").strip()


@PAGES
def test_a_law_has_a_name_and_a_sentence(job: JobSpec) -> None:
    """Snake case for the check, a sentence without its full stop for people."""
    names = [gate.name for gate in job.gates]

    assert names
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name.islower() for name in names)
    assert all(len(gate.law.split()) > 3 for gate in job.gates)


def test_the_documentation_of_the_job_types_is_up_to_date() -> None:
    """Else: ultracore-jobs jobs --markdown > docs/job-types.md."""
    assert (ROOT / "docs" / "job-types.md").read_text() == job_types_page(job_types())


def test_no_module_has_outgrown_a_head() -> None:
    """300 lines a module (style guide)."""
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "ultracore_jobs").rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 300
    }

    assert long == {}
