"""Notebooks run, and what is stored in them is what comes out."""

import copy
import sys

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.lab import notebooks
from tests.lab.notebooks import NOTEBOOKS, ROOT, differences, executed, read

by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)


def test_there_are_notebooks():
    assert "xor_from_scratch.ipynb" in [path.name for path in NOTEBOOKS]


@by_name
def test_what_is_stored_is_up_to_date(path, tmp_path):
    stored = read(path)
    assert differences(stored, executed(stored, tmp_path)) == []


@by_name
def test_files_are_small_and_hold_nothing_of_the_machine(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert all(cell.metadata in ({}, {"tags": ["varies"]}) for cell in notebook.cells)
    pictures = [
        output.data["image/png"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert pictures
    assert min(map(len, pictures)) > 5_000
    assert path.stat().st_size < 400_000


# --- what the comparison sees -----------------------------------------------------------
@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A notebook's file as the command leaves it."""
    cells = [
        new_markdown_cell("# A notebook", id="title"),
        new_code_cell("import sys, fastxor\nprint(fastxor.__file__, sys.executable)", id="prints"),
        new_code_cell("import time; print(time.time())", id="time", metadata={"tags": ["varies"]}),
        new_code_cell("fastxor.train([[0], [1]], [0, 1], epochs=0).losses", id="returns"),
        new_code_cell(
            "import matplotlib.pyplot as plt; plt.plot([1, 3, 2]); plt.show()", id="draws"
        ),
        new_code_cell("x = 1", id="nothing"),
    ]
    cells[1].outputs = [new_output("stream", text="old")]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    path = tmp_path_factory.mktemp("notebook") / "small.ipynb"
    nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
    notebooks.write(path)
    return path


def code(notebook):
    return {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}


def test_the_command_stores_what_comes_out(written):
    notebook = read(written)
    assert notebook.metadata == {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    cells = code(notebook)
    assert [cell.execution_count for cell in cells.values()] == [1, 2, 3, 4, 5]
    assert [cell.metadata for cell in cells.values()] == [{}, {"tags": ["varies"]}, {}, {}, {}]
    (printed,) = cells["prints"].outputs
    assert printed.text == f"{ROOT / 'fastxor' / '__init__.py'} {sys.executable}\n"
    (returned,) = cells["returns"].outputs
    assert returned.data == {"text/plain": "array([], dtype=float64)"}
    (drawn,) = cells["draws"].outputs
    assert drawn.data["text/plain"] == "<Figure size 640x480 with 1 Axes>"
    assert len(drawn.data["image/png"]) > 5_000
    assert cells["nothing"].outputs == []


def test_another_run_differs_only_where_it_may(written, tmp_path):
    stored = read(written)
    fresh = executed(stored, tmp_path)
    assert differences(stored, fresh) == []
    assert stored.cells[2].outputs != fresh.cells[2].outputs
    stored.cells[2].metadata = {}
    (difference,) = differences(stored, fresh)
    assert difference.startswith("cell time: text")


def error():
    return new_output("error", ename="ValueError", evalue="no", traceback=[])


def without_picture(cell):
    del cell.outputs[0].data["image/png"]


DOCTORED = {
    "another text": ("prints", lambda cell: cell.outputs[0].update(text="other\n"), "text"),
    "no output": ("prints", lambda cell: cell.outputs.clear(), "outputs"),
    "one more": ("nothing", lambda cell: cell.outputs.append(error()), "an error"),
    "on standard error": ("prints", lambda cell: cell.outputs[0].update(name="stderr"), "outputs"),
    "another value": (
        "returns", lambda cell: cell.outputs[0].data.update({"text/plain": "array([])"}), "text",
    ),
    "times on standard error": ("time", lambda c: c.outputs[0].update(name="stderr"), "outputs"),
    "no times": ("time", lambda cell: cell.outputs.clear(), "outputs"),
    "no picture": ("draws", without_picture, "outputs"),
    "an empty picture": (
        "draws", lambda cell: cell.outputs[0].data.update({"image/png": "iVBO"}), "a picture",
    ),
    "never run": ("nothing", lambda cell: cell.update(execution_count=None), "execution count"),
    "run twice": ("draws", lambda cell: cell.update(execution_count=7), "execution count 7, not 4"),
}  # fmt: skip


@pytest.mark.parametrize("case", DOCTORED)
def test_what_is_not_up_to_date_is_told(case, written):
    name, doctor, expected = DOCTORED[case]
    fresh = read(written)
    assert differences(fresh, fresh) == []
    stored = copy.deepcopy(fresh)
    doctor(code(stored)[name])
    found = differences(stored, fresh)
    assert found, "not seen"
    assert all(difference.startswith(f"cell {name}: ") for difference in found)
    assert expected in found[0]


def test_an_error_in_a_cell_is_raised_and_nothing_is_written(tmp_path):
    path = tmp_path / "wrong.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1 / 0", id="fails")]), path)
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        notebooks.write(path)
    assert path.read_bytes() == before
