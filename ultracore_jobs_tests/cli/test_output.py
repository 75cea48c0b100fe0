"""What people read on a narrow terminal: nothing they have to copy is cut."""

from collections.abc import Sequence

import pytest
from rich.console import Console

from ultracore_jobs.cli import output

_BATCH = "bat_d37b1e39472c0e7c64060cdf863c5801"
_COLUMNS = ("batch", "job", "last decisions", "total")
_ROWS = [(_BATCH, "fee_charging", 1234, "AUD 71,767.58")]


def _printed(
    width: int, columns: Sequence[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    monkeypatch.setattr(output, "paper", Console(highlight=False, width=width))
    output.print_table("Batches", columns, _ROWS)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("width", [40, 50, 77, 80, 81, 82, 200])
def test_an_identifier_is_whole_at_every_width(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also narrower than the identifier, where the terminal wraps and a copy is still whole."""
    lines = _printed(width, _COLUMNS, monkeypatch, capsys)
    assert any(_BATCH in line for line in lines)
    assert any("fee_charging" in line for line in lines)
    assert max(map(len, lines)) <= max(width, 16 + len(_BATCH))


def test_heads_are_broken_before_rows_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table as long as it fits: 81 characters, or 76 with its heads over two lines."""
    # 36 + 12 + 14 + 13 and three gaps of two are 81; with "last" above "decisions" 76.
    assert _printed(81, _COLUMNS, monkeypatch, capsys)[2].split()[0] == _BATCH
    assert _printed(80, _COLUMNS, monkeypatch, capsys)[3].split()[0] == _BATCH
    assert _printed(75, _COLUMNS, monkeypatch, capsys)[1:] == [
        f"batch           {_BATCH}",
        "job             fee_charging",
        "last decisions  1,234",
        "total           AUD 71,767.58",
    ]
