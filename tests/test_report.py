"""The report says what the benchmarks' JSON says: times, ratios and who is ahead."""

import builtins
import json

import pytest

from fastxor import report
from fastxor.benchmarking import charts, tables


def entry(table, engine, ns, **changes):
    info = {
        "table": table, "engine": engine, "variant": "", "sizes": "2-8-1", "dtype": "float64",
        "n": 1024, "batch_size": None, "epochs": 100, "threads": None, "ns": ns, "ns_median": 1e9,
        "per": "sample", "checked": "bits" if engine == "fastxor" else "losses within 1e-12",
    }  # fmt: skip
    return {"name": f"{table} {engine}", "extra_info": info | changes, "stats": {}}


def write(path, entries, **versions):
    info = {
        "cpu": {"brand_raw": "Toy CPU"}, "system": "Linux", "python_version": "3.11.7",
        "versions": versions or {"NumPy": "2.4.6"},
    }  # fmt: skip
    path.write_text(json.dumps({"machine_info": info, "benchmarks": entries}))
    return str(path)


@pytest.fixture
def printed(tmp_path, capsys):
    """Writes files of entries and returns what is printed of them."""

    def print_them(*files):
        paths = [write(tmp_path / f"{k}.json", entries) for k, entries in enumerate(files)]
        assert report.main(paths) == 0
        return capsys.readouterr().out

    return print_them


def cells(text, title):
    """The rows below a heading, each a dict by the table's head."""
    section = text.split(f"### {title}")[1].split("###")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    head, _, *lines = [[cell.strip() for cell in row] for row in rows]
    assert all(len(line) == len(head) for line in lines)
    return [dict(zip(head, line, strict=True)) for line in lines]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1234.4, "1,230"), (45.55, "45.5"), (0.87, "0.870"), (0.8714, "0.871"), (9.996, "10.0"),
        (7, "7.00"), (999.6, "1,000"), (1234567, "1,230,000"), (0.00123, "0.00123"),
    ],
)  # fmt: skip
def test_numbers_have_three_significant_digits(value, text):
    assert tables.number(value) == text


FULL_BATCH = [
    entry("full batch", "textbook", 5, n=4),  # ours: no peer
    entry("full batch", "fastxor", 20, n=4),
    entry("full batch", "JAX", 1000, n=4),
    entry("full batch", "PyTorch", 400, n=4),
    entry("full batch", "fastxor", 10, n=65_536),
    entry("full batch", "JAX", 12.5, n=65_536),
    entry("full batch", "PyTorch", 14, n=65_536),
    entry("full batch", "fastxor", 2, sizes="2-32-1", n=4),
    entry("full batch", "fastxor", 1, n=4, dtype="float32"),
]


def test_tables(printed):
    text = printed(FULL_BATCH)
    assert text.startswith("Toy CPU, Linux, Python 3.11.7, NumPy 2.4.6\n")
    fastest = "fastest other / fastxor"
    assert cells(text, "Full batch, float64: ns per sample") == [
        {"sizes": "2-8-1", "n": "4", "textbook": "5.00", "fastxor": "20.0", "JAX": "1,000",
         "PyTorch": "400", fastest: "0.250x (textbook)"},
        {"sizes": "2-8-1", "n": "65,536", "textbook": "", "fastxor": "10.0", "JAX": "12.5",
         "PyTorch": "14.0", fastest: "1.25x (JAX)"},
        {"sizes": "2-32-1", "n": "4", "textbook": "", "fastxor": "2.00", "JAX": "", "PyTorch": "",
         fastest: ""},
    ]  # fmt: skip
    assert cells(text, "Full batch, float32") == [{"sizes": "2-8-1", "n": "4", "fastxor": "1.00"}]
    assert "\nfastxor is ahead of every peer in all 2 rows.\n" in text
    checked = "textbook, JAX, PyTorch: losses within 1e-12; fastxor: bits."
    assert f"Checked against the reference before: {checked}" in text


def test_where_a_peer_is_ahead_is_said(printed):
    text = printed([*FULL_BATCH, entry("full batch", "NumPy", 8.7, n=65_536)])
    assert cells(text, "Full batch, float64")[1]["fastest other / fastxor"] == "0.870x (NumPy)"
    assert "A peer is ahead in 1 of 2 rows: NumPy at 2-8-1, 65,536 (0.870x)." in text
    assert "every peer" not in text


def test_many_networks(printed):
    many = {"sizes": "2-2-1", "n": 4, "per": "epoch and network"}
    text = printed([
        entry("many networks", "fastxor", 6.0, networks=1024, **many),
        entry("many networks", "JAX", 12.0, networks=1024, **many),
        entry("many networks", "JAX vmap", 60.0, networks=1024, **many),
        entry("many networks", "fastxor", 6.5, networks=64, **many),
        entry("networks by threads", "fastxor", 12.0, networks=4096, threads=1, **many),
        entry("networks by threads", "fastxor", 6.0, networks=4096, threads=2, **many),
    ])  # fmt: skip
    rows = cells(text, "Many networks, float64: ns per epoch and network")
    assert [row["networks"] for row in rows] == ["64", "1,024"]
    assert rows[1]["JAX vmap"] == "60.0"
    assert rows[1]["fastest other / fastxor"] == "2.00x (JAX)"
    assert "fastxor is ahead of every peer in all 1 rows." in text
    (row,) = cells(text, "Networks by threads, float64: ns per epoch and network")
    assert (row["threads: 1"], row["threads: 2"]) == ("12.0", "6.00")
    assert row["fastest other / threads: 1"] == "0.500x (threads: 2)"


def test_estimators(printed):
    table, said = "estimators", "accuracy or R2"
    one = {said: "fastxor 0.944, scikit-learn 0.945 ± 0.011", "data": "iris", "per": "fit"}
    other = {said: "fastxor 0.981, scikit-learn 0.982 ± 0.005", "data": "wine", "per": "fit"}
    text = printed([
        entry(table, "scikit-learn", 9e7, **other), entry(table, "fastxor", 9e6, **other),
        entry(table, "scikit-learn", 5e7, **one), entry(table, "fastxor", 1e6, **one),
    ])  # fmt: skip
    first, second = cells(text, "Estimators, float64: ms per fit")
    assert (first["data"], first[said]) == ("iris", one[said])
    assert (second["data"], second[said]) == ("wine", other[said])
    assert first["fastxor"] == "1.00"
    assert first["fastest other / fastxor"] == "50.0x (scikit-learn)"


def test_rows_are_in_the_order_of_numbers(printed):
    times = [entry("epochs", "fastxor", 9, epochs=n, per="epoch") for n in (10_000, 100, 1_000)]
    times += [
        entry("tables", "fastxor", 7, n=150, sizes=sizes, batch_size=size)
        for sizes in ("30-16-1", "4-8-3")
        for size in (None, 128, 16)
    ]
    text = printed(times)
    epochs = cells(text, "Epochs, float64: ns per epoch")
    assert [row["epochs"] for row in epochs] == ["100", "1,000", "10,000"]
    tables = cells(text, "Tables, float64: ns per sample")
    assert [(row["sizes"], row["batch size"]) for row in tables] == [
        (sizes, size) for sizes in ("4-8-3", "30-16-1") for size in ("16", "128", "all")
    ]
    assert text.index("Epochs") < text.index("Tables")


def test_threads(printed):
    text = printed([entry("threads", "fastxor", ns, threads=t) for t, ns in [(2, 5.5), (1, 11)]])
    assert cells(text, "Threads, float64") == [
        {"sizes": "2-8-1", "n": "1,024", "threads: 1": "11.0", "threads: 2": "5.50",
         "fastest other / threads: 1": "0.500x (threads: 2)"}
    ]  # fmt: skip
    assert "peer" not in text


def test_files_of_one_machine_are_merged(printed):
    first = [entry("full batch", "fastxor", 10), entry("full batch", "JAX", 30)]
    second = [
        entry("full batch", "fastxor", 12), entry("full batch", "JAX", 20),
        entry("full batch", "NumPy", 90), {"name": "process", "extra_info": {}, "stats": {}},
    ]  # fmt: skip
    text = printed(first, second)
    assert text.count("Toy CPU") == 1
    (row,) = cells(text, "Full batch, float64")
    assert [row[name] for name in ("fastxor", "NumPy", "JAX")] == ["10.0", "90.0", "20.0"]


def test_files_of_different_versions_are_shown_one_after_another(tmp_path, capsys):
    paths = [
        write(tmp_path / version, [entry("full batch", "fastxor", ns)], NumPy=version)
        for version, ns in (("2.4", 10), ("2.5", 12))
    ]
    assert report.main(paths) == 0
    first, second = capsys.readouterr().out.split("\n\nToy CPU")
    assert cells(first, "Full batch, float64")[0]["fastxor"] == "10.0"
    assert second.startswith(", Linux, Python 3.11.7, NumPy 2.5\n")
    assert cells(second, "Full batch, float64")[0]["fastxor"] == "12.0"


@pytest.mark.parametrize(
    "content",
    [
        None, "", "{", "[1]", "{}", '{"machine_info": {}, "benchmarks": [1]}',
        json.dumps({"machine_info": {}, "benchmarks": [entry("epochs", "JAX", None)]}),
        json.dumps({"machine_info": {}, "benchmarks": [entry("epochs", "JAX", 0)]}),
        '{"machine_info": {}, "benchmarks": [{"extra_info": {"table": "epochs", "ns": 1}}]}',
    ],
)  # fmt: skip
def test_what_is_not_such_a_file_is_an_error(content, tmp_path, capsys):
    path = tmp_path / "bad.json"
    if content is not None:
        path.write_text(content)
    assert report.main([str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("fastxor.report: ")
    assert err.count("\n") == 1
    assert "bad.json" in err


PLOTTED = [
    entry("full batch", engine, ns * hidden / n, n=n, sizes=f"2-{hidden}-1", dtype=f"float{bits}")
    for engine, ns in [("fastxor", 1), ("JAX", 30)]
    for n in (4, 512, 4096)
    for hidden in (2, 8, 32)
    for bits in (32, 64)
]
EPOCHS = [entry("epochs", "fastxor", 9000 / e + 50, n=4, epochs=e) for e in (1, 10, 100)]


def test_plots_are_written_where_there_are_times(tmp_path):
    one, two = write(tmp_path / "1", EPOCHS), write(tmp_path / "2", PLOTTED, NumPy="3")
    folder = tmp_path / "new" / "plots"
    assert report.main([one, two, "--plots", str(folder)]) == 0
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["batch-size-2.png", "epochs.png", "width-2.png"]
    for path in folder.iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size > 10_000


def test_plots_show_the_right_times(monkeypatch, tmp_path):
    drawn = {}
    monkeypatch.setattr(charts, "draw", lambda path, panels, *_: drawn.update({path.name: panels}))
    times = [each["extra_info"] for each in PLOTTED + EPOCHS]
    charts.plots(times, tmp_path)
    assert list(drawn["batch-size.png"]) == [f"2-{h}-1, float64" for h in (2, 8, 32)]
    lines = drawn["batch-size.png"]["2-8-1, float64"]
    assert lines["JAX"] == {n: 30 * 8 / n for n in (4, 512, 4096)}
    assert list(drawn["width.png"]) == ["float64", "float32"]
    assert drawn["width.png"]["float32"]["fastxor"] == {h: h / 512 for h in (2, 8, 32)}
    assert drawn["epochs.png"] == {
        "2-8-1, 4 samples, float64": {"fastxor": {1: 9050, 10: 950, 100: 140}}
    }


def test_plots_without_matplotlib_are_an_error(monkeypatch, tmp_path, capsys):
    real = builtins.__import__

    def refuse(name, *rest):
        if name == "fastxor.benchmarking.charts":
            raise ModuleNotFoundError("No module named 'matplotlib'")
        return real(name, *rest)

    path = write(tmp_path / "times.json", EPOCHS)
    monkeypatch.setattr(builtins, "__import__", refuse)
    assert report.main([path]) == 0
    capsys.readouterr()
    assert report.main([path, "--plots", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "--plots needs matplotlib" in err
    assert err.count("\n") == 1
