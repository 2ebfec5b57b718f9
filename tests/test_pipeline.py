"""A run: checked before it starts, done once, resumed, and the same bytes every time."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from filelock import FileLock
from lxml import html as parser
from openpyxl import load_workbook

import demo
from research import parameters
from research.errors import UserError
from research.pages import index, notebooks, provenance, values
from research.paths import ROOT
from research.runs import ahead, pipeline, processes
from research.runs import plan as plans
from research.study.purposes import by_data_set
from research.study.specification import specification_curve

BROKEN = [
    ("text", "# Broken"),
    ("parameters", demo.PARAMETERS),
    ("code", 'print("so far")'),
    ("code", '# a comment\nraise KeyError("no such\\ncolumn")'),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    return demo.shared_run(tmp_path_factory)


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".run" not in path.parts
    }


def test_run_makes_everything(finished):
    made = set(files(finished / "out"))
    assert made >= {
        "index.html",
        "06_first.html",
        "09_second.html",
        "values.json",
        "study.yml",
        "provenance.json",
        "ro-crate-metadata.json",
        "executed/06_first.ipynb",
        "results/06_first/rates.parquet",
        "results/06_first/rates.csv",
        "results/tables.xlsx",
    }
    assert not [name for name in made if name.endswith((".tmp", ".part.ipynb"))]


def test_values_name_notebook_and_cell(finished):
    record = json.loads((finished / "out" / "values.json").read_text(encoding="utf-8"))
    assert record["prose"]["06_first/answer"]["values"] == {"auc": 0.5631, "window": 12}
    # The injected parameters are a cell of their own, so the fifth cell became the sixth.
    assert record["prose"]["06_first/answer"]["cell"] == 6
    assert record["tables"]["06_first/rates"]["rows"][0] == ["premium", 0.004921, 1000]
    flat = dict(values.flatten(record))
    assert flat["06_first/rates[2].rate"] == 0.051
    assert pd.read_parquet(finished / "out/results/06_first/rates.parquet")["rate"].tolist() == [
        0.004921,
        0.051,
    ]


def test_workbook_runs_no_formula(finished):
    book = load_workbook(finished / "out/results/tables.xlsx")
    assert book.sheetnames[:2] == ["Contents", "06 rates"]
    cell = book["09 ranking"]["A5"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")
    assert "'=1+1,0.61" in (finished / "out/results/09_second/ranking.csv").read_text(encoding="utf-8")


def test_nothing_changed_does_nothing(finished):
    before = files(finished / "out")
    result = demo.run(finished / "notebooks", finished / "out")
    assert result.unchanged
    assert files(finished / "out") == before


def test_two_runs_have_the_same_bytes_and_no_path_of_the_machine(finished, tmp_path):
    folder = demo.write_demo(tmp_path / "elsewhere")
    demo.run(folder, tmp_path / "again", jobs=1)
    once, again = files(finished / "out"), files(tmp_path / "again")
    assert once.keys() == again.keys()
    assert [name for name in once if once[name] != again[name]] == []
    for name, content in again.items():
        if not name.endswith((".xlsx", ".parquet")):
            text = content.decode("utf-8")
            assert str(tmp_path) not in text
            assert str(ROOT) not in text
            assert not re.search(r'"(start_time|end_time|duration|iopub[^"]*)"', text)


def test_the_index_fills_as_pages_arrive(tmp_path, monkeypatch):
    folder, seen = demo.write_demo(tmp_path / "books"), []
    write = index.write_arriving

    def kept(out, pages, executed):
        write(out, pages, executed)
        seen.append(parser.document_fromstring((out / "index.html").read_text(encoding="utf-8")))

    monkeypatch.setattr(index, "write_arriving", kept)
    demo.run(folder, tmp_path / "out", jobs=1)
    first, last = seen
    assert first.xpath("//ol[@class='questions']//a[1]/@href")[0] == "06_first.html"
    assert "The AUC is 0.563 over 12 months" in first.xpath("string(//ol[@class='questions'])")
    coming = [notebook.title for notebook in notebooks.find(folder)][1:]
    assert first.xpath("//h2[text()='Still to come']/following-sibling::ul/li/text()") == coming
    assert "1 of 2 pages are there" in first.xpath("string(//p[@role='status'])")
    assert not last.xpath("//h2[text()='Still to come']")
    assert not first.xpath("//a[@href='checklists.html']")
    assert "refresh" not in (tmp_path / "out/index.html").read_text(encoding="utf-8")
    demo.run(folder, tmp_path / "out", jobs=1)
    assert len(seen) == 2


def test_same_outputs_are_not_rendered_again(finished, monkeypatch):
    rendered = []
    monkeypatch.setattr("research.pages.render.render", lambda *_: rendered.append(1) or "")
    monkeypatch.setattr(provenance, "code_hash", lambda: "another")
    monkeypatch.setattr(
        provenance, "collect", lambda _: json.loads((finished / "out/provenance.json").read_text())
    )
    result = demo.run(finished / "notebooks", finished / "out")
    assert [line.state for line in result.lines] == ["ran", "ran"]
    assert rendered == []


def test_failure_stops_only_what_needs_it(tmp_path):
    folder = tmp_path / "notebooks"
    demo.write(folder, "01_broken", BROKEN)
    demo.write(folder, "02_needs_it", demo.SECOND[1:], needs=("01_broken",))
    demo.write(folder, "03_free", [("text", "# Free"), demo.SECOND[1]])
    out = tmp_path / "out"
    result = demo.run(folder, out)
    assert [(line.name, line.state) for line in result.lines] == [
        ("01_broken", "failed"),
        ("02_needs_it", "stopped"),
        ("03_free", "ran"),
    ]
    assert result.exit_code == 1
    message = result.lines[0].message
    assert re.fullmatch(r"In \[\d\] `raise KeyError\(.*`: KeyError: 'no such\\ncolumn'", message)
    assert result.lines[1].message == "needs 01_broken, which failed"
    kept = nbformat.read(out / "executed/01_broken.failed.ipynb", as_version=4)
    assert any("so far" in str(cell.get("outputs")) for cell in kept.cells)
    assert not (out / "executed/01_broken.ipynb").exists()
    assert "KeyError" in (out / "01_broken.html").read_text(encoding="utf-8")
    assert "needs 01_broken" in (out / "index.html").read_text(encoding="utf-8")

    demo.write(folder, "01_broken", BROKEN[:3])
    repaired = demo.run(folder, out)
    assert [line.state for line in repaired.lines] == ["ran", "ran", "unchanged"]
    assert repaired.exit_code == 0
    assert not (out / "executed/01_broken.failed.ipynb").exists()


def test_a_kernel_that_dies_is_a_failure_like_any_other(tmp_path):
    folder = tmp_path / "notebooks"
    demo.write(folder, "01_dies", [("text", "# x"), demo.SECOND[1], ("code", "import os\nos._exit(3)")])
    demo.write(folder, "02_lives", [("text", "# x"), demo.SECOND[1], ("code", "print(hash('a'))")])
    out = tmp_path / "out"
    result = demo.run(folder, out)
    assert [line.state for line in result.lines] == ["failed", "ran"]
    assert result.lines[0].message.startswith("cell 4: the kernel died")
    assert (out / "executed/01_dies.failed.ipynb").exists()


def test_only_keeps_pages_of_the_same_parameters(tmp_path):
    folder = tmp_path / "notebooks"
    for stem in ("01_one", "02_two"):
        demo.write(folder, stem, [("text", f"# {stem}"), demo.SECOND[1]])
    out = tmp_path / "out"
    assert demo.run(folder, out, only=["1"]).exit_code == 0
    assert demo.run(folder, out, only=["two"]).exit_code == 0
    assert (out / "01_one.html").exists()
    assert "01_one.html" in (out / "02_two.html").read_text(encoding="utf-8")
    assert demo.run(folder, out, only=["02_two"], changes={"seed": 5}).exit_code == 0
    assert not (out / "01_one.html").exists()
    assert "01_one.html" not in (out / "index.html").read_text(encoding="utf-8")


def test_results_that_somebody_changed_are_made_again(finished):
    out = finished / "out"
    before = files(out)
    for name in ("results/06_first/rates.csv", "results/tables.xlsx"):
        (out / name).write_text("not what the run wrote", encoding="utf-8")
    (out / "results/06_first/of_an_earlier_run.csv").write_text("x", encoding="utf-8")
    (out / "results/05_gone").mkdir()
    (out / "results/09_second/ranking.parquet").unlink()
    demo.run(finished / "notebooks", out)
    assert files(out) == before
    assert not (out / "results/05_gone").exists()


def test_damaged_state_is_made_again(finished):
    (finished / "out/.run/index.json").write_text("{half", encoding="utf-8")
    assert demo.run(finished / "notebooks", finished / "out").exit_code == 0


def test_another_runs_outputs_are_not_taken_for_this_ones(tmp_path):
    # A run is killed after it wrote its outputs and before the state says so; then the first is asked for again.
    folder = demo.write(tmp_path / "notebooks", "01_one", [*demo.SECOND[1:4]]).parent
    out = tmp_path / "out"
    demo.run(folder, out, changes={"seed": 5})
    first = files(out)
    states = {path: path.read_bytes() for path in (out / ".run").glob("*.json")}
    demo.run(folder, out, changes={"seed": 6})
    assert files(out) != first
    for path, content in states.items():
        path.write_bytes(content)
    demo.run(folder, out, changes={"seed": 5})
    assert files(out) == first


def test_reference_is_compared_and_what_moved_is_named(finished, tmp_path):
    reference = tmp_path / "values.json"
    result = demo.run(finished / "notebooks", finished / "out")
    pipeline.update_reference(result, reference)
    same = demo.run(finished / "notebooks", finished / "out", reference=reference)
    assert same.collected["reproduced"] == same.collected["compared"] > 300
    moved = json.loads(reference.read_text(encoding="utf-8"))
    moved["prose"]["06_first/answer"]["values"]["auc"] = 0.56311
    reference.write_text(json.dumps(moved), encoding="utf-8")
    told = demo.run(finished / "notebooks", finished / "out", reference=reference).collected
    assert told["moved"] == [{"name": "06_first/answer.auc", "reference": 0.56311, "now": 0.5631}]
    moved["study"]["sha256"] = "other"
    reference.write_text(json.dumps(moved), encoding="utf-8")
    other = demo.run(finished / "notebooks", finished / "out", reference=reference).collected
    assert "other parameters" in other["reason"]
    demo.run(finished / "notebooks", finished / "out")


def test_comparison_of_values():
    def record(**answer):
        return {"prose": {"a/answer": {"cell": 1, "values": answer}}, "tables": {}}

    def moved(now, then):
        return [row["name"] for row in values.compare_with_reference(record(**now), record(**then))["moved"]]

    assert moved({"x": 1.0, "y": 0.0}, {"x": 1.0 + 1e-7, "y": 0.0}) == []
    assert moved({"x": 1.0}, {"x": 1.00001}) == ["a/answer.x"]
    assert moved({"x": "tree"}, {"x": "abc"}) == ["a/answer.x"]
    assert moved({"x": None}, {"x": 1.0}) == ["a/answer.x"]
    assert moved({"x": [1.0, 2.0]}, {"x": [1.0, 2.0]}) == []
    assert moved({"x": 1}, {"y": 1}) == ["a/answer.y", "a/answer.x"]
    other = {"prose": {"b/answer": {"cell": 1, "values": {"x": 1}}}, "tables": {}}
    assert values.compare_with_reference(other, record(x=1)) == {"compared": 0, "reproduced": 0, "moved": []}


def test_reference_needs_a_whole_run(tmp_path):
    folder = tmp_path / "notebooks"
    for stem in ("01_one", "02_two"):
        demo.write(folder, stem, [("text", "# x"), demo.SECOND[1]])
    part = demo.run(folder, tmp_path / "out", only=["01_one"])
    with pytest.raises(UserError, match="run of all notebooks"):
        pipeline.update_reference(part, tmp_path / "reference.json")


def test_own_parameters_reach_their_notebook(finished):
    books = notebooks.find(finished / "notebooks")
    plan = plans.plan("default", changes={"window": 6, "seed": 3}, notebooks=books)
    assert plan.own == {"06_first": {"window": 6}}
    assert plan.study.seed == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"changes": {"windw": 6}}, r"-p windw: unknown parameter; did you mean 'window'\?"),
        ({"changes": {"window": "six"}}, r"-p window: found 'six', expected int \(notebook 06_first\)"),
        ({"changes": {"window": True}}, "expected int"),
        ({"changes": {"tier_shares.high": 0.9}}, "add up to"),
        ({"changes": {"study": "x"}}, "argument of the command"),
        ({"only": ["first_one"]}, r"--only first_one: no such notebook; did you mean '06_first'\?"),
        ({"jobs": 0}, "--jobs 0"),
        ({"study": "defalt"}, "did you mean 'default'"),
    ],
)
def test_mistakes_are_found_before_the_start(finished, options, message):
    given = {"study": "default", **options}
    with pytest.raises(UserError, match=message):
        plans.plan(**given, notebooks=notebooks.find(finished / "notebooks"))


def test_no_notebooks_and_unreadable_ones(tmp_path):
    with pytest.raises(UserError, match="no notebooks"):
        plans.plan("default", notebooks=[])
    (tmp_path / "01_bad.ipynb").write_text("not json", encoding="utf-8")
    with pytest.raises(UserError, match=r"01_bad\.ipynb: not readable"):
        notebooks.find(tmp_path)


def test_several_workers_begin_something_to_read_then_what_takes_long_and_late_what_uses_it(tmp_path):
    cells = [("text", "# What?"), ("parameters", demo.PARAMETERS)]
    for stem, begins in (("01_uses", "late"), ("02_small", ""), ("03_long", "first")):
        demo.write(tmp_path / "books", stem, cells, begins=begins)

    def begun(jobs: int) -> list[str]:
        given = notebooks.find(tmp_path / "books")
        plan = plans.plan("default", out=tmp_path / "out", notebooks=given, jobs=jobs)
        return [task.name for task in pipeline.study_tasks(plan, None) if task.lane == "kernels"]

    folds = [f"fold {split}" for split in range(1, 11)]
    own = [f"ahead {kind} lendingclub2018" for kind in ("refits", "readings", *folds, "measures")]
    others = [
        f"ahead {kind} {name}" for name in ("lendingclub2016", "credit_data") for kind in (*folds, "measures")
    ]
    assert begun(2) == ["execute 02_small", *own, "execute 03_long", *others, "execute 01_uses"]
    assert begun(1) == ["execute 01_uses", "execute 02_small", "execute 03_long"]


def test_what_a_comparison_takes_longest_for_is_there_before_its_notebook_begins(tmp_path, monkeypatch):
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    study = parameters.load("quick", changes={"compare_datasets": ["credit_data"], "models": ["rfm", "tree"]})
    with processes.pool(2) as pool:
        for unit in ahead.units(study):
            ahead.beside(pool.submit, unit)

    def fail(*_args, **_options):
        raise AssertionError("fitted again")

    monkeypatch.setattr("research.compare.resampling.Folding.judge", fail)
    assert len(specification_curve(study)["curve"])
    assert len(by_data_set(study.elsewhere("credit_data")))


def test_what_fails_ahead_of_a_notebook_is_left_to_the_notebook(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    study = parameters.load("quick").model_copy(update={"dataset": "nowhere"})
    with processes.pool(1) as pool:
        ahead.beside(pool.submit, next(ahead.units(study)))
    assert capfd.readouterr() == ("", "")


def test_a_notebook_cannot_begin_at_an_unknown_time(tmp_path):
    demo.write(tmp_path, "01_when", [("text", "# When?")], begins="soon")
    with pytest.raises(UserError, match=r"01_when\.ipynb: metadata research\.begins is 'soon'; expected"):
        notebooks.find(tmp_path)


def test_a_dry_run_says_what_would_run_and_why_and_writes_nothing(finished, tmp_path):
    given = {"notebooks": notebooks.find(finished / "notebooks")}
    done = plans.plan("default", out=finished / "out", **given)
    before = files(finished / "out")
    demo.run(finished / "notebooks", finished / "out")
    reference = finished / "notebooks/no-reference.json"  # that of `demo.run`
    assert pipeline.foresee(done, reference) == []
    (finished / "out/06_first.html").unlink()
    assert pipeline.foresee(done, reference) == [("page 06_first", "06_first.html is not as it was left")]
    new = plans.plan("default", out=tmp_path / "new", **given)
    assert [name for name, _ in pipeline.foresee(new)] == ["execute 06_first", "execute 09_second"]
    assert not (tmp_path / "new").exists()
    demo.run(finished / "notebooks", finished / "out")
    assert files(finished / "out") == before


def test_two_runs_do_not_share_a_folder(finished):
    with FileLock(finished / "out/.run/lock"), pytest.raises(UserError, match="another run is writing"):
        demo.run(finished / "notebooks", finished / "out")
