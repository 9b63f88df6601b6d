"""What is built and handed out: a source archive, a wheel, and types that strict checkers take."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import fastxor

ROOT = Path(__file__).parents[2]
NAME = f"fastxor-{fastxor.__version__}"


def run(*command, cwd):
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of the archive, and of the wheel that is made from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{NAME}-py3-none-any.whl", f"{NAME}.tar.gz",
    ]  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """A Python with that wheel; what fastxor needs is that of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    (site,) = folder.glob("[lL]ib/**/site-packages")
    ours = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "needs.pth").write_text(ours + "\n")
    (wheel,) = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    return folder / ("Scripts" if sys.platform == "win32" else "bin") / "python", site


def test_the_wheel_has_the_package_alone(built):
    names = zipfile.ZipFile(built / f"{NAME}-py3-none-any.whl").namelist()
    assert {name.split("/")[0] for name in names} == {"fastxor", f"{NAME}.dist-info"}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "fastxor").rglob("*.py")}
    assert modules | {"fastxor/py.typed"} <= {*names}
    assert not [name for name in names if "__pycache__" in name]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a checkout")
def test_the_archive_has_what_tests_and_docs_need(built):
    with tarfile.open(built / f"{NAME}.tar.gz") as archive:
        names = {name.removeprefix(f"{NAME}/") for name in archive.getnames()}
    tracked = run("git", "ls-files", cwd=ROOT).split()
    assert {name for name in tracked if not name.startswith((".ci/", ".gitignore"))} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(".tox")]


def test_what_tells_the_version_tells_this_one():
    assert f"\nversion: {fastxor.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    first = re.search(r"\n## (\S+)", (ROOT / "CHANGELOG.md").read_text())
    assert first
    assert first[1] == fastxor.__version__


def test_what_is_installed_works(installed, tmp_path):
    python, site = installed
    where = run(python, "-E", "-c", "import fastxor; print(fastxor.__file__)", cwd=tmp_path)
    assert Path(where.strip()).parent == site / "fastxor"
    assert (
        run(python, "-E", "-m", "fastxor", "--version", cwd=tmp_path).split()[-1]
        == fastxor.__version__
    )


def test_a_strict_type_checker_takes_the_readmes_code(installed, tmp_path):
    python, _ = installed
    codes = re.findall("```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert codes
    (tmp_path / "readme.py").write_text("\n".join(codes))
    checker = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python]
    run(*checker, "readme.py", cwd=tmp_path)
    # it does look: without types nothing would be wrong
    (tmp_path / "wrong.py").write_text('import fastxor\nfastxor.train([[0]], [[1]], epochs="9")\n')
    done = subprocess.run([*checker, "wrong.py"], cwd=tmp_path, capture_output=True, text=True)
    assert 'Argument "epochs" to "train" has incompatible type "str"' in done.stdout
