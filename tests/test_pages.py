"""What makes the pages of docs/ out of docstrings, and what finds names that are on none."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("docutils", reason="python -m tox -e docs")
sys.path.insert(0, str(Path(__file__).parents[1] / "docs" / "_ext"))

from docstrings import definitions, paragraphs
from public_names import missing


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Train a network: by default the tutorial's.", None),
        ("X: samples\nmore of it", None),
        ("Raises ValueError: for bad input.", None),
        ("X: samples.", "``X``\n    samples."),
        ("X, y: both,\n    at once.\nl2: all", "``X``, ``y``\n    both, at once.\n``l2``\n    all"),
        ("X,\n    y: both.", "``X``, ``y``\n    both."),
    ],
)
def test_paragraphs_of_names_are_definitions(text, expected):
    assert definitions(text) == (expected or text)


def test_bars_are_no_substitutions():
    assert paragraphs(["of |z|, ``|z|``", "", " ", "more"]) == [r"of \|z\|, ``|z|``", "more"]


def test_what_is_public_and_on_no_page_is_found(monkeypatch):
    module = ModuleType("someones")
    module.__all__ = ["documented", "forgotten", "silent", "NUMBER"]
    module.NUMBER = 1
    for name, doc in (("documented", "Does it."), ("forgotten", "Does it."), ("silent", None)):
        setattr(module, name, type(name, (), {"__doc__": doc}))
    monkeypatch.setitem(sys.modules, "someones", module)
    pages = {"someones.documented", "someones.silent", "someones.NUMBER", "forgotten"}
    assert missing(["someones"], pages) == ["someones.forgotten", "someones.silent: no docstring"]
