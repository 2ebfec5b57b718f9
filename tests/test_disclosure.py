"""Small counts are not published: not as such, not by subtraction, not in any file of a run."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from lxml import html as parser
from matplotlib.figure import Figure
from scipy.optimize import LinearConstraint, milp

from loan_book_example import rare_loan_book
from research.paths import EXAMPLES
from research.report import disclosure, exhibit, notebooks, pipeline, published, values
from research.report import plan as plans
from research.report.payload import MIME, WITHHELD
from research.report.suppression import PERSONS, Counts, suppress

SMALLEST = 5


@pytest.fixture(autouse=True)
def page(monkeypatch):
    """Every test has a page of its own with the usual threshold."""
    monkeypatch.setattr(disclosure, "PAGE", disclosure.Page(SMALLEST))
    return disclosure.PAGE


# An independent attacker: whole numbers by integer programming, from the sums alone.
def largest(hidden: np.ndarray, groups: list[list[int]], truth: np.ndarray, cell: int) -> float:
    """Return the largest whole number that a hidden cell can hold, given all others and the sums of the groups."""
    matrix = np.array(
        [[float(row in group and hidden[row]) for row in range(len(truth))] for group in groups]
    )
    right = np.array([truth[[row for row in group if hidden[row]]].sum() for group in groups])
    goal = np.zeros(len(truth))
    goal[cell] = -1
    solved = milp(goal, constraints=LinearConstraint(matrix, right, right), integrality=np.ones(len(truth)))
    return -solved.fun if solved.status == 0 else np.inf


def determined(hidden: np.ndarray, groups: list[list[int]], cell: int) -> bool:
    """Return whether linear algebra alone gives a hidden cell: its unit vector lies in the span of the equations."""
    unknown = np.flatnonzero(hidden)
    matrix = np.array([[float(row in group) for row in unknown] for group in groups])
    unit = (unknown == cell).astype(float)
    return np.linalg.matrix_rank(np.vstack([matrix, unit])) == np.linalg.matrix_rank(matrix)


def two_way(rows: int, columns: int) -> list[list[int]]:
    cells = np.arange(rows * columns).reshape(rows, columns)
    return [*cells.tolist(), *cells.T.tolist()]


def test_one_small_cell_takes_the_smallest_other_along() -> None:
    # 390 + 7 + 3 = 400: with 3 alone left out, 400 − 390 − 7 gives it; with 7 the two are known to be 10 together.
    counts = Counts({PERSONS: np.array([390.0, 7, 3])}, sums=[[0, 1, 2]])
    assert suppress(counts, SMALLEST) == {(1, PERSONS), (2, PERSONS)}


def test_two_small_cells_that_add_up_to_little_need_a_third() -> None:
    # 1 + 1 = 2 leaves no doubt about either
    counts = Counts({PERSONS: np.array([200.0, 1, 1, 9])}, sums=[[0, 1, 2, 3]])
    assert suppress(counts, SMALLEST) == {(1, PERSONS), (2, PERSONS), (3, PERSONS)}


def test_nothing_is_left_out_of_a_table_without_small_counts() -> None:
    counts = Counts({PERSONS: np.array([5.0, 0, 9])}, sums=[[0, 1, 2]])
    assert suppress(counts, SMALLEST) == set()


@pytest.mark.parametrize("seed", range(25))
def test_no_small_cell_of_a_two_way_table_can_be_computed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(2, 6, 2)
    truth = rng.choice([0, 1, 2, 3, 4, 6, 9, 15, 40, 200], rows * columns).astype(float)
    groups = two_way(rows, columns)
    out = suppress(Counts({PERSONS: truth}, sums=groups), SMALLEST)
    hidden = np.array([(row, PERSONS) in out for row in range(len(truth))])
    for cell in np.flatnonzero((truth > 0) & (truth < SMALLEST)):
        assert hidden[cell]
        totals = [truth[group].sum() for group in groups if cell in group]
        if min(totals) >= SMALLEST:  # else the total itself is small
            assert not determined(hidden, groups, cell)
        if hidden.mean() < 1 and min(totals) >= 4 * SMALLEST:
            assert largest(hidden, groups, truth, cell) >= SMALLEST


def test_complement_is_no_more_than_needed() -> None:
    # The block of the two small cells closes in itself: two rows by two columns are enough.
    truth = np.array([3.0, 20, 30, 12, 9, 40, 25, 60, 80])
    out = suppress(Counts({PERSONS: truth}, sums=two_way(3, 3)), SMALLEST)
    assert len(out) == 4
    assert (0, PERSONS) in out


def test_bad_outcomes_take_the_rate_along_and_leave_the_size() -> None:
    frame = pd.DataFrame(
        {"tier": ["premium", "low", "medium", "high"], "n": [40, 200, 120, 40], "known": [40, 200, 120, 40],
         "bad": [1.0, 6, 5, 17], "share": [0.1, 0.5, 0.3, 0.1]}
    )  # fmt: skip
    frame["rate"] = frame["bad"] / frame["known"]
    frame["ci_low"] = frame["rate"] / 2
    safe = disclosure.protected(frame)
    assert safe["n"].tolist() == [40, 200, 120, 40]
    assert safe["share"].notna().all()
    for column in ("bad", "rate", "ci_low"):
        assert safe[column].isna().tolist() == [True, False, True, False]
    assert safe.attrs[WITHHELD] == {column: [0, 2] for column in ("bad", "rate", "ci_low")}


def test_few_good_outcomes_are_as_telling_as_few_bad_ones() -> None:
    frame = pd.DataFrame({"n": [50, 60, 70], "known": [50, 60, 70], "bad": [48, 20, 30]})
    assert disclosure.protected(frame)["bad"].isna().tolist() == [True, True, False]


def test_a_rate_with_its_size_is_a_count() -> None:
    frame = pd.DataFrame({"class": list("abc"), "n": [100, 100, 200], "outcome_rate": [0.03, 0.07, 0.2]})
    safe = disclosure.protected(frame)
    assert safe["outcome_rate"].isna().tolist() == [True, True, False]


def test_few_persons_take_their_whole_row_along_but_not_what_names_it() -> None:
    frame = pd.DataFrame(
        {"r_score": [1, 2, 3], "n": [2, 8, 90], "rate": [0.5, 0.25, 0.2], "amount": [10.0, 40.0, 900.0]}
    )
    safe = disclosure.protected(frame)
    assert safe["r_score"].tolist() == [1, 2, 3]
    assert safe[["n", "rate", "amount"]].isna().all(axis=1).tolist() == [True, True, False]


def test_all_but_a_few_is_left_out_too() -> None:
    frame = pd.DataFrame({"construct": ["income", "age"], "n": [397, 400], "mean": [5.0, 6.0]})
    safe = disclosure.protected(frame, within=None, of=400)
    assert safe["n"].isna().tolist() == [True, False]
    assert safe["mean"].tolist() == [5.0, 6.0]


def test_tables_that_share_cells_are_protected_together() -> None:
    # The own rule's tier "low" (bad 6) is rules 2 and 3. Were both shown, its sum would give premium away: 25 − 6 − 16.
    rules = pd.DataFrame(
        {"tier": ["premium", "low", "low", "high"], "n": [80, 90, 100, 130], "known": [80, 90, 100, 130],
         "bads": [3.0, 6, 7, 16]}
    )  # fmt: skip
    rates = pd.DataFrame(
        {"panel": published.OWN_RULE, "tier": ["premium", "low", "high"], "n": [80, 190, 130],
         "known": [80, 190, 130], "bad": [3.0, 13, 16]}
    )  # fmt: skip
    safe_rates, safe_rules = published.tiers_and_rules(rates, rules)
    assert safe_rates["bad"].isna().tolist() == [True, True, False]
    low = safe_rules[safe_rules["tier"] == "low"]["bads"]
    assert low.isna().any()


def test_of_goes_by_row_and_for_every_column_of_persons() -> None:
    frame = pd.DataFrame({"tier": ["premium", "low"], "n": [98, 190], "checked": [99, 199]})
    safe = disclosure.protected(frame, within=None, of=pd.Series([100, 200]))
    assert safe["n"].isna().tolist() == [True, False]
    assert safe["checked"].isna().tolist() == [True, True]
    yes_or_no = pd.DataFrame(
        {"n": [50, 60], "checked": [True, False]}
    )  # whether a check was made counts nobody
    assert disclosure.protected(yes_or_no, of=110)["checked"].tolist() == [True, False]


def test_contradictions_are_cells_of_the_crosswalk() -> None:
    # Two small cells of "low" are withheld; the third was only needed for "premium", and the contradictions told it.
    keys = ["tier", "five_category", "ifrs9_stage"]
    kinds = [("Normal", "1"), ("Special mention", "1"), ("Special mention", "2"), ("Substandard", "3")]
    sizes = {"premium": [988, 8, 2, 2], "low": [4945, 34, 18, 3], "medium": [2923, 44, 29, 4]}
    crosswalk = pd.DataFrame(
        [(tier, *kind, n) for tier, row in sizes.items() for kind, n in zip(kinds, row, strict=True)],
        columns=[*keys, "n"],
    )
    against = crosswalk[(crosswalk["five_category"] != "Normal") & (crosswalk["tier"] != "medium")]
    against = against.rename(columns={"n": "customers"}).assign(severity="serious")
    safe, told = published.crosswalk_and_contradictions(crosswalk, against, "Normal")
    both = told.merge(safe, on=keys)
    assert len(both) == len(told)
    assert both["n"].isna().tolist() == both["customers"].isna().tolist()
    hidden = safe["n"].isna().to_numpy()
    truth = crosswalk["n"].to_numpy(float)
    # how many of a tier are late is known from its bad outcomes
    groups = [list(range(12)), *([*range(4 * row + 1, 4 * row + 4)] for row in range(3))]
    for cell in np.flatnonzero(truth < SMALLEST):
        assert hidden[cell]
        assert largest(hidden, groups, truth, cell) >= SMALLEST
    assert published.together(told["customers"]) == "withheld"
    assert published.together([8.0, 34]) == 42
    assert published.together([]) == 0
    unknown = against.head(1).assign(five_category="nan")
    more = pd.concat([crosswalk, unknown.assign(five_category="unclassified", n=7)[[*keys, "n"]]])
    assert published.crosswalk_and_contradictions(more, unknown, "Normal")[1]["five_category"].tolist() == [
        "unclassified"
    ]
    none = published.crosswalk_and_contradictions(crosswalk, against.head(0), "Normal")
    assert len(none[1]) == 0


def test_a_withheld_class_cannot_be_solved_from_the_test_of_its_standard() -> None:
    classes = pd.DataFrame(
        {"standard": ["K1", "K1", "K1", "K6", "K6"], "class": list("abcde"), "n": [125, 983, 8892, 5000, 5000],
         "known": [125, 983, 8892, 5000, 5000], "bad": [3, 18, 157, 78, 100]}
    )  # fmt: skip
    safe = disclosure.protected(classes, within=["standard"])
    tests = pd.DataFrame(
        {"standard": ["K1", "K6"], "statistic": [7.9, 3.1], "dof": [2, 1], "p_value": [0.02, 0.03],
         "p_holm": [0.04, 0.04], "effect": [0.03, 0.02], "n": [10_000, 10_000]}
    )  # fmt: skip
    shown = published.tests_without(tests, safe)
    assert shown["standard"].tolist() == ["K6", "K1"]
    solved = ["statistic", "p_value", "p_holm", "effect"]
    assert shown.loc[1, solved].isna().all()
    assert shown.loc[1, "dof"] == 2
    assert shown.loc[0, ["statistic", "p_value", "effect"]].notna().all()
    assert np.isnan(shown.loc[0, "p_holm"])  # handed on from K1
    assert set(shown.attrs[WITHHELD]) == set(solved)
    assert published.tests_without(tests, classes).equals(tests)
    own = published.tests_without(tests.assign(p_value=[0.03, 0.02]), safe)
    assert own.loc[0, "p_holm"] == 0.04  # K6's own, handed on to K1


def test_missing_values_of_a_few_cannot_be_subtracted() -> None:
    summary = pd.DataFrame({"check": ["impossible or unusual values"], "findings": [2], "rows": [142]})
    broken = pd.DataFrame(
        {"rule": ["a", "b"], "n": [139, 3], "share": [0.0139, 0.0003], "checked": [9998, 4342]}
    )
    whole, parts = published.checks(summary, broken, 10_000)
    assert parts["checked"].isna().tolist() == [True, True]
    assert parts["n"].isna().tolist()[1]
    assert whole["rows"].isna().all() or parts["n"].isna().all()  # 142 − 139 = 3
    assert published.checks(summary.assign(rows=0), broken.head(0), 10_000)[0]["rows"].tolist() == [0]


def test_indicators_tell_of_no_few_customers() -> None:
    customers = pd.DataFrame(
        {"usual": np.arange(1000.0), "once": [1.0] + [0.0] * 999, "gap": [np.nan] * 2 + [*range(998)],
         "rare": [5.0, 6.0] + [np.nan] * 998}
    )  # fmt: skip
    table = pd.DataFrame(
        {"indicator": customers.columns, "lower": [0.0, 0, 0, 5], "upper": [999.0, 1, 997, 6],
         "mean": customers.mean(), "sd": customers.std(), "missing_share": customers.isna().mean()}
    )  # fmt: skip
    safe = published.indicators(table.reset_index(drop=True), customers).set_index("indicator")
    assert safe["mean"].isna().to_dict() == {"usual": False, "once": True, "gap": False, "rare": True}
    assert safe["upper"].isna().to_dict() == {"usual": False, "once": True, "gap": False, "rare": True}
    assert safe["missing_share"].isna().to_dict() == {
        "usual": False,
        "once": False,
        "gap": True,
        "rare": True,
    }
    numbers = pd.DataFrame({"construct": ["once", "gap"], "n": [1000, 998], "mean": [0.001, 498.5]})
    numbers = numbers.assign(
        **dict.fromkeys(["sd", "skew", "q05", "q25", "median", "q75", "q95", "distinct"], 1.0)
    )
    shown = published.distributions(numbers, customers)
    assert shown["n"].isna().tolist() == [False, True]
    assert shown["mean"].isna().tolist() == [True, False]


def test_a_profile_tells_no_few_missing_values(monkeypatch) -> None:
    seen = {}
    monkeypatch.setattr(published.figures.tiers, "tier_profile", lambda frame: Figure())
    monkeypatch.setattr(published, "figure", lambda _, data, **words: seen.update(data=data))
    profile = pd.DataFrame(
        {"construct": ["a", "a", "b", "b"], "label": ["a", "a", "b", "b"], "tier": ["premium", "low"] * 2,
         "unit": "months", "median": 1.0, "q25": 0.0, "q75": 2.0, "n": [998, 4000, 1000, 5000]}
    )  # fmt: skip
    published.show_profile(profile)
    assert seen["data"]["n"].isna().tolist() == [True, False, False, False]
    assert seen["data"]["median"].notna().all()
    published.show_profile(profile, sizes=pd.Series({"premium": 1001, "low": 5000}))
    assert seen["data"]["n"].isna().tolist() == [True, False, True, False]


def test_levels_and_classes_do_not_give_each_other_away() -> None:
    kinds = ["none"] * 300 + ["mortgage"] * 80 + ["guarantor"] * 17 + ["pledge"] * 3
    customers = pd.DataFrame({"guarantee_type": pd.Categorical(kinds)})
    standards = pd.DataFrame({"K3": ["unsecured"] * 300 + ["secured"] * 100})
    counts = customers["guarantee_type"].value_counts()
    levels = pd.DataFrame(
        {"construct": "guarantee_type", "level": counts.index.astype(str), "n": counts.to_numpy()}
    )
    classes = pd.DataFrame({"standard": "K3", "class": ["secured", "unsecured"], "n": [100, 300]})
    safe, whole = published.levels_and_classes(levels, classes, customers, standards)
    assert whole["n"].tolist() == [100, 300]
    # 100 secured − 80 − 17 would give the pledges, so that the complement has to come from the secured ones
    assert set(safe.loc[safe["n"].isna(), "level"]) == {"guarantor", "pledge"}


def test_the_same_classes_under_two_names_lose_the_same_cells() -> None:
    kinds = ["none"] * 300 + ["mortgage"] * 80 + ["guarantor"] * 17 + ["pledge"] * 3
    customers = pd.DataFrame({"guarantee_type": pd.Categorical(kinds)})
    standards = pd.DataFrame({"K13": ["other" if kind == "none" else kind for kind in kinds]})
    levels, classes = (
        pd.DataFrame({first: name, second: counts.index.astype(str), "n": counts.to_numpy()})
        for first, second, name, counts in (
            ("construct", "level", "guarantee_type", customers["guarantee_type"].value_counts()),
            ("standard", "class", "K13", standards["K13"].value_counts().sort_index()),
        )
    )
    safe, whole = published.levels_and_classes(levels, classes, customers, standards)
    assert set(safe.loc[safe["n"].isna(), "level"]) == set(whole.loc[whole["n"].isna(), "class"])


def test_a_table_without_outcomes_says_nothing_of_them() -> None:
    kinds = ["none"] * 300 + ["mortgage"] * 80 + ["guarantor"] * 20 + ["pledge"] * 3
    customers, standards = pd.DataFrame({"kind": pd.Categorical(kinds)}), pd.DataFrame({"K": kinds})
    names = ["none", "mortgage", "guarantor", "pledge"]
    sizes = [300, 80, 20, 3]
    levels = pd.DataFrame({"construct": "kind", "level": names, "n": sizes})
    classes = pd.DataFrame(
        {"standard": "K", "class": names, "n": sizes, "known": sizes, "bad": [40, 2, 6, 0]}
    )
    _, safe = published.levels_and_classes(levels, classes, customers, standards)
    assert safe["n"].isna().tolist() == [False, False, True, True]
    assert safe["bad"].isna().tolist() == [False, True, True, True]  # 2 + 6 + 0 = 8 between them


def test_invented_and_simulated_persons_are_counted_openly() -> None:
    frame = pd.DataFrame({"n": [1, 2, 3]})
    assert disclosure.protected(frame, origin="simulated")["n"].tolist() == [1, 2, 3]
    disclosure.withhold_below(0)
    assert disclosure.protected(frame)["n"].tolist() == [1, 2, 3]


def test_answers_on_a_scale_are_rounded() -> None:
    frame = pd.DataFrame({"n": [93, 93], "count": [3, 44], "share": [3 / 93, 44 / 93]})
    safe = disclosure.rounded(frame, "share")
    assert safe["count"].tolist() == [5, 45]
    assert safe["share"].tolist() == [5 / 93, 45 / 93]


def test_a_sentence_says_no_small_count() -> None:
    assert disclosure.count(3) is None
    assert disclosure.count(398, of=400) is None
    assert disclosure.count(0) == 0
    assert disclosure.count(5.0) == 5


def test_a_table_says_what_is_withheld_in_every_form(tmp_path: Path) -> None:
    frame = pd.DataFrame({"class": ["a", "b", "c"], "n": [3, 7, 390]})
    bundle = exhibit.table_bundle(frame, name="sizes", caption="Sizes")
    shown = parser.fragment_fromstring(bundle["text/html"], create_parent=True)
    assert shown.xpath(".//td[@class='withheld']/text()") == ["withheld", "withheld"]
    assert "fewer than 5 persons" in shown.text_content()
    payload = bundle[MIME]
    assert payload["rows"] == [["a", None], ["b", None], ["c", 390]]
    assert "3" not in bundle["text/plain"].replace("390", "")
    entry = {"cell": 1, **payload}
    files = values.write_tables(tmp_path / "01_x", {"01_x/sizes": entry})
    rows = list(csv.reader((tmp_path / "01_x/sizes.csv").open()))
    assert rows == [["class", "n"], ["a", WITHHELD], ["b", WITHHELD], ["c", "390.0"]]
    assert pd.read_parquet(files[0])["n"].isna().tolist() == [True, True, False]
    values.write_workbook(tmp_path / "tables.xlsx", {"01_x/sizes": entry}, "", tmp_path / "note")
    sheet = openpyxl.load_workbook(tmp_path / "tables.xlsx")["01 sizes"]
    assert [cell.value for cell in sheet["B"]] == ["n", WITHHELD, WITHHELD, 390]


def test_a_picture_of_small_counts_is_not_shown() -> None:
    frame = pd.DataFrame({"class": ["a", "b", "c"], "n": [3, 7, 390]})
    said = {"name": "sizes", "caption": "Sizes", "alt": "Three bars"}
    assert "<img" not in exhibit.figure_bundle(Figure(), data=frame, **said)["text/html"]
    assert "<img" in exhibit.figure_bundle(Figure(), data=disclosure.protected(frame), **said)["text/html"]
    assert "<img" in exhibit.figure_bundle(Figure(), data=frame, origin="invented", **said)["text/html"]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"income": [1.0]}, index=pd.Index(["K1"], name="customer_id")),
        pd.DataFrame({"income": [1.0], "loan_amount": [2.0], "credit_score": [3.0]}),
    ],
)
def test_single_customers_are_not_shown(frame: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="shows single customers"):
        exhibit.table_bundle(frame, name="heads", caption="Customers")
    assert exhibit.table_bundle(frame, name="heads", caption="Invented", origin="simulated")


# A whole run on a loan book of one's own with rare classes.
COUNTS = {"n", "known", "bad", "bads", "events", "count", "customers", "n_missing", "rows"}
RATES = {"rate", "pd", "outcome_rate", "observed"}
SENTENCES = {"n", "known", "bad", "rows", "n_high", "n_premium", "worst_n", "best_n"}
RAN = ("01_data", "02_classification", "04_models_rfm", "04_models_abc", "04_models_tree")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the notebooks that describe the book and the three models."""
    home = tmp_path_factory.mktemp("own book")
    rare_loan_book().to_csv(home / "book.csv", index=False)
    plan = plans.plan(
        "quick",
        changes={
            "dataset": str(home / "book.csv"),
            "crosswalk": str(EXAMPLES / "loan_book_crosswalk.csv"),
            "compare_datasets": [],
        },
        only=RAN,
        jobs=2,
        out=home / "out",
        notebooks=notebooks.find(),
    )
    result = pipeline.run(plan, quiet=True)
    assert result.exit_code == 0, [*result.failed, *result.faults]
    return home / "out"


def few(value: object) -> bool:
    try:
        return 0 < float(str(value)) < SMALLEST
    except ValueError:
        return False


def tables(run: Path) -> dict[str, pd.DataFrame]:
    return {
        f"{path.parent.name}/{path.stem}": pd.read_parquet(path)
        for path in (run / "results").rglob("*.parquet")
    }


def test_the_book_has_small_classes() -> None:
    book = rare_loan_book()
    assert (book["担保方式"] == "质押").sum() == 3
    assert (book["所属行业"] == "房地产").sum() == 1


def test_no_page_or_result_tells_where_the_book_lies(run: Path) -> None:
    folder = str(run.parent).encode()
    shown = [*run.glob("*.html"), *run.glob("executed/*"), run / "values.json", *run.rglob("*.csv")]
    assert len(shown) > 30
    assert [path.name for path in shown if folder in path.read_bytes()] == []


def test_no_file_of_a_run_shows_a_small_count(run: Path) -> None:
    found = tables(run)
    assert len(found) > 25
    for name, frame in found.items():
        for column in COUNTS & set(frame.columns):
            assert not frame[column].map(few).any(), (name, column)
        for rate in RATES & set(frame.columns):
            base = frame["known"] if "known" in frame else frame.get("n")
            if base is not None:
                events = (frame[rate] * base).dropna()
                assert not events.round(6).map(few).any(), (name, rate)
                assert not (base - frame[rate] * base).dropna().round(6).map(few).any(), (name, rate)
    for path in (run / "results").rglob("*.csv"):
        header, *rows = csv.reader(path.open(encoding="utf-8"))
        cells = [row[at] for row in rows for at, column in enumerate(header) if column in COUNTS]
        assert not any(few(cell) for cell in cells), path
    for sheet in openpyxl.load_workbook(run / "results/tables.xlsx", read_only=True):
        header, *rows = sheet.iter_rows(values_only=True)
        if sheet.title != "Contents":
            cells = [row[at] for row in rows for at, column in enumerate(header) if column in COUNTS]
            assert not any(few(cell) for cell in cells), sheet.title
    saved = json.loads((run / "values.json").read_text(encoding="utf-8"))
    for key, entry in saved["prose"].items():
        said = {name: value for name, value in entry["values"].items() if name in SENTENCES}
        assert not any(few(value) for value in said.values()), (key, said)
    for path in run.glob("0*.html"):
        for table in parser.fromstring(path.read_bytes()).xpath("//main//table"):
            heads = [head.text_content().strip().lower() for head in table.xpath(".//thead//th")]
            for row in table.xpath(".//tbody/tr"):
                for head, cell in zip(heads, row.xpath("./*"), strict=True):
                    shown = cell.text_content().replace(",", "")
                    assert head not in COUNTS or not few(shown), (path.name, head, shown)


def test_every_picture_is_shown(run: Path) -> None:
    for path in run.glob("0*.html"):
        assert "Picture withheld" not in path.read_text(encoding="utf-8"), path.name


def test_what_is_left_out_cannot_be_solved_from_the_totals(run: Path) -> None:
    found, book = tables(run), rare_loan_book()
    levels, classes = found["01_data/levels"], found["02_classification/classes"]
    groups = {
        "levels": [list(rows) for _, rows in levels.groupby("construct").groups.items()],
        "classes": [
            [len(levels) + row for row in rows] for rows in classes.groupby("standard").groups.values()
        ],
    }
    # what a reader knows of the rules: three classes of K13 are levels of the guarantee
    at = {(row.construct, row.level): place for place, row in enumerate(levels.itertuples())}
    at |= {(row.standard, row[4]): len(levels) + place for place, row in enumerate(classes.itertuples())}
    shown = pd.concat([levels["n"], classes["n"]], ignore_index=True)
    hidden = shown.isna().to_numpy()
    assert hidden[at["guarantee_type", "pledge"]]
    assert hidden[at["industry", "real estate"]]
    truth = shown.to_numpy(float)
    size = len(book)
    matrix, right = [], []
    for group in [*groups["levels"], *groups["classes"]]:
        matrix.append([float(row in group) for row in range(len(truth))])
        right.append(size)
    for (name, level), place in at.items():
        if name == "guarantee_type" and level in {"mortgage", "pledge", "guarantor"}:
            same = np.zeros(len(truth))
            same[place], same[at["K13", level]] = 1, -1
            matrix.append(same)
            right.append(0)
    for place in np.flatnonzero(~hidden):
        unit = np.zeros(len(truth))
        unit[place] = 1
        matrix.append(unit)
        right.append(truth[place])
    for cell in (at["guarantee_type", "pledge"], at["industry", "real estate"]):
        goal = np.zeros(len(truth))
        goal[cell] = -1
        bounds = LinearConstraint(np.array(matrix), np.array(right), np.array(right))
        solved = milp(goal, constraints=bounds, integrality=np.ones(len(truth)))
        assert solved.status == 0
        assert -solved.fun >= SMALLEST


def test_bad_outcomes_of_tiers_cannot_be_solved_from_the_totals(run: Path) -> None:
    bad = (rare_loan_book()["是否违约"] == "是").sum()
    for stem in ("04_models_rfm", "04_models_abc", "04_models_tree"):
        tiers = tables(run)[f"{stem}/tiers"]
        for _, part in tiers.groupby("panel"):
            gone = part["bad"].isna()
            assert gone.sum() != 1
            if gone.any():  # together they are too many to be small each
                assert bad - part["bad"].sum() >= SMALLEST


def test_no_customer_is_in_any_file_of_a_run(run: Path) -> None:
    book = rare_loan_book()
    names = {*book["客户编号"], *book["客户姓名"], *book["手机号"]}
    texts = [
        path.read_text(encoding="utf-8")
        for path in run.rglob("*.*")
        if path.suffix in {".html", ".json", ".csv", ".ipynb", ".yml"}
    ]
    for sheet in openpyxl.load_workbook(run / "results/tables.xlsx", read_only=True):
        texts += [str(cell) for row in sheet.iter_rows(values_only=True) for cell in row]
    whole = "\n".join(texts)
    assert len(whole) > 1_000_000
    assert not [name for name in names if name in whole]
    for name, frame in tables(run).items():
        assert len(frame) < len(book), name
