"""What the check of a loan book promises, a run keeps; and an outcome may be any that is 0 or 1."""

from __future__ import annotations

import ast
import inspect
import random
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from lxml import html
from typer.testing import CliRunner

import demo
import small_books
from research.collect import datasets
from research.collect.crosswalk import COLUMNS
from research.collect.outcome import Outcome
from research.commands.datasets import app
from research.errors import UserError
from research.pages import notebooks
from research.parameters import load
from research.paths import NOTEBOOKS
from research.runs import pipeline
from research.runs import plan as plans
from research.study import contents as steps
from research.study.testable import needs

CHURN = {"churned": {"outcome_name": "churn", "outcome_word": "churned customers"}}
FEW = [
    "credit_score", "income", "loan_amount", "interest_rate", "recency_months", "frequency_count", "monetary_amount",
    "loan_purpose", "need_intensity", "age", "days_past_due",
]  # fmt: skip
MODELS = {"04_models"}
OWN_WORDS = ("03_drivers", "04_models", "05_comparison", "11_synthesis")  # pages that speak of any outcome
STOP = {row.notebook for row in needs().itertuples() if row.outcome and not row.instead}


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory) -> Iterator[None]:
    """One cache for all, so that what does not depend on the book is computed once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESEARCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def place(tmp_path) -> Path:
    return tmp_path


def book(rows: int = 300, *, outcome: str = "default", columns: list[str] = FEW) -> pd.DataFrame:
    """A loan book of few columns in which about every fifth customer is bad."""
    table = small_books.customers(rows)
    made = table[[name for name in table.columns if name in columns]].copy()
    if outcome == "churned":
        return made.assign(churned=table["churned"])
    bad = (pd.Series(range(rows), index=table.index) * 7919) % 5 == 0
    return made.assign(default=bad.astype(float)) if outcome else made


def answered(study: object) -> set[str]:
    found = steps.answers(study)
    return set(found.loc[found["answer"] == "yes", "notebook"])


def test_every_notebook_says_what_it_needs_and_those_that_may_stop_ask() -> None:
    assert set(needs()["notebook"]) == {path.stem for path in NOTEBOOKS.glob("*.ipynb")}
    for stem in STOP:
        cells = nbformat.read(NOTEBOOKS / f"{stem}.ipynb", as_version=4).cells
        code = "\n".join(cell.source for cell in cells)
        asked = code.index(f'answerable(plan, "{stem}")')
        first = min(code.find(f"{name}(plan") for name in steps.__all__ if f"{name}(plan" in code)
        assert asked < first, "it asks before it calls a step"


def frames() -> dict[str, tuple[pd.DataFrame, dict, set[str]]]:
    """Case → table, names in the crosswalk, notebooks that stop."""
    full = book()
    constant = full.assign(**{name: 1.0 for name in FEW if full[name].dtype == float})
    missing = full.assign(**dict.fromkeys(FEW))
    one = full.assign(default=0.0)
    return {
        "whole": (full, {}, set()),
        "churn, unnamed": (book(outcome="churned"), {}, STOP),
        "churn, named": (book(outcome="churned"), CHURN, {"06_strategies", "08_trial"}),
        "no outcome": (book(outcome=""), {}, STOP),
        "F and M without R": (full.drop(columns="recency_months"), {}, set()),
        "no RFM": (full.drop(columns=["recency_months", "frequency_count", "monetary_amount"]), {}, set()),
        "no amounts": (full.drop(columns=["loan_amount", "income"]), {}, set()),
        "one class": (one, {}, STOP),
        "five rows": (full.head(5), {}, STOP),
        "constant columns": (
            constant.drop(columns="loan_purpose"), {}, STOP - {"02_classification"},
        ),
        "all missing": (missing, {}, STOP),
        "nine bad": (full.assign(default=[1.0] * 9 + [0.0] * 291), {}, STOP),
    }  # fmt: skip


@pytest.mark.parametrize("case", list(frames()))
def test_the_notebooks_that_stop_are_those_that_cannot_answer(place, case) -> None:
    table, named, stopped = frames()[case]
    study = small_books.written(table, place / "book", named)
    assert {stem for stem in STOP if steps.why_not(study, stem)} == stopped
    for stem in (answered(study) & MODELS) | {"01_data"}:
        small_books.call(study, stem)
    if case in ("no outcome", "churn, unnamed"):
        assert steps.weight_shift(study, "abc")["reason"] and steps.practitioner_agreement(study)["reason"]


@pytest.mark.parametrize("seed", [0, 2, 3, 5])
def test_what_can_be_answered_of_any_few_constructs_is_answered(place, seed) -> None:
    """Random subsets of constructs, some constant, some missing; the slow steps are left to the whole runs below."""
    chance = random.Random(seed)
    known = [name for name in small_books.customers(300).columns if name not in ("default", "churned")]
    outcome = chance.choice(["default", "default", "churned"])
    table = book(outcome=outcome, columns=chance.sample(known, chance.choice([1, 2, 4, 8])))
    for name in table.columns.difference([outcome]):
        change = chance.random()
        if change < 0.15:
            table[name] = table[name].dropna().iloc[0]
        elif change < 0.3:
            table[name] = None
        elif change < 0.4:
            table[name] = table[name].where(pd.Series(range(300), index=table.index) % 10 == 0)
    study = small_books.written(table, place / "book", CHURN if outcome == "churned" else None)
    slow = {"05_comparison", "06_strategies", "08_trial", "09_survey", "10_interviews", "11_synthesis"}
    for stem in answered(study) - slow:
        small_books.call(study, stem)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["churn, unnamed", "churn, named", "F and M without R"])
def test_whole_runs_of_books_that_measure_little(place, case) -> None:
    table, named, stopped = frames()[case]
    study = small_books.written(table, place / "book", named)
    changes = {
        **small_books.FAST,
        "dataset": study.dataset,
        "compare_datasets": [study.dataset, "credit_data"],
    }
    result = pipeline.run(plans.plan("quick", changes=changes, out=place / "out"), quiet=True)
    assert result.exit_code == 0, [line.message for line in result.failed] + result.faults
    if named:
        for stem in OWN_WORDS:
            other_names_of_the_outcome_are_absent(place / "out", stem)
    for stem in STOP:
        assert notebooks.stopped(place / "out" / "executed" / f"{stem}.ipynb") == (stem in stopped)
        if stem in stopped:
            assert "Not testable here" in (place / "out" / f"{stem}.html").read_text(encoding="utf-8")


def test_a_notebook_that_stops_is_a_page_and_no_failure(place) -> None:
    cells = [
        ("text", "# Can it be told?"),
        ("parameters", demo.PARAMETERS),
        ("code", f"from research.errors import NotTestable\n{demo.SHOWN}"),
        ("code", 'answer(Said("Not testable here: {why}.", {"why": "no amounts"}))\nraise NotTestable("no amounts")'),
        ("text", "## The rest"),
        ("code", "1 / 0"),
    ]  # fmt: skip
    demo.write(place / "books", "01_stops", cells)
    result = demo.run(place / "books", place / "out")
    assert result.exit_code == 0
    page = (place / "out" / "01_stops.html").read_text(encoding="utf-8")
    assert 'id="answer"' in page and 'data-name="why">no amounts<' in page
    assert "The rest" not in page and "Traceback" not in page
    assert notebooks.stopped(place / "out" / "executed" / "01_stops.ipynb")


def test_the_check_says_what_the_run_does(place) -> None:
    for outcome, told in (("default", "yes"), ("churned", "the data have no outcome")):
        study = small_books.written(book(outcome=outcome), place / outcome)
        walk = Path(study.dataset).with_name("book_crosswalk.csv")
        done = CliRunner().invoke(app, ["check", study.dataset, "--crosswalk", str(walk)])
        assert done.exit_code == 0, done.output
        words = " ".join(done.output.split())
        assert "05_comparison" in words and told.split()[0] in words
        ten = load("default", changes={"dataset": study.dataset, "crosswalk": str(walk)})
        assert set(steps.answers(ten)["answer"]) >= {"yes"}


def test_a_compared_book_that_cannot_be_compared_is_refused(place) -> None:
    study = small_books.written(book(outcome="churned"), place / "book")
    with pytest.raises(UserError, match="cannot be compared: the data have no outcome"):
        plans.plan("quick", changes={"compare_datasets": [study.dataset]}, out=place / "out")


# --- the outcome in its own words -------------------------------------------------------------------------------------


def test_every_known_data_set_names_its_outcome() -> None:
    named = {name: datasets.outcome(name) for name in datasets.names()}
    assert named["lendingclub2018"].name == "early delinquency"
    assert all(outcome.word and outcome.kind == "credit" for outcome in named.values())
    assert {name for name, outcome in named.items() if outcome.gives_pd} == {"taiwan", "gmsc", "simulated"}
    assert steps.about(load("quick"))["rate_word"] == "bad credit rate"


def test_a_named_outcome_takes_the_place_of_default_and_gives_its_word_to_the_pages(place) -> None:
    table = book(outcome="churned")
    study = small_books.written(table, place / "book", CHURN)
    customers, facts = steps.customers(study), steps.about(study)
    assert (customers["default"].to_numpy() == table["churned"].to_numpy()).all()
    assert facts["outcome_name"] == "churn" and facts["outcome_word"] == "churned customers"
    assert facts["rate_word"] == "churn rate" and facts["horizon_months"] is None
    assert "not default" in facts["no_default_rate"]
    assert "churned" not in steps.model(study, "tree").inputs_


def other_names_of_the_outcome_are_absent(out: Path, stem: str) -> None:
    """Assert that a page shows, and draws, no text that calls an outcome bad or default."""
    page = html.document_fromstring((out / f"{stem}.html").read_text(encoding="utf-8"))
    for part in page.xpath("//script | //noscript | //style | //pre | //*[contains(@class, 'provenance')]"):
        part.drop_tree()
    text = page.text_content()
    assert "churn" in text
    assert not re.findall(r".{40}\b(?:bads?|defaults?|defaulted)\b.{40}", text, flags=re.IGNORECASE)


def test_a_page_calls_the_outcome_by_its_own_word_alone(place) -> None:
    """The other pages of `OWN_WORDS` are read in the whole runs below; this one has most of the sentences."""
    study = small_books.written(book(outcome="churned"), place / "book", CHURN)
    changes = {**small_books.FAST, "dataset": study.dataset, "compare_datasets": [study.dataset]}
    done = pipeline.run(
        plans.plan("quick", changes=changes, only=["04_models"], out=place / "out"), quiet=True
    )
    assert done.exit_code == 0
    other_names_of_the_outcome_are_absent(place / "out", "04_models")


@pytest.mark.parametrize("page", ["drivers", "models", "comparison", "synthesis", "style"])
def test_no_template_of_these_pages_names_an_outcome(page) -> None:
    source = inspect.getsource(import_module(f"research.exhibits.{page}"))
    marked = [
        node.args[0].value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "N_"
    ]
    assert marked and not [
        text
        for text in marked
        if re.search(r"(?<!{)\b(bad|default|delinquency|churn)\b", text, re.IGNORECASE)
    ]


def test_what_needs_a_default_rate_is_not_testable_with_another_outcome(place) -> None:
    study = small_books.written(book(outcome="churned"), place / "book", CHURN)
    assert "not default" in steps.why_not(study, "06_strategies")
    assert "not default" in steps.loan_quality(study, "tree")["reason"]
    measures = set(steps.measured(study)["criteria"]["measure"])
    assert "auc" in measures and not measures & {"emp", "tier_emp"}


def test_without_amounts_actions_are_counted_in_hours_and_outcomes(place) -> None:
    study = small_books.written(book().drop(columns=["loan_amount"]), place / "book")
    made = steps.policy(study, "tree")
    assert made["basis"]["reading"] == "count" and made["basis"]["measure"] == "hours for one"
    assert made["comparison"]["measure"].tolist() == ["outcomes", "officer hours", "hours for one"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"outcome_kind": "creditt", "outcome_name": "x"}, "outcome_kind is 'creditt'; did you mean 'credit'"),
        ({"outcome_name": "x", "horizon_months": "a year"}, "horizon_months is 'a year', expected whole months"),
        ({"outcome_word": "leavers"}, "outcome_name is empty"),
        ({"outcome_name": "x", "construct": "income"}, "'income' names the outcome; expected one of: churned, default"),
        ({"outcome_name": "x", "fit": "absent", "reason": "none"}, "names the outcome and is absent"),
    ],
)  # fmt: skip
def test_mistakes_in_the_name_of_an_outcome_name_the_row(place, row, message) -> None:
    given = {"construct": "churned", "source": "left", "transform": "identity", "fit": "direct", **row}
    columns = list(dict.fromkeys([*COLUMNS, *row]))
    (pd.DataFrame([given]).reindex(columns=columns, fill_value="")).to_csv(place / "walk.csv", index=False)
    with pytest.raises(UserError, match=message) as told:
        datasets.outcome("book.csv", place / "walk.csv")
    assert "walk.csv, row 2" in str(told.value)


def test_a_default_with_a_horizon_gives_a_pd_and_no_other_outcome_does(place) -> None:
    def named(**row: str) -> Outcome:
        columns = [*COLUMNS, "outcome_name", "outcome_kind", "horizon_months"]
        given = {"construct": "default", "source": "bad", "transform": "identity", "fit": "direct", **row}
        pd.DataFrame([given]).reindex(columns=columns, fill_value="").to_csv(place / "walk.csv", index=False)
        return datasets.outcome("book.csv", place / "walk.csv")

    assert named() == Outcome()
    assert named(outcome_name="default", horizon_months="12").gives_pd
    assert named(outcome_name="60 days late", outcome_kind="credit", horizon_months="12").gives_pd
    assert not named(outcome_name="60 days late", outcome_kind="credit").gives_pd
    assert not named(outcome_name="purchase", horizon_months="12").gives_pd


def test_a_page_that_nothing_is_said_of_is_told_what_it_lacks() -> None:
    with pytest.raises(UserError, match=r"notebook_needs\.csv: no line for '12_accuracy'"):
        steps.why_not(load("quick"), "12_accuracy")
