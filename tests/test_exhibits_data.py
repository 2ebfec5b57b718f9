"""Pages 01 and 02: a sentence per result, one total of what is asked for, what measures a standard best."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.collect import classification as standards
from research.collect import datasets
from research.collect.constructs import names
from research.exhibits import classification, data
from research.exhibits.style import theme
from research.exhibits.words import Words
from research.parameters import load
from research.study import contents as steps

FACTS = {
    "title": "Book", "dataset": "book", "rows": 1000, "known": 1000, "bad": 18, "outcome": "late at the snapshot",
    "outcome_name": "early delinquency", "outcome_word": "delinquent customers", "rate_word": "early delinquency rate",
    "outcome_rate": 0.018, "censoring": "one month ahead only.", "currency": "US dollar",
}  # fmt: skip
NO_OUTCOME = FACTS | {"known": 0, "bad": 0}


def measured(dataset: str = "book") -> pd.DataFrame:
    return pd.DataFrame({"criterion": ["C1", "C5"], "dataset": dataset, "direct": [6, 1], "proxy": [2, 0],
                         "absent": [8, 8], "total": [16, 9]})  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (FACTS, "Book: 18 delinquent customers among 1,000 with a known outcome."),
        (FACTS | {"bad": None}, "Book: withheld delinquent customers among 1,000 with a known outcome."),
        (NO_OUTCOME, "Book: the outcome of no customer is known."),
    ],
)
def test_the_answer_has_the_books_own_word_and_names_what_is_known_least(facts: dict, text: str) -> None:
    first, second = data.answer(facts, measured())
    assert str(first) == text
    assert str(second) == (
        "Of 25 things that the criteria for tiering ask for, 9 are measured, directly or through a proxy; least is "
        "known of behaviour."
    )


STATUS = pd.DataFrame(
    {"status": ["Current", "Grace", "Late", "Charged off"], "n": [982, 10, 6, 2], "share": [0.982, 0.01, 0.006, 0.002],
     "early delinquency": [0.0, 1, 1, 1], "more than 30 days late": [0.0, 0, 1, np.nan]}
)  # fmt: skip


def test_the_statuses_behind_the_outcome_are_counted_under_each_reading() -> None:
    said = [str(sentence) for sentence in data.outcome(FACTS, STATUS)]
    assert said == [
        "The outcome of all 1,000 customers is known; there are 18 delinquent customers. What counts: late at the "
        "snapshot.",
        "If only *more than 30 days late* counted, it would be 6 of 998 (0.60%).",
    ]
    assert str(data.outcome(FACTS | {"known": 998}, STATUS)[0]) == (
        "The data have 1,000 customers, 998 of them with a known outcome, and 18 delinquent customers. What counts: "
        "late at the snapshot."
    )
    made = data.statuses(STATUS, FACTS)[0]
    assert str(made.caption) == (
        "Counted as early delinquency: 18 customers, with 3 of 4 statuses; most often “Grace” (10)."
    )
    assert made.frame["more than 30 days late"].tolist() == [
        "not counted", "not counted", "counted", "left out",
    ]  # fmt: skip
    plain = data.statuses(STATUS[["status", "n", "share"]], FACTS)[0]
    assert str(plain.caption) == "Customers by the status recorded of their loans: 4 statuses."
    assert data.statuses(STATUS.head(0), FACTS) == []
    assert [str(one) for one in data.outcome(NO_OUTCOME, STATUS)] == [
        "Of 1,000 customers none has a known outcome: pages that need one stop."
    ]


def numbers(*constructs: str) -> pd.DataFrame:
    values = {"n": 1000, "distinct": 50, "q05": 2e3, "q25": 8e3, "median": 14500.0, "q75": 24e3, "q95": 36e3}
    rows = [{"construct": name, "label": name, "unit": "currency", **values} for name in constructs]
    return pd.DataFrame(rows, columns=["construct", "label", "unit", *values])


@pytest.mark.parametrize(
    ("constructs", "text"),
    [
        (("income", "loan_amount"), "Half of the customers borrow between 8,000 and 24,000 (US dollar)."),
        (("income",), "The middle of the customers, measure by measure."),
    ],
)
@pytest.mark.parametrize("width", [7.6, 3.6])
def test_who_the_customers_are(constructs: tuple[str, ...], text: str, width: float) -> None:
    (made,) = data.who(numbers(*constructs), FACTS)
    assert str(made.caption) == text
    with theme():
        figure = data.who_drawn(made.frame, Words(width=width))
    shown = [text.get_text() for axes in figure.axes for text in axes.get_xticklabels()]
    assert "10,000" in shown  # never "10k", nor "200m", which reads as milli
    assert data.who(numbers(), FACTS) == []


def test_each_data_set_counts_against_one_total() -> None:
    counts = steps.criteria_measured(load("quick"))
    totals = counts.groupby("dataset")["total"].sum()
    assert set(totals) == {len(names(role="predictor"))}
    assert (counts[["direct", "proxy", "absent"]].sum(axis=1) == counts["total"]).all()
    own = datasets.describe(["credit_data"]).iloc[0]
    assert own[["direct", "proxy", "absent"]].sum() == totals["credit_data"]
    assert counts["dataset"].iloc[0] == "credit_data"
    assert "simulated" not in totals
    counts = counts.assign(lender=counts["dataset"].map(datasets.lender))
    made = data.coverage(counts, FACTS | {"dataset": "credit_data"})
    assert str(made.caption) == (
        "Here 7 of 52 things asked for are measured directly, 8 through a proxy, and 37 not at all."
    )
    with theme():
        axes = data.coverage_drawn(made.frame, Words(width=3.6)).axes[0]
    assert len(axes.get_yticklabels()) == 7
    told = [label.get_text() for label in axes.get_xticklabels()]
    assert told[0] == "Spanish lender"
    assert {"LendingClub 2016", "LendingClub 2018"} <= set(told)


def test_a_rule_names_what_it_compares_in_words() -> None:
    rules = pd.Series(["months_since_delinquency at most months_since_serious_delinquency"])
    labels = {"months_since_delinquency": "Months since last delinquency",
              "months_since_serious_delinquency": "Months since 90 days late"}  # fmt: skip
    rules.loc[1] = "rate_over_benchmark > 0.0005"  # without a label
    assert data.in_words(rules, labels).tolist() == [
        "Months since last delinquency at most months since 90 days late",
        "Rate over benchmark > 0.0005",
    ]


def test_the_statuses_of_the_default_book_add_up() -> None:
    found = steps.statuses(load("default"))
    late = found[found["more than 30 days late"] == 1]
    assert found["status"].tolist()[:3] == ["Current", "Fully Paid", "In Grace Period"]
    assert (found.loc[found["early delinquency"] == 1, "n"].sum(), late["n"].sum()) == (178, 73)


def classes(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    made = pd.DataFrame(rows, columns=["standard", "class", "n", "bad"])
    made = made.assign(
        name=made["standard"].map({"K1": "Purpose", "K2": "Term", "K7": "Industry"}), known=made["n"]
    )
    rate = made["bad"] / made["known"]
    return made.assign(
        share=made["n"] / 1000, amount_share=0.5, outcome_rate=rate, ci_low=rate / 2, ci_high=rate * 2
    )


BOOK = classes(
    ("K1", "car", 600, 6), ("K1", "home", 400, 12), ("K2", "medium", 1000, 18), ("K2", "long", 0, 0)
)
WHOLE = pd.DataFrame(
    {"standard": ["K1", "K2", "K7"], "name": ["Purpose", "Term", "Industry"],
     "reason": ["", "", "not measured: no industry"]}
)  # fmt: skip


def found_for(result: str) -> pd.DataFrame:
    p = np.nan if result == "withheld" else 0.004 if result == "differs" else 0.4
    return pd.DataFrame({"standard": ["K1"], "name": ["Purpose"], "effect": [0.02], "p_holm": [p], "result": [result],
                         "smallest_expected": [3.0]})  # fmt: skip


@pytest.mark.parametrize(
    ("result", "answer", "caption"),
    [
        ("differs", "The early delinquency rate is shown to differ between the classes of purpose.",
         "The early delinquency rate differs most by purpose: 1.0% in class car, 3.0% in class home (p = 0.004)."),
        ("open", "No standard is shown to part customers by their early delinquency rate.",
         "No standard is shown to part customers by their early delinquency rate; all customers: 1.8%."),
        ("withheld", "No standard is shown to part customers by their early delinquency rate.",
         "The early delinquency rate by class; classes of few customers are withheld."),
    ],
)  # fmt: skip
def test_the_test_picks_the_sentence(result: str, answer: str, caption: str) -> None:
    table = classification.uses(BOOK, found_for(result), WHOLE)
    assert [str(said) for said in classification.answer(table, FACTS)] == [
        "Of 3 usual standards, those that cut these loans: purpose; that put all customers in one class: 1; not "
        "measured: 1.",
        answer,
    ]
    assert str(classification.rates(BOOK, found_for(result), FACTS)[0].caption) == caption
    assert table["state"].tolist() == ["cuts", "whole", "absent"]
    assert classification.standards(table).frame["here"].tolist() == [
        "cuts the book", "puts all in one class", "not measured: no industry",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("effect", "text"),
    [(0.13, "the early delinquency rate differs by what counts as a small effect, or more, between the classes of "
            "purpose."),
     (0.02, "between the classes of no standard does the early delinquency rate differ by what counts as a small "
            "effect.")],
)  # fmt: skip
def test_of_a_large_book_a_difference_is_named_by_its_size(effect: float, text: str) -> None:
    table = classification.uses(BOOK, found_for("differs").assign(effect=effect), WHOLE)
    said = classification.answer(table, FACTS | {"sample": {"n": 1, "rows": 2, "seed": "3"}})[1]
    assert str(said) == f"Among so many customers the least difference shows; {text}"


@pytest.mark.parametrize(("dataset", "graded"), [("lendingclub2018", True), ("book", False)])
def test_only_of_its_own_loans_the_lender_of_the_grade_is_named(dataset: str, graded: bool) -> None:
    said = " ".join(map(str, data.limits(FACTS | {"dataset": dataset})))
    assert ("LendingClub" in said) is graded


def test_a_class_of_very_few_is_not_named_as_the_highest() -> None:
    book = pd.concat([BOOK, classes(("K1", "boat", 4, 4), ("K1", "not recorded", 50, 40))], ignore_index=True)
    said = str(classification.rates(book, found_for("differs"), FACTS)[0].caption)
    assert said.endswith("1.0% in class car, 3.0% in class home (p = 0.004).")


def test_all_standards_may_cut_the_book() -> None:
    table = classification.uses(BOOK, found_for("open"), WHOLE.head(1))
    assert (
        str(classification.answer(table, FACTS)[0]) == "All 1 usual standards cut these loans into classes."
    )


def test_a_standard_with_a_class_withheld_names_no_largest_class() -> None:
    hidden = BOOK.assign(n=BOOK["n"].where(BOOK["class"] != "home"))
    table = classification.uses(hidden, found_for("withheld"), WHOLE).set_index("standard")
    assert table.loc["K1", "state"] == "withheld"
    assert table.loc["K1", ["classes", "largest", "share"]].isna().all()


def test_a_book_that_no_standard_cuts_says_so() -> None:
    table = classification.uses(BOOK[BOOK["standard"] == "K2"], found_for("open").head(0), WHOLE)
    assert str(classification.answer(table, FACTS)[0]) == (
        "Of 3 usual standards, none is seen to cut these loans into classes."
    )
    assert classification.rates(BOOK, found_for("open").head(0), FACTS) == []


def measures(dataset: str, real: bool, alternative: int, *counts: int) -> pd.DataFrame:
    rows = classes(*[("K1", f"class {place}", n, 1) for place, n in enumerate(counts)])
    return rows.assign(
        dataset=dataset, title=dataset, real=real, alternative=alternative, measured=True, measure="rate"
    )


@pytest.mark.parametrize(
    ("sets", "first", "effective"),
    [
        ([("even", True, 1, 50, 50), ("uneven", True, 1, 90, 10)], "even", 2.0),
        ([("even", True, 4, 50, 50), ("graded", True, 1, 90, 10)], "graded", 1 / 0.82),
        ([("simulated", False, 1, 50, 50), ("uneven", True, 1, 90, 10)], "uneven", 1 / 0.82),
        ([("simulated", False, 1, 50, 50), ("whole", True, 1, 100, 0)], "simulated", 2.0),
        ([("whole", True, 1, 100, 0)], "", np.nan),
    ],
)
def test_the_data_set_that_measures_a_standard_best(sets: list, first: str, effective: float) -> None:
    found = standards.best(pd.concat([measures(*given) for given in sets], ignore_index=True))
    assert found["dataset"].unique().tolist() == ([first] if first else [])
    assert found["effective"].tolist() == pytest.approx([effective] * len(found))


@pytest.mark.parametrize("width", [7.6, 3.6])
def test_other_lenders_and_the_simulated_bank_stand_apart(width: float) -> None:
    bank = measures("bank", False, 1, 5, 20, 75).assign(standard="K7", name="Industry")
    chosen = standards.best(pd.concat([measures("lender", True, 1, 80, 20), bank]))
    made = classification.best(chosen, WHOLE, "recorded")
    assert str(made.caption) == (
        "1 of 3 standards cut the loans of some real lender; 2 cut none of those compared here."
    )
    assert made.frame["title"].tolist() == ["lender", "none of those compared", "bank"]
    here = classification.uses(BOOK[BOOK["standard"] == "K2"], found_for("open").head(0), WHOLE)
    (real,) = classification.elsewhere("elsewhere_rates", classification.uncut(chosen, here), "recorded")
    (shown,) = classification.elsewhere("invented", classification.of(chosen, real=False), "demonstration")
    assert real.frame["standard"].unique().tolist() == ["K1"]
    assert (real.origin, shown.origin) == ("recorded", "demonstration")
    assert str(shown.caption) == "How industry would cut a book: invented customers of the simulated bank."
    with theme():
        figure = classification.classes_drawn(shown.frame, Words(width=width))
    shown = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert shown == ["class 1", "class 2"]  # five customers are no class in use


def test_a_p_that_rests_on_few_is_called_rough() -> None:
    said = [str(limit) for limit in classification.limits(found_for("open"), 5)]
    assert (
        said[-1]
        == "For purpose, a class is expected to hold fewer than 5 customers with the outcome: its p is rough."
    )
    assert len(classification.limits(found_for("open").assign(smallest_expected=8.0), 5)) == len(said) - 1
