"""Lines over time as an SVG file: small multiples, one panel a quantity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 190, 70, 150, 34, 30
COLOURS = ("#0b5cad", "#b3261e", "#2e7d32", "#7b4f00")
DASHES = ("", "8 4", "2 3", "10 3 2 3")


@dataclass(frozen=True, slots=True)
class Panel:
    """`lines`: name -> values, one for each of the chart's times."""

    title: str
    lines: Mapping[str, Sequence[float]]


def chart(heading: str, unit: str, times: Sequence[float], panels: Sequence[Panel]) -> str:
    """The SVG. `times`: of all panels, in `unit`; values begin at zero, so that flat looks flat."""
    total = TOP + len(panels) * HEIGHT + 10
    body = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{total}" '
        f'viewBox="0 0 {WIDTH} {total}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{total}" fill="#fff"/>',
        f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold">{escape(heading)}</text>',
    ]
    for index, panel in enumerate(panels):
        body += _panel(panel, times, unit, TOP + index * HEIGHT)
    return "\n".join([*body, "</svg>", ""])


def _panel(panel: Panel, times: Sequence[float], unit: str, top: float) -> list[str]:
    high = max((value for line in panel.lines.values() for value in line), default=1) * 1.1 or 1
    last = max(times, default=1) or 1
    plot = HEIGHT - TOP - BOTTOM

    def x(time: float) -> float:
        return LEFT + time / last * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return top + TOP + plot * (1 - value / high)

    out = [f'<text x="{LEFT}" y="{top + 22}" font-weight="bold">{escape(panel.title)}</text>']
    for step in range(5):
        value = high * step / 4
        out.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#ddd"/>'
            f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.4g}</text>'
        )
    for step in range(7):
        time = last * step / 6
        out.append(
            f'<text x="{x(time):.1f}" y="{top + HEIGHT - 12}" text-anchor="middle">{time:.3g} {unit}</text>'
        )
    # Names stand at their lines' ends, pushed apart where lines end together.
    taken: list[float] = []
    for (name, line), colour, dash in zip(panel.lines.items(), COLOURS, DASHES, strict=False):
        points = " ".join(f"{x(time):.1f},{y(value):.1f}" for time, value in zip(times, line, strict=True))
        out.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" '
            f'stroke-dasharray="{dash}"/>'
        )
        at = y(line[-1]) + 4
        while any(abs(at - other) < 14 for other in taken):
            at += 14
        taken.append(at)
        label = f"{name} {line[-1]:.4g}"
        out.append(f'<text x="{WIDTH - RIGHT + 8}" y="{at:.1f}" fill="{colour}">{escape(label)}</text>')
    return out
