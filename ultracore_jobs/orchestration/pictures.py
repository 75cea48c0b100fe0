"""A small bar chart as SVG, for a page that a person glances at."""

from html import escape

from ultracore_jobs.jobs import Chart

_ROW, _BAR, _LABEL, _VALUE, _WIDTH = 22, 14, 170, 110, 640


def bar_chart(chart: Chart) -> str:
    """Horizontal bars, longest value to full width; a negative value is red and runs the same way.

    Args:
        chart: Title, unit and the bars, in the order shown.
    """
    room = _WIDTH - _LABEL - _VALUE
    longest = max((abs(value) for _, value in chart.bars), default=0) or 1.0
    rows = []
    for position, (label, value) in enumerate(chart.bars):
        top = 34 + position * _ROW
        length = max(1, round(abs(value) / longest * room))
        colour = "#b42318" if value < 0 else "#3b5bdb"
        shown = f"{value:,.4g}" if abs(value) < 1 else f"{value:,.0f}"
        rows.append(
            f'<text x="{_LABEL - 8}" y="{top + 11}" text-anchor="end">{escape(label[:26])}</text>'
            f'<rect x="{_LABEL}" y="{top}" width="{length}" height="{_BAR}" rx="2" fill="{colour}"/>'
            f'<text x="{_LABEL + length + 6}" y="{top + 11}" fill="#475467">{shown}</text>'
        )
    height = 44 + len(chart.bars) * _ROW
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="Inter, Helvetica, Arial, sans-serif" font-size="12">'
        '<rect width="100%" height="100%" fill="#ffffff"/>'
        '<text x="8" y="18" font-size="13" font-weight="600">'
        f"{escape(chart.title)} ({escape(chart.unit)})</text>"
        f"{''.join(rows)}</svg>"
    )
