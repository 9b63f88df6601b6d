"""What the command line trains on without pandas: numbers, from files and standard input."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest

import fastxor
from fastxor.cli import tables
from fastxor.cli.main import main
from tests.conftest import refused

XOR = "a,b,xor\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n"
CLASSES = "0,0,3\n0,1,10\n1,0,10\n1,1,2\n"
SOFTMAX = ["--output", "softmax", "--loss", "log_loss", "--epochs", "9"]


def stdin(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def run(capsys, *arguments):
    assert main([*map(str, arguments)]) == 0
    return capsys.readouterr().out


def without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)


@pytest.mark.parametrize("command", ["train", "compare", "seeds"])
def test_standard_input(command, tmp_path, monkeypatch, capsys):
    short = [command, "--epochs", 5, "--json"]
    expected = json.loads(run(capsys, *short))
    stdin(monkeypatch, XOR.encode())
    told = json.loads(run(capsys, *short, "--data", "-"))
    assert told["digest"] == expected["digest"]
    names = {"features": ["a", "b"], "targets": ["xor"], "classes": None}
    assert told["samples"] == {"X": [4, 2], "y": [4, 1]} | names
    (tmp_path / "xor.csv").write_text(XOR)
    stdin(monkeypatch, XOR.encode())
    told = [*short, "--data", tmp_path / "xor.csv", "--validation", "-"]
    assert json.loads(run(capsys, *told))["samples"]["features"] == ["a", "b"]


def test_a_map_of_standard_input(tmp_path, monkeypatch, capsys):
    options = ["--x", "seed=0:3", "--y", "momentum=0:0.5", "--epochs", 50, "--size", "4x2"]
    expected = json.loads(run(capsys, "map", *options, "--json", tmp_path / "a.png"))
    stdin(monkeypatch, XOR.encode())
    told = run(capsys, "map", *options, "--json", tmp_path / "b.png", "--data", "-")
    assert json.loads(told)["digest"] == expected["digest"]


def test_numbers_are_classes_of_a_softmax(tmp_path, monkeypatch, capsys):
    """In the order of numbers, not of their digits."""
    without_pandas(monkeypatch)
    path = tmp_path / "classes.csv"
    path.write_text(CLASSES)
    told = json.loads(run(capsys, "train", "--data", path, *SOFTMAX, "--json"))
    assert told["samples"]["classes"] == ["2", "3", "10"]
    X, classes = fastxor.xor()[0], np.eye(3)[[1, 2, 2, 0]]
    expected = fastxor.train(X, classes, output="softmax", loss="log_loss", epochs=9)
    assert told["losses"] == expected.losses.tolist()
    out = run(capsys, "train", "--data", path, *SOFTMAX)
    assert "Classes: 0 2, 1 3, 2 10.\n" in out
    said = expected.network.predict(X).argmax(axis=1)
    found = [line.split()[-1] for line in out.splitlines() if "->" in line]
    assert found == [["2", "3", "10"][number] for number in said]
    # a saved network's outputs are as good as --output
    saved = ["--save", tmp_path / "net.npz"]
    run(capsys, "train", "--data", path, *SOFTMAX, *saved)
    more = ["--initial", tmp_path / "net.npz", "--loss", "log_loss", "--epochs", 9, "--json"]
    told = json.loads(run(capsys, "train", "--data", path, *more))
    assert told["samples"]["classes"] == ["2", "3", "10"]


HELD_OUT = {
    "order": ("b,a,xor\n0,1,1\n", "must have the columns of --data, in their order: a, b, xor; go"),
    "width": ("1,1\n", "validation: X and y must have 2 and 1 columns"),
}
BAD = {
    "nothing": (b"", "--data FILE must hold at least one line of numbers, got an empty file"),
    "blank": (b"\n \n", "--data FILE must hold a"),
    "names only": (b"a,b,c\n", "must hold at least one line of numbers, got but the names of col"),
    "ragged": (b"1,2,3\n\n4,5\n", "FILE, line 3: must hold 3 comma-separated numbers, got '4,5'"),
    "more": (b"1,2,3\n4,5,6,7\n", "FILE, line 2: must hold 3 comma-separated numbers, got '4,5,6,"),
    "text": (b"1,2,3\n4,five,6\n", "FILE, line 2: must hold 3 comma-separated numbers, got '4,fiv"),
    "missing": (b"1,2,3\n4,,6\n", "FILE, line 2: must hold 3 comma-separated numbers, got '4,,6'"),
    "NaN": (b"1,2,3\n4,nan,6\n", "X must be finite in float64, got nan at [1, 1]"),
    "one column": (b"1\n2\n", "FILE must hold more than 1 columns of numbers, got 1"),
    "picture": (b"\x89PNG\r\n", "--data FILE must hold text in UTF-8, got other bytes at 0"),
    "UTF-16": ("a,b".encode("utf-16"), "--data FILE must hold text in UTF-8, got other bytes at 0"),
    "NUL": (b"1,2\n3,\0\n", "--data FILE must hold text in UTF-8, got a NUL at 6"),
    "escapes": (b"1,2\n3,\x1b[2J\n", r"got '3,\x1b[2J'"),
}


@pytest.mark.parametrize("command", ["train", "seeds", "compare", "map"])
@pytest.mark.parametrize("case", BAD)
def test_bad_tables(case, command, tmp_path, monkeypatch, capsys):
    without_pandas(monkeypatch)
    content, message = BAD[case]
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    more = ["--x", "seed=0:3", "--y", "momentum=0:1", tmp_path / "map.png"]
    more = more if command == "map" else []
    assert message.replace("FILE", str(path)) in refused(capsys, command, "--data", path, *more)
    stdin(monkeypatch, content)
    err = refused(capsys, command, "--data", "-", *more)
    assert message.replace("FILE", "(standard input)") in err
    assert not (tmp_path / "map.png").exists()


@pytest.mark.parametrize("case", HELD_OUT)
def test_bad_validation(case, tmp_path, monkeypatch, capsys):
    without_pandas(monkeypatch)
    content, message = HELD_OUT[case]
    paths = tmp_path / "data.csv", tmp_path / "held_out.csv"
    for path, text in zip(paths, (XOR, content), strict=True):
        path.write_text(text)
    assert message in refused(capsys, "train", "--data", paths[0], "--validation", paths[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--targets", "xor"], "--targets by name must go with --data, got 'xor'"),
        (["--targets", ""], "--targets: must be a number of columns, or their names with commas"),
        (["--targets", "a\nb"], r"their names with commas between them, got 'a\nb'"),
        (["--targets", "a,,b"], "--targets: must be a number of columns, or their names with com"),
        (["--targets", "y", "--data", "a.npz"], "--targets must be a number with an .npz, got 'y'"),
        (["--data", "a.csv", "--targets", "-1"], "--targets must be an integer of at least 1"),
        (["--data", "a.csv"], "--data: cannot read a.csv: No such file or directory"),
        (["--data", "/"], "--data: cannot read /: Is a directory"),
        (["--validation", "a.npz"], "--validation: cannot read a.npz: No such file or directory"),
        (["--data", "-", "--validation", "-"], "--data and --validation must not both be -"),
    ],
)
def test_bad_options(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, "train", *options)


def test_classes_that_are_none(tmp_path, capsys):
    path = tmp_path / "data.csv"
    for text, message in [
        ("1,2\n3,4.5\n", "the target must be labels or whole numbers, which are classes with --o"),
        ("1,2\n3,2\n", "must have at least two classes as targets, got '2'"),
        ("1,inf\n3,2\n", "the target must be labels or whole numbers, which are classes with --ou"),
        ("1,nan\n3,2\n", "the target must be labels or whole numbers, which are classes with --ou"),
    ]:
        path.write_text(text)
        assert message in refused(capsys, "train", "--data", path, *SOFTMAX)
    path.write_text(CLASSES)
    (tmp_path / "held_out.csv").write_text("1,1,3\n1,0,7\n")
    options = ["--data", path, "--validation", tmp_path / "held_out.csv"]
    message = "must have the classes of --data, 2, 3, 10; got '7'"
    assert message in refused(capsys, "train", *options, *SOFTMAX)


@pytest.mark.parametrize(
    ("text", "options", "got"),
    [
        (XOR, ["--targets", "xor"], "--targets by name"),
        (XOR.replace(",", ";"), [], "'0;0;0'"),
        (XOR.replace(",", "\t"), [], r"'0\t0\t0'"),
        ("1,2,yes\n2,3,no\n", [], "'2,3,no'"),
        ("a,b\n1,\n", [], "'1,'"),
    ],
)
def test_without_pandas(text, options, got, tmp_path, monkeypatch, capsys):
    without_pandas(monkeypatch)
    path = tmp_path / "data.csv"
    path.write_text(text)
    assert refused(capsys, "train", "--data", path, *options) == (
        f"fastxor: --data {path} must hold comma-separated numbers, as other tables need pandas, "
        f"the extra fastxor[table], got {got}\n"
    )


def test_separators():
    for text, expected in [
        ("a,b", ","), ("a;b", ";"), ("a\tb", "\t"), ("", ","), ("a", ","), ("\n\n1,5;2,5\n", ";"),
        ('"a;b",c', ","), ('"a\tb";c', ";"), ("a;b\tc,d", "\t"), ("1,2\n3;4", ","),
    ]:  # fmt: skip
        assert tables.separator(text) == expected, text


def test_no_standard_input():
    command = f"{sys.executable} -m fastxor train --data - <&-"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "fastxor: --data: cannot read -: standard input is closed\n"
