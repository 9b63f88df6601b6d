"""What notebooks show: a small table and a drawing of losses, of HTML and SVG alone.

The drawing is an image in the text, as notebooks that are not trusted, because others have run
them, show none of the SVG that is written out. So it knows no colour of what is around it, and has
one that is seen on white and on black.
"""

from base64 import b64encode
from html import escape

import numpy as np

from fastxor.common.checks import Array

WIDTH, HEIGHT, MARGIN = 240, 48, 2
POINTS = 200  # of a line: more than that cannot be seen
COLOR = "#3a87d0"


def table(title: str, rows: dict[str, object], losses: list[Array] | None = None) -> str:
    """``title``, the rows, and a line for each of ``losses`` (epochs,) where there are any."""
    lines = [f"<strong>{escape(title)}</strong>", "<table>"]
    for name, value in rows.items():
        cells = f'<th style="text-align: left">{escape(name)}</th>'
        cells += f'<td style="text-align: left">{escape(str(value))}</td>'
        lines.append(f"<tr>{cells}</tr>")
    lines += ["</table>", sparkline(losses or [])]
    return "<div>" + "\n".join(filter(None, lines)) + "</div>"


def sparkline(losses: list[Array]) -> str:
    """An image of lines over epochs; "" where none has two numbers.

    On a logarithmic scale where all are above 0 and the largest is ten times the least. NaN and
    infinities are left out.
    """
    lines = [_some_points(each) for each in losses]
    lines = [(x, y) for x, y in lines if len(y) > 1]
    if not lines:
        return ""
    every = np.concatenate([y for _, y in lines])
    low, high = float(every.min()), float(every.max())
    scale = "linear"
    if 0 < low <= high / 10:
        lines, scale = [(x, np.log(y)) for x, y in lines], "logarithmic"
        low, high = np.log(low), np.log(high)
    last = max(x[-1] for x, _ in lines)
    drawn = [
        " ".join(
            f"{MARGIN + (WIDTH - 2 * MARGIN) * i:.1f},{MARGIN + (HEIGHT - 2 * MARGIN) * j:.1f}"
            for i, j in zip(x / last, (high - y) / ((high - low) or 1.0), strict=True)
        )
        for x, y in lines
    ]
    style = f'fill="none" stroke="{COLOR}" stroke-width="1" stroke-linejoin="round"'
    style += f' stroke-opacity="{max(0.3, 1 / len(lines)):.1f}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'
    svg += "".join(f'<polyline points="{points}" {style}/>' for points in drawn) + "</svg>"
    source = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
    alt = f"losses over epochs, {scale} scale"
    return f'<img src="{source}" width="{WIDTH}" height="{HEIGHT}" alt="{alt}" title="{alt}"/>'


def _some_points(losses: Array) -> tuple[Array, Array]:
    """Places and numbers, float64, of `POINTS` at most, the first and the last among them."""
    places = np.linspace(0, max(len(losses) - 1, 0), min(len(losses), POINTS)).round()
    numbers = losses[places.astype(int)].astype(np.float64)
    sound = np.isfinite(numbers)
    return places[sound], numbers[sound]
