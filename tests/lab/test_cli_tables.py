"""Tables of the command line that pandas reads: names, labels, semicolons, tabs."""

import io
import json
import re
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_iris

import fastxor
from fastxor import Network
from fastxor.cli import tables
from fastxor.cli.examples import EXAMPLES
from fastxor.cli.main import main

SPECIES = ["setosa", "versicolor", "virginica"]
PETS = "weight,kind,height\n1,cat,0.1\n\n2.5, dog ,3e-2\n-1,cat,0.30000000000000004\n"
SOFTMAX = ["--output", "softmax", "--loss", "log_loss"]


def run(capsys, *arguments):
    assert main([*map(str, arguments), "--epochs", "9", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys, *arguments):
    assert main([*map(str, arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("fastxor: ")
    assert err.count("\n") == 1
    return err


@pytest.fixture
def write(tmp_path):
    def write(text, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_two_classes(separator, end, write, capsys):
    path = write("\ufeff" + PETS.replace(",", separator).replace("\n", end))
    told = run(capsys, "train", "--data", path, "--targets", "kind")
    X, y = [[1, 0.1], [2.5, 0.03], [-1, 0.30000000000000004]], [[0], [1], [0]]
    assert told["losses"] == fastxor.train(X, y, epochs=9).losses.tolist()
    assert told["samples"] == {
        "X": [3, 2], "y": [3, 1], "features": ["weight", "height"], "targets": ["kind"],
        "classes": ["cat", "dog"],
    }  # fmt: skip
    y = [[1, 0], [0, 1], [1, 0]]
    expected = fastxor.train(X, y, epochs=9, output="softmax", loss="log_loss").losses
    told = run(capsys, "train", "--data", path, "--targets", "kind", *SOFTMAX)
    assert told["losses"] == expected.tolist()


def test_the_last_column_without_names(write, capsys):
    """As iris.data, of the UCI repository."""
    path = write("5.1,3.5,b\n4.9,3.0,c\n6.0,2.0,a\n\n")
    X, y = [[5.1, 3.5], [4.9, 3.0], [6.0, 2.0]], np.eye(3)[[1, 2, 0]]
    for options in ([], SOFTMAX):
        told = run(capsys, "train", "--data", path, *options)
        settings = {"output": "softmax", "loss": "log_loss"} if options else {}
        assert told["losses"] == fastxor.train(X, y, epochs=9, **settings).losses.tolist()
        assert told["samples"]["classes"] == ["a", "b", "c"]
        assert told["samples"]["features"] is None


def test_several_targets_by_name_in_their_order(write, capsys):
    path = write('a;"b;c";d\n1;2;3\n4;5;6\n')
    told = run(capsys, "train", "--data", path, "--targets", "d,a", "--output", "identity")
    expected = fastxor.train([[2], [5]], [[3, 1], [6, 4]], epochs=9, output="identity")
    assert told["losses"] == expected.losses.tolist()
    assert told["samples"]["features"] == ["b;c"]
    assert told["samples"]["targets"] == ["d", "a"]
    told = run(capsys, "train", "--data", write('"a,b";c\n1;2\n3;4\n'), "--targets", '"a,b"')
    assert told["samples"]["targets"] == ["a,b"]


def test_names_that_are_numbers(write, capsys):
    path = write("2020,2021,y\n1,2,3\n4,5,6\n")
    told = run(capsys, "train", "--data", path, "--targets", "y", "--output", "identity")
    assert told["samples"] == {
        "X": [2, 2], "y": [2, 1], "features": ["2020", "2021"], "targets": ["y"], "classes": None,
    }  # fmt: skip


def test_floats_are_those_of_python(write, capsys):
    """To the bit, in whatever release of pandas."""
    random = np.random.default_rng(0)
    X = random.random((300, 2)) * 10.0 ** random.integers(-300, 300, (300, 1))
    X[:2] = [5e-324, 1.7976931348623157e308], [2.2250738585072011e-308, -0.0]
    text = "a;b;c\n" + "".join(f"{a:.17g};{b!r};x\n" for a, b in X.tolist())
    found, _, _ = tables.columns_of(text, "some", 1)
    assert found.tobytes() == X.tobytes()


def test_labels_are_told(write, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "120")
    path = write(PETS)
    options = ["--data", str(path), "--targets", "kind", "--epochs", "9"]
    classes = "Classes: 0 cat, 1 dog.\n"
    for command in ("train", "compare", "seeds"):
        assert main([command, *options]) == 0
        assert classes in capsys.readouterr().out
    axes = ["--x", "seed=0:2", "--y", "momentum=0:1", "--size", "3", str(tmp_path / "map.png")]
    assert main(["map", *options, *axes]) == 0
    assert classes in capsys.readouterr().out
    X, y = [[1, 0.1], [2.5, 0.03], [-1, 0.30000000000000004]], [[0], [1], [0]]
    for output in ("sigmoid", "softmax"):
        net = tmp_path / f"{output}.npz"
        more = [*options, "--hidden-size", "4", "--learning-rate", "2", "--save", str(net)]
        more += SOFTMAX if output == "softmax" else []
        assert main(["train", *more, "--epochs", "500"]) == 0
        out = capsys.readouterr().out
        assert "Learned: all 3 samples" in out
        assert [ln.split()[-1] for ln in out.splitlines() if "->" in ln] == ["cat", "dog", "cat"]
        said = Network.load(net).predict(X)
        assert said[:, -1].tolist() == np.ravel(y).tolist()
    # several sigmoids may say anything
    path.write_text(PETS.replace("-1,cat", "-1,cow"))
    assert main(["train", *options]) == 0
    assert re.search(r"->  ([\d.]+ ){3} [01] [01] [01]\n", capsys.readouterr().out)


def test_validation_has_the_classes_of_training(write, capsys):
    path = write(PETS)
    options = ["train", "--data", path, "--targets", "kind", "--validation"]
    told = run(capsys, *options, write("weight;kind;height\n2;dog;1\n3;dog;0\n", "held_out.csv"))
    X, y = [[1, 0.1], [2.5, 0.03], [-1, 0.30000000000000004]], [[0], [1], [0]]
    expected = fastxor.train(X, y, epochs=9, validation=([[2, 1], [3, 0]], [1, 1]))
    assert told["validation_losses"] == expected.validation_losses.tolist()
    for text, message in [
        ("weight,kind,height\n2,cow,1\n", "must have the classes of --data, cat, dog; got 'cow'"),
        ("weight,kind,height\n2,1,1\n", "must have the classes of --data, cat, dog; got '1'"),
        ("height,kind,weight\n2,cat,1\n", "in their order: weight, height, kind; got height, we"),
        ("weight,height\n2,1\n", "--targets must be columns of --validation "),
    ]:
        assert message in refused(capsys, *options, write(text, "held_out.csv"))
    numbers, labels = write("a,y\n1,0\n2,1\n"), write("a,y\n1,no\n2,yes\n", "held_out.csv")
    err = refused(capsys, "train", "--data", numbers, "--validation", labels)
    assert "must have numbers as targets, as --data has, got 'no'" in err


BAD = {
    "nothing": ("", "FILE must hold a table, got an empty file"),
    "blank": ("\n\r\n \n", "FILE must hold a table, got an empty file"),
    "names only": ("a,b,y\n", "FILE must have samples below the names of columns, got none"),
    "unknown": ("a,b,z\n1,2,3\n", "--targets must be columns of FILE: a, b, z; got 'y'"),
    "no names": ("1,2,3\n4,5,6\n", "--targets must be columns of FILE: 1, 2, 3; got 'y'"),
    "twice": ("a,a,y\n1,2,3\n", "line 1: columns must have different names, got 'a' twice"),
    "twice with space": ("\na, a ,y\n1,2,3\n", "line 2: columns must have different names, got"),
    "unnamed": (",a,y\n0,2,3\n", "line 1: column 1 must have a name, got ''"),
    "only targets": ("y\n1\n2\n", "FILE must have more columns than 1 between commas, semico"),
    "text": ("a,b,y\n1,2,x\n\n3,two,y\n", "FILE: column 'b' must have numbers, as it is no target, "
             "got 'two' in line 4"),
    "decimal comma": ("a;b;y\n1,5;2;x\n", "column 'a' must have numbers, as it is no target, got "
                      "'1,5' in line 2"),
    "underscore": ("a,b,y\n1_0,2,x\n", "got '1_0' in line 2"),
    "infinite": ("a,b,y\n1e999,2,x\n", "got '1e999' in line 2"),
    "missing": ("a,b,y\n1,2,x\n\n3,,y\n", "FILE, line 4: column 'b' must have a value, got a m"),
    "NA": ("a,b,y\n1,2,x\n3,NA,y\n", "line 3: column 'b' must have a value, got a missing o"),
    "missing label": ("a,b,y\n1,2,x\n3,4,\n5,6,y\n", "line 3: column 'y' must have a value, got "),
    "all missing": ("a,b,y\n1,2,x\n,,\n5,6,y\n", "line 3: column 'a' must have a value, got a m"),
    "mixed": ("a,b,y\n1,2,3\n3,4,?\n", "column 'y' must have numbers alone, or labels alone as the "
              "only target, got '?' in line 3"),
    "short": ("a,b,y\n1,2,x\n\n3,4\n", "line 4: must have 3 cells as the first line has, got 2"),
    "long": ("a,b,y\n1,2,x\n\n3,4,y,\n", "line 4: must have 3 cells as the first line has, got 4"),
    "all long": ("a,b,y\n1,2,x,\n3,4,y,\n", "line 2: must have 3 cells as the first line has, g"),
    "quote": ('a,b,y\n1,2,"x\n3,4,y\n', "FILE must hold a table, got one with"),
    "lines": ('a,b,y\n1,2,"x\nx"\n3,4,y\n', "FILE must have a line for each sample, got cells"),
    "one class": ("a,b,y\n1,2,x\n3,4,x\n", "must have at least two classes as targets, got 'x'"),
    "picture": (b"\x89PNG\r\n\x1a\n", "FILE must hold text in UTF-8, got other bytes at 0"),
    "Latin-1": ("a,b,y\n1,2,\xe4\n".encode("latin-1"), "FILE must hold text in UTF-8, got other"),
    "escaped label": ("a,y\n1,x\n2,\x1b[2J\n", r"must have printable labels, got '\x1b[2J'"),
    "escaped name": ("a\x1bc,y\n1,x\n", r"line 1: column 1 must have a name, got 'a\x1bc'"),
    "large cell": ("a,y\n1," + "x" * 200_000 + "\n", "at least two classes as targets, got 'xx"),
    "large name": ("a,y" + "x" * 200_000 + "\n1,2\n", "a line must hold cells, got field larger"),
    "many classes": ("a,y\n" + "".join(f"1,x{k}\n" for k in range(10_001)),
                     "FILE must have at most 10,000 classes as targets, got 10,001 of 10,001"),
    "escapes": ("a,b,y\n1,\x1b[2J,x\n", r"got '\x1b[2J' in line 2"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_tables(case, write, monkeypatch, capsys):
    content, message = BAD[case]
    path = write(content)
    monkeypatch.setattr("fastxor.cli.train.train", None)  # before any work
    name = f"--data {path}"
    options = ["train", "--targets", "y", "--data"]
    assert message.replace("FILE", name) in refused(capsys, *options, path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    assert message.replace("FILE", "--data (standard input)") in refused(capsys, *options, "-")


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (
            "kind,weight,height",
            "must have more columns than 3 between commas, semicolons or tabs, got 3",
        ),
        ("kind,kind", "--targets must be different columns, got 'kind' twice"),
        (
            "kind,weight",
            "column 'kind' must have numbers alone, or labels alone as the only target",
        ),
        ("3", "must have more columns than 3 between commas, semicolons or tabs, got 3"),
        ("2", "column 'kind' must have numbers alone"),
    ],
)
def test_bad_targets(targets, message, write, capsys):
    assert message in refused(capsys, "train", "--data", write(PETS), "--targets", targets)


def test_the_example_works(tmp_path):
    """Of ``fastxor train --help``, the one that tests without pandas leave out."""
    iris = load_iris(as_frame=True)
    frame = iris.data.assign(species=[SPECIES[number] for number in iris.target])
    frame.to_csv(tmp_path / "iris.csv", index=False)
    text = EXAMPLES["train"].replace("\\\n", "")
    (line,) = (line.strip() for line in text.splitlines() if "iris.csv" in line)
    line = line.replace("fastxor", f"{sys.executable} -m fastxor", 1)
    done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Classes: 0 setosa, 1 versicolor, 2 virginica.\n" in done.stdout
    assert "samples have their largest output at" in done.stdout
