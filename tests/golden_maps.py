"""Maps whose digests are written down in golden_maps.json.

In their chaotic regions the last bit decides whether a network is solved. What starts them is
exact everywhere: decimal numbers, and axes of IEEE operations. To change a digest is to change the
contract: ``python -m tests.golden_maps`` writes the file anew, from the kernels, as the reference
would take hours; test_golden_maps.py compares them with the reference where it matters.
"""

import json
from pathlib import Path

from fastxor import Runs
from fastxor.maps import CLASSICS, FRACTALS, digest

FILE = Path(__file__).with_name("golden_maps.json")
SIZE = 200  # columns and rows, as in the paper

MAPS = {
    "figure 3": CLASSICS[3],
    "figure 11": CLASSICS[11],
    "figure 26": CLASSICS[26],
    "figure 26, zoomed": CLASSICS[26].zoomed((3.456, 3.504), (0.835, 0.840)),
}


def fractal(name: str) -> Runs:
    """Columns, rows and epochs enough for some to leave the finite numbers, and others to go on."""
    return FRACTALS[name].train(15, 12, epochs=60)


def write() -> None:
    digests = {name: digest(chart.train(SIZE)) for name, chart in MAPS.items()}
    fractals = {name: digest(fractal(name)) for name in FRACTALS}
    told = {"contract": 1, "digests": digests, "fractals": fractals}
    FILE.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    write()
