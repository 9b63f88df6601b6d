"""README, the pages of docs/ and examples do what they say."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.summary import summary

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = {str(page.relative_to(ROOT)): page.read_text() for page in report.pages()}


def output_of(*command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readmes_python_runs(tmp_path):
    (code,) = re.findall("```python\n(.*?)```", README, re.DOTALL)
    output = output_of(sys.executable, "-c", code, cwd=tmp_path)
    assert "[0 1 1 0]" in output
    assert "agree to the last bit" in output


def test_ci_runs_the_readmes_test_command():
    commands = re.findall("<!-- test command -->\n```sh\n(.*)\n```", README)
    assert commands == ["python -m pip install tox && python -m tox -p"]


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150


def test_the_readmes_table_is_that_of_the_pages():
    sections = report.sections()
    assert sections["readme"] == summary(sections)


@pytest.mark.parametrize("name", ["README.md", "docs/getting-started.md", "docs/index.md"])
def test_shares_of_seeds_are_those_that_the_command_prints(name):
    told = re.findall(r"(\d+\.\d) ?% (?:of the seeds|in 30,000)", PAGES[name])
    printed = re.findall(r"│ (\d+\.\d)% │", report.sections()["seeds"])
    assert told
    assert set(told) <= set(printed)


def test_sections_are_renewed_where_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "ROOT", tmp_path)
    guide = tmp_path / "docs" / "guide"
    guide.mkdir(parents=True)
    mark = "<!-- map: python -m benchmarks.report map -->\n{}\n<!-- /map -->"
    (tmp_path / "README.md").write_text("no place")
    (guide / "maps.md").write_text(f"before\n{mark.format('old')}\nafter\n")
    report.replace("map", "new")
    assert (guide / "maps.md").read_text() == f"before\n{mark.format('new')}\nafter\n"
    assert report.sections() == {"map": "new"}
    assert report.link("map", Path("plots") / "a.png") == "../../plots/a.png"
    with pytest.raises(SystemExit, match="one page with a place for demo"):
        report.replace("demo", "new")


def test_every_section_that_can_be_renewed_has_a_place():
    others = {"demo", "seeds", "map", "fractal", "sweeps", "groups", "speed", "readme"}
    assert report.sections().keys() == others | report.SECTIONS.keys()


@pytest.mark.parametrize("name", PAGES)
def test_pages_link_to_what_is_there(name):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", PAGES[name])
    assert [link for link in links if not is_there(name, link)] == []


@pytest.mark.parametrize("name", PAGES)
def test_files_that_pages_name_are_there(name):
    """But those that commands of the pages make."""
    named = set(re.findall(r"`([\w/]+\.(?:py|ipynb|json|md))`", PAGES[name]))
    folders = (ROOT, ROOT / "fastxor", ROOT / "examples", ROOT / "tests")
    assert [file for file in named if not any((f / file).exists() for f in folders)] == []


def is_there(name, link):
    return link.startswith("https://") or ((ROOT / name).parent / link).exists()


@pytest.mark.parametrize("name", sorted(PAGES.keys() - {"README.md"}))
def test_python_on_pages_is_run(name):
    """As `{doctest}`, `{testcode}` or a plot; but not what needs a cluster."""
    languages = re.findall(r"^```(\S+)$", PAGES[name], re.MULTILINE)
    plain = [language for language in languages if language.startswith(("py", "ipy"))]
    assert plain == (["py"] if name == "docs/guide/sweeps.md" else [])


@pytest.mark.parametrize("module", ["fastxor", "maps", "plot", "sklearn"])
def test_public_names_have_a_place(module):
    page = PAGES[f"docs/api/{module}.md"]
    documented = re.findall(r"^\.\. (?:auto\w+|data):: (\w+)$", page, re.MULTILINE)
    if module == "sklearn":
        pytest.importorskip("sklearn")
    names = import_module("fastxor" if module == "fastxor" else f"fastxor.{module}").__all__
    assert set(names) <= set(documented)


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_examples_run(script, tmp_path):
    assert output_of(sys.executable, str(script), cwd=tmp_path)
