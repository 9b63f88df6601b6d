"""README and examples do what they say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


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


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_examples_run(script, tmp_path):
    assert output_of(sys.executable, str(script), cwd=tmp_path)
