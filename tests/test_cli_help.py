"""``--help`` of the command line: its examples work."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from fastxor.cli.examples import EXAMPLES
from fastxor.cli.main import main, parser

# minutes; pandas, see tests/lab/test_cli_tables.py; ONNX
LEFT_OUT = "fastxor bench", "iris.csv", "xor.onnx"


def examples_of(command):
    """The commands, as one would copy them."""
    lines = EXAMPLES[command].replace("\\\n", "").splitlines()
    assert lines[0] == "examples:"
    assert 2 <= len(lines[1:]) <= 3
    return [re.sub(" +", " ", line.strip()) for line in lines[1:]]


@pytest.mark.parametrize("command", EXAMPLES)
def test_help_ends_with_examples(command, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    out = capsys.readouterr().out
    assert out.endswith(f"\n\n{EXAMPLES[command]}\n")
    assert max(map(len, out.splitlines())) <= 80


def test_all_commands_have_examples():
    (commands,) = (action.choices for action in parser()._actions if action.choices)
    assert EXAMPLES.keys() == commands.keys()


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for command in EXAMPLES for line in examples_of(command)])
def test_examples_work(line, tmp_path):
    if any(word in line for word in LEFT_OUT):
        for part in line.split(" && ")[:1]:
            assert parser().parse_args(part.split()[1:]).command
        return
    X, y = np.random.default_rng(0).random((9, 3)), np.eye(2)[[0, 1, 0, 1, 0, 0, 1, 0, 1]]
    np.savetxt(tmp_path / "data.csv", np.hstack([X, y]), delimiter=",", header="some numbers")
    python = f"{sys.executable} -m"
    line = re.sub(r"\bfastxor (?=[a-z])", f"{python} fastxor ", line)
    line = line.replace("python -m json", f"{python} json")
    done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
    if "--json" in line:
        assert json.loads(done.stdout)["version"]
    for name in re.findall(r"\S+\.(?:npz|png|gif|c)\b", line):
        assert (tmp_path / name).stat().st_size > 0
