"""A batch: the grid as written, mistakes before the start, failures that stop nobody, what moved the answers."""

from __future__ import annotations

import io
import json
import os
import signal
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from lxml import html as parser
from rich.console import Console
from sklearn.metrics import v_measure_score

import demo
from research.errors import UserError
from research.pages import notebooks, pagecheck
from research.runs import batch, comparison
from research.runs.batch import Outcome
from research.runs.grid import expand, plans, read, run_name

MOODY = [
    ("text", "# Which seed?"),
    ("parameters", demo.PARAMETERS + '\nmood: str = "calm"  # a word'),
    ("code", f"{demo.SHOWN}\nfrom research import parameters\nplan = parameters.load(study)"),
    ("code", 'assert plan.seed != 3, "three is a crowd"'),
    (
        "code",
        'best = "tree" if plan.folds > 5 else "rfm"\n'
        'answer(Said("Seed {seed:d} and {folds} folds feel {mood}: {best}.",\n'
        '    {"seed": plan.seed, "folds": plan.folds, "mood": mood, "best": best}))',
    ),
]


def quiet() -> Console:
    return Console(file=io.StringIO())


def grid_file(folder: Path, text: str) -> Path:
    path = folder / "grid.yml"
    path.write_text(text, encoding="utf-8")
    return path


def test_expansion():
    assert expand({"product": {"a": [1, 2], "b": ["x"]}}) == [{"a": 1, "b": "x"}, {"a": 2, "b": "x"}]
    assert expand({"zip": {"a": [1, 2], "b": [3, 4]}}) == [{"a": 1, "b": 3}, {"a": 2, "b": 4}]
    assert expand({"product": {"c": [0, 9]}, "zip": {"a": [1, 2], "b": [3, 4]}, "list": [{"d": 5}]}) == [
        {"c": 0, "a": 1, "b": 3},
        {"c": 0, "a": 2, "b": 4},
        {"c": 9, "a": 1, "b": 3},
        {"c": 9, "a": 2, "b": 4},
        {"d": 5},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prodct: {a: [1]}", r"unknown key 'prodct'; did you mean 'product'\?"),
        ("product: {a: 1}", "product: a: expected a list of values, found 1"),
        ("product: [1]", "product: expected `parameter:"),
        ("zip: {a: [1, 2], b: [1]}", "zip: the lists differ in length: a has 2, b has 1"),
        ("product: {a: [1]}\nzip: {a: [2]}", "in product and in zip: a"),
        ("study: default", "asks for no run"),
        ("list: {a: 1}", "list: expected one"),
        ("list: [{seed: 1}, {seed: 1}]", "more than once: seed-1"),
        ("a: [", "line 1: not readable as YAML"),
        ("- 1", "expected keys"),
    ],
)
def test_mistakes_in_a_grid(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        read(grid_file(tmp_path, text))


def test_missing_grid(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read(tmp_path / "none.yml")


def test_run_names_are_folders_and_keep_apart():
    assert run_name({"seed": 1, "dataset": "credit_data"}) == "seed-1_dataset-credit_data"
    assert run_name({}) == "unchanged"
    names = [run_name({"title": title}) for title in ("a/b", "a b", "..", "x" * 300, "中文")]
    assert len(set(names)) == 5
    assert all("/" not in name and len(name) <= 80 for name in names)


def test_all_mistakes_are_told_before_any_run_starts(tmp_path):
    books = notebooks.find(demo.write(tmp_path / "n", "01_moody", MOODY).parent)
    grid = read(grid_file(tmp_path, "product: {folds: [1, 5], sed: [1]}"))
    with pytest.raises(UserError) as told:
        plans(grid, tmp_path / "out", books)
    assert str(told.value).startswith("2 of 2 runs cannot start, so none did:")
    assert "did you mean 'seed'" in str(told.value)
    assert not (tmp_path / "out").exists()


def test_batch_runs_resumes_and_compares(tmp_path):
    books = notebooks.find(demo.write(tmp_path / "n", "01_moody", MOODY).parent)
    text = "name: moods\nproduct: {seed: [1, 3]}\nzip: {folds: [5, 10], mood: [calm, '<b>']}"
    grid = read(grid_file(tmp_path, text))
    assert grid.varied == ["seed", "folds", "mood"]
    out = tmp_path / "out"
    made = plans(grid, out, books)
    runs = batch.named(grid, made)
    outcomes = batch.run_all(runs, partial(batch.here, jobs=1), quiet())
    assert [outcome.state for outcome in outcomes] == ["ran", "ran", "failed", "failed"]
    assert "AssertionError: three is a crowd" in outcomes[2].message
    page = comparison.write_comparison(grid, made, outcomes, out)

    again = batch.run_all(runs, partial(batch.here, jobs=1), quiet())
    assert [outcome.state for outcome in again] == ["unchanged", "unchanged", "failed", "failed"]

    text = page.read_text(encoding="utf-8")
    assert pagecheck.faults(text) == []
    tree = parser.document_fromstring(text)
    assert "2 did not finish" in tree.xpath("string(//main)")
    assert "Seed 1 and 10 folds feel <b>: tree." in tree.xpath("string(//main)")
    for link in tree.xpath("//main//a/@href"):
        assert (out / link).exists()
    effects = pd.read_csv(out / "effects.csv")
    assert effects.loc[effects["value"] == "01_moody.best", "effect"].max() == 1
    assert set(effects["value"]) == {"01_moody.folds", "01_moody.mood", "01_moody.best"}
    runs = pd.read_csv(out / "runs.csv")
    assert runs["state"].tolist() == ["done", "done", "failed", "failed"]


def test_parameters_that_a_run_leaves_alone_show_the_studys_value(tmp_path):
    books = notebooks.find(demo.write(tmp_path / "n", "01_moody", MOODY).parent)
    grid = read(grid_file(tmp_path, "list: [{seed: 7}, {folds: 5}]"))
    made = plans(grid, tmp_path / "out", books)
    outcomes = [Outcome(run_name(changes), "failed", 0.0, "x") for changes in grid.runs]
    table = comparison.runs_table(grid, made, outcomes)
    assert table["seed"].tolist() == [7, made[1].study.seed]
    assert table["folds"].tolist() == [made[0].study.folds, 5]


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (float("nan"), "–"), (0.05, "0.050"), (True, "yes"), (["a", "b"], "a and b")]
)  # fmt: skip
def test_parameters_and_answers_are_written_as_on_a_page(value, text):
    assert comparison.as_text(value) == text


def test_effects():
    parameters = pd.DataFrame({"a": [1, 1, 2, 2], "b": [1, 2, 1, 2]}, index=list("wxyz"))
    answered = pd.DataFrame(
        {
            "number": [1.0, 3.0, 5.0, 7.0],
            "word": ["rfm", "rfm", "tree", "tree"],
            "constant": [1, 1, 1, 1],
            "list": [[1], [2], [3], [4]],
        },
        index=list("wxyz"),
    )
    table = comparison.effects_of(parameters, answered).set_index(["value", "parameter"])["effect"]
    # Sums of squares by hand: total 20, between levels of a 16, of b 4.
    assert table["number", "a"] == pytest.approx(0.8)
    assert table["number", "b"] == pytest.approx(0.2)
    assert table["word", "a"] == pytest.approx(1)
    assert table["word", "b"] == pytest.approx(0)
    assert {value for value, _ in table.index} == {"number", "word"}


def test_uncertainty_agrees_with_homogeneity():
    # Homogeneity of scikit-learn is 1 − H(words | groups) / H(words), which is Theil's U.
    words = pd.Series(list("aabbbc"))
    groups = pd.Series(list("xxxyyy"))
    from sklearn.metrics import homogeneity_score

    assert comparison.uncertainty(words, groups) == pytest.approx(homogeneity_score(words, groups))
    assert comparison.uncertainty(words, groups) != pytest.approx(v_measure_score(words, groups))


def test_board_tells_rate_and_failures():
    board = batch.Board(4)
    board.began -= 60
    for state in ("ran", "unchanged", "failed"):
        board.add(Outcome(f"run-{state}", state, 1.0, "why" if state == "failed" else ""))
    assert board.pace().startswith("2.0 a minute, 0:3")
    assert board.line(Outcome("x", "failed", 1.25, "why")) == "[3/4] x failed (1.2 s): why"
    shown = io.StringIO()
    Console(file=shown, width=100).print(board.show())
    assert "1 ran, 1 unchanged, 1 failed" in shown.getvalue()
    assert "run-failed: why" in shown.getvalue()


def test_a_run_that_cannot_be_made_is_told_not_raised(tmp_path, monkeypatch):
    def broken(*_args, **_options):
        raise OSError("disk full")

    monkeypatch.setattr("research.runs.pipeline.run", broken)
    outcome = batch.execute(None, "x")
    assert (outcome.state, outcome.message) == ("failed", "OSError: disk full")


class Deadly:
    """A plan that kills the process that carries it out."""

    def kill(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    study = out = chosen = property(kill)


def test_runs_in_other_processes_come_back_in_order_and_one_that_kills_its_process_fails_alone():
    runs = {"a": None, "b": Deadly(), "c": None, "d": None}
    outcomes = batch.run_all(runs, partial(batch.here, jobs=2), quiet())
    assert [outcome.name for outcome in outcomes] == list(runs)
    told = [outcome.message.partition(":")[0] for outcome in outcomes]
    assert told == ["AttributeError", batch.DIED, "AttributeError", "AttributeError"]


def test_shipped_grid_is_valid():
    from research.paths import STUDIES

    for path in sorted((STUDIES / "batches").glob("*.yml")):
        grid = read(path)
        assert plans(grid, Path("nowhere"), notebooks.find()), json.dumps(grid.runs)
