"""Small counts are not published: not as such, not by subtraction, not in any file of a run."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from itertools import permutations
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from lxml import html as parser
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from loan_book_example import PLANTED, planted_crosswalk, planted_loan_book, rare_loan_book
from research import parameters
from research.collect import classification, datasets, levels, loanbook
from research.collect.publication import public, smallest_count
from research.exhibits import Exhibit, Said, models
from research.manage import loan_quality
from research.pages import disclosure, notebooks, show, values
from research.pages.payload import MIME
from research.pages.worded import worded
from research.parameters import Fieldwork, Study
from research.paths import EXAMPLES, NOTEBOOKS, ROOT
from research.runs import pipeline
from research.runs import plan as plans
from research.study import counts
from research.suppression import WITHHELD
from research.tiers import TIERS

SMALLEST = 5
OWN = Study(
    dataset="book.csv",
    crosswalk="book_crosswalk.csv",
    compare_datasets=[],
    fieldwork=Fieldwork(provenance="real"),
)


@pytest.fixture(autouse=True)
def plan(no_plan: None, monkeypatch) -> Study:
    """Every test has the plan of an own loan book of 400 customers, with the usual threshold."""
    monkeypatch.setattr(parameters, "_read", {"last": OWN})
    monkeypatch.setattr(counts, "counts_known", lambda plan: frozenset({400.0}))
    return OWN


def shown(frame: pd.DataFrame, origin: str = "real", **more) -> dict:
    """What a notebook displays of a table."""
    return show.exhibit_bundle(Exhibit("sizes", frame, Said("Sizes"), origin=origin, **more))


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


def test_a_yes_or_no_counts_nobody() -> None:
    frame = pd.DataFrame({"n": [50, 60], "checked": [True, False]})
    assert disclosure.protected(frame)["checked"].tolist() == [True, False]


def test_a_withheld_class_cannot_be_solved_from_the_test_of_its_standard() -> None:
    classes = pd.DataFrame(
        {"standard": ["K1", "K1", "K1", "K6", "K6"], "class": list("abcde"), "n": [125, 983, 8892, 5000, 5000],
         "known": [125, 983, 8892, 5000, 5000], "bad": [3, 18, 157, 78, 100]}
    )  # fmt: skip
    safe = disclosure.protected(classes, within=["standard"]).reset_index(drop=True)
    tests = pd.DataFrame(
        {"standard": ["K1", "K6"], "statistic": [7.9, 3.1], "dof": [2, 1], "p_value": [0.02, 0.03],
         "p_holm": [0.04, 0.04], "effect": [0.03, 0.02], "n": [10_000, 10_000], "result": "differs"}
    )  # fmt: skip
    shown = counts.tests_without(tests, safe)
    assert shown["standard"].tolist() == ["K6", "K1"]
    solved = ["statistic", "p_value", "p_holm", "effect"]
    assert shown.loc[1, solved].isna().all()
    assert shown.loc[1, "dof"] == 2
    assert shown.loc[0, ["statistic", "p_value", "effect"]].notna().all()
    assert np.isnan(shown.loc[0, "p_holm"])  # handed on from K1
    assert shown["result"].tolist() == ["withheld", "withheld"]
    assert set(shown.attrs[WITHHELD]) == set(solved)
    assert counts.tests_without(tests, classes).equals(tests)
    own = counts.tests_without(tests.assign(p_value=[0.03, 0.02]), safe)
    assert own.loc[0, "p_holm"] == 0.04  # K6's own, handed on to K1


def test_public_data_and_the_simulated_bank_are_shown_whole(monkeypatch) -> None:
    assert [name for name in datasets.names() if not public(name)] == []
    assert not public("book.csv")
    frame = pd.DataFrame({"class": ["a", "b"], "n": [1, 399]})
    monkeypatch.setitem(parameters._read, "last", Study())
    assert disclosure.protected(frame).equals(frame)
    assert shown(frame)[MIME]["rows"] == [["a", 1], ["b", 399]]


def test_the_plan_and_its_data_decide_what_is_small() -> None:
    real = Fieldwork(provenance="real")
    assert [smallest_count(OWN, people) for people in ("loans", "fieldwork", "real")] == [5, 5, 5]
    assert [smallest_count(OWN, people) for people in ("simulated", "invented", "taiwan", "x.csv")] == [
        0, 0, 0, 5,
    ]  # fmt: skip
    assert [smallest_count(Study(fieldwork=real), people) for people in ("loans", "fieldwork", "real")] == [
        0,
        5,
        5,
    ]
    # one own book among public ones is enough, whichever the study is about
    assert smallest_count(Study(compare_datasets=["credit_data", "x.csv"]), "loans") == 5
    assert smallest_count(OWN.model_copy(update={"small_cell": 0}), "loans") == 0


def test_without_a_plan_nothing_is_taken_to_be_public(monkeypatch) -> None:
    monkeypatch.setattr(parameters, "_read", {})
    assert disclosure.smallest() == SMALLEST


def test_no_notebook_sets_what_is_small() -> None:
    for path in NOTEBOOKS.glob("*.ipynb"):
        code = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not any("withhold_below" in "".join(cell["source"]) for cell in code), path.name


def test_a_count_that_no_step_has_protected_is_not_shown() -> None:
    frame = pd.DataFrame({"term": ["a", "b", "c"], "estimate": [1.0, 2, 3], "n": [400, 397, 400]})
    rows = shown(frame, within=None)[MIME]["rows"]
    assert rows == [["a", 1.0, 400], ["b", 2.0, None], ["c", 3.0, 400]]
    whole = disclosure.protected(frame, within=None)
    assert shown(whole, within=None)[MIME]["rows"][1][2] == 397
    assert shown(frame, "reported", within=None)[MIME]["rows"][1][2] == 397


def test_means_tell_of_no_few_customers_who_differ_from_all_others() -> None:
    table = pd.DataFrame(
        {"usual": np.arange(1000.0), "once": [1.0] + [0.0] * 999, "rare": [5.0, 6.0] + [np.nan] * 998}
    )
    frame = pd.DataFrame(
        {"construct": list(table), "mean": table.mean().to_numpy(), "median": 1.0, "n": 1000}
    )
    safe = counts.without_single(frame, table, SMALLEST).set_index("construct")
    for column in ("mean", "median"):
        assert safe[column].isna().to_dict() == {"usual": False, "once": True, "rare": True}
    assert safe["n"].notna().all()


def test_the_order_of_a_table_tells_nothing_of_what_it_withholds() -> None:
    frame = pd.DataFrame({"construct": ["c", "a", "b", "d"], "n": [9, np.nan, np.nan, 6]}, index=[4, 5, 6, 7])
    frame.attrs[WITHHELD] = {"n": [5, 6]}
    swapped = frame.iloc[[0, 2, 1, 3]]
    for given in (frame, swapped):
        assert counts.withheld_last(given, [])["construct"].tolist() == ["c", "d", "a", "b"]


def test_a_sentence_says_no_small_count() -> None:
    assert disclosure.count(3) is None
    assert disclosure.count(398, of=400) is None
    assert disclosure.count(0) == 0
    assert disclosure.count(5.0) == 5


def test_a_table_says_what_is_withheld_in_every_form(tmp_path: Path) -> None:
    frame = pd.DataFrame({"class": ["a", "b", "c"], "n": [3, 7, 390]})
    bundle = shown(frame, "reported")
    table = parser.fragment_fromstring(bundle["text/html"], create_parent=True)
    assert table.xpath(".//td[@class='withheld']/text()") == ["withheld", "withheld"]
    assert "fewer than 5 persons" in table.text_content()
    payload = bundle[MIME]
    assert payload["rows"] == [["a", None], ["b", None], ["c", 390]]
    assert "3" not in bundle["text/plain"].replace("390", "")
    entry = {"cell": 1, **worded(payload)}
    files = values.write_tables(tmp_path / "01_x", {"01_x/sizes": entry})
    rows = list(csv.reader((tmp_path / "01_x/sizes.csv").open()))
    assert rows == [["class", "n"], ["a", WITHHELD], ["b", WITHHELD], ["c", "390.0"]]
    assert pd.read_parquet(files[0])["n"].isna().tolist() == [True, True, False]
    values.write_workbook(tmp_path / "tables.xlsx", {"01_x/sizes": entry}, "", tmp_path / "note")
    sheet = openpyxl.load_workbook(tmp_path / "tables.xlsx")["01 sizes"]
    assert [cell.value for cell in sheet["B"]] == [None, None, "n", WITHHELD, WITHHELD, 390]
    assert "fewer than 5 persons" in sheet["A2"].value


def test_a_picture_does_not_depend_on_small_counts() -> None:
    def drawn(few: int, origin: str) -> str:
        frame = pd.DataFrame(
            {"ranking": "tree", "judged": "unseen", "tier": TIERS, "n": [100, 200, 97 - few, few],
             "rate": [0.1, 0.2, 0.3, 1 / few], "ci_low": 0.01, "ci_high": 0.9, "overall": 0.2, "outcome": "late",
             "reference": "grade"}
        )  # fmt: skip
        made = shown(frame, origin, alt=Said("Four dots"), draw=models.tier_rates_drawn)
        return re.findall(r'src="(data:image[^"]+)"', made["text/html"])[0]

    assert drawn(3, "reported") == drawn(4, "reported")
    assert drawn(3, "demonstration") != drawn(4, "demonstration")


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"income": [1.0]}, index=pd.Index(["K1"], name="customer_id")),
        pd.DataFrame({"income": [1.0], "loan_amount": [2.0], "credit_score": [3.0]}),
    ],
)
def test_single_customers_are_not_shown(frame: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="shows single customers"):
        shown(frame)
    assert shown(frame, "demonstration")


# A whole run on a loan book of one's own with rare classes.
COUNTS = {"n", "known", "bad", "bads", "events", "count", "customers", "n_missing", "rows"}
RATES = {"rate", "pd", "outcome_rate", "observed"}
SENTENCES = {"n", "known", "bad", "rows", "n_high", "n_premium", "worst_n", "best_n"}
RAN = ("01_data", "02_classification", "04_models", "06_strategies")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the notebooks that describe the book and the three models."""
    home = tmp_path_factory.mktemp("own book")
    planted_loan_book().to_csv(home / "book.csv", index=False)
    crosswalk = pd.read_csv(EXAMPLES / "loan_book_crosswalk.csv", dtype=str, keep_default_na=False)
    planted_crosswalk(crosswalk).to_csv(home / "book_crosswalk.csv", index=False)
    plan = plans.plan(
        "quick",
        changes={
            "dataset": str(home / "book.csv"),
            "crosswalk": str(home / "book_crosswalk.csv"),
            "compare_datasets": [],
        },
        only=RAN,
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
    shown = [
        *run.glob("*.html"),
        *run.glob("executed/*"),
        run / "values.json",
        *run.rglob("*.csv"),
        *run.glob(".run/*.json"),
    ]
    assert len(shown) > 30
    assert [path.name for path in shown if folder in path.read_bytes()] == []
    project = json.dumps(str(ROOT))[1:-1].encode()
    assert [path.name for path in run.glob(".run/*.json") if project in path.read_bytes()] == []


# Of public and of invented data, which are shown whole.
OTHERS = ("elsewhere", "elsewhere_rates", "invented")


def test_no_file_of_a_run_shows_a_small_count(run: Path) -> None:
    found = tables(run)
    assert len(found) > 25
    own = {name: frame for name, frame in found.items() if not name.endswith(OTHERS)}
    for name, frame in own.items():
        for column in COUNTS & set(frame.columns):
            assert not frame[column].map(few).any(), (name, column)
        for rate in RATES & set(frame.columns):
            base = frame["known"] if "known" in frame else frame.get("n")
            if base is not None:
                events = (frame[rate] * base).dropna()
                assert not events.round(6).map(few).any(), (name, rate)
                assert not (base - frame[rate] * base).dropna().round(6).map(few).any(), (name, rate)
    for path in (path for path in (run / "results").rglob("*.csv") if path.stem not in OTHERS):
        header, *rows = csv.reader(path.open(encoding="utf-8"))
        cells = [row[at] for row in rows for at, column in enumerate(header) if column in COUNTS]
        assert not any(few(cell) for cell in cells), path
    saved = json.loads((run / "values.json").read_text(encoding="utf-8"))
    book = openpyxl.load_workbook(run / "results/tables.xlsx", read_only=True)
    for title, page, name, *_ in book["Contents"].iter_rows(min_row=2, values_only=True):
        header = saved["tables"][f"{page}/{name}"]["columns"]
        if not name.endswith(OTHERS):
            rows = book[title].iter_rows(min_row=4, values_only=True)
            cells = [row[at] for row in rows for at, column in enumerate(header) if column in COUNTS]
            assert not any(few(cell) for cell in cells), title
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


def everything_in(path: Path) -> str:
    """Return all that a file of a run says, unpacked."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path).to_csv()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            return "".join(packed.read(name).decode("utf-8", "replace") for name in packed.namelist())
    return path.read_bytes().decode("utf-8", "replace")


def test_no_person_in_a_column_of_classes_is_in_any_byte_of_a_run(run: Path) -> None:
    planted = [text for _, texts in PLANTED.values() for text in texts]
    parts = {
        part for text in planted for part in (text, json.dumps(text)[1:-1], text.split(",")[0].split(" (")[0])
    }
    files = [path for path in run.rglob("*") if path.is_file() and path.name != "lock"]
    assert len(files) > 100
    for path in files:
        said = everything_in(path)
        assert [part for part in parts if part in said] == [], path.relative_to(run)
    shown = tables(run)["01_data/levels"].groupby("construct")["level"]
    assert {"华东", "masked (2 levels)", "other (1 level)"} <= set(shown.get_group("region"))
    assert {"masked (2 levels)", "other (1 level)"} <= set(shown.get_group("occupation"))
    assert "masked (3 levels)" in set(shown.get_group("marital_status"))


def test_check_names_such_columns_without_their_text(run: Path) -> None:
    book = run.parent / "book.csv"
    found = loanbook.check(book, run.parent / "book_crosswalk.csv")
    told = found["levels"].set_index(["construct", "looks_like"])
    assert told.loc[("region", "address"), "customers"] == 6
    assert told.loc[("occupation", "few customers"), "levels"] == 1
    assert len(found.pop("customers"))  # kept for the run, and never printed
    said = "".join(frame.to_csv() for frame in found.values())
    planted = [text for _, texts in PLANTED.values() for text in texts]
    assert [text for text in planted if text in said] == []


# The attack: every count that the pages of the run show, as equations over unknown whole numbers.
OUTCOMES = ("bad", "good", "unknown")
WHICH = {
    "n": OUTCOMES,
    "customers": OUTCOMES,
    "n_missing": OUTCOMES,
    "known": OUTCOMES[:2],
    "bad": OUTCOMES[:1],
}
Group = tuple[str, ...]


class Attacker:
    """Knows the files of a run, how tables are made of each other, and which class is made of which level."""

    def __init__(self, run: Path) -> None:
        self.tables, self.lines = tables(run), []
        self.targets: dict[tuple[Group, str], tuple[str, int]] = {}
        said = json.loads((run / "values.json").read_text(encoding="utf-8"))["prose"]
        told = said["01_data/outcome"]["values"]
        size, bad, known = told["rows"], told["bad"], told.get("known", told["rows"])
        self.whole = {"bad": bad, "good": known - bad, "unknown": size - known}

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the run; empty for one of which nothing is shown."""
        return self.tables.get(name, pd.DataFrame(columns=["construct"]))

    def read(self, name: str, groups: list[Group], columns: dict[str, str]) -> None:
        """Take in the columns of a table, each row of which counts a group; `columns`: name → which of WHICH."""
        for (row, entry), group in zip(self.table(name).iterrows(), groups, strict=True):
            for column, which in columns.items():
                if column in RATES and pd.isna(entry["n"]):
                    continue  # withheld for the interval, which tells the size
                if pd.isna(entry[column]):
                    self.targets.setdefault((group, which), (f"{name}.{column}", row))
                    continue
                value = entry[column]
                if column in RATES:
                    value = round(value * entry["n"])
                self.lines.append(({(group, outcome): 1.0 for outcome in WHICH[which]}, value))

    def add_up(self, parts: list[Group], whole: Group | None = None) -> None:
        """Take in that groups are a whole together: everybody, or another group."""
        for outcome in OUTCOMES:
            line = dict.fromkeys([(part, outcome) for part in parts], 1.0)
            if whole is None:
                self.lines.append((line, self.whole[outcome]))
            else:
                self.lines.append((line | {(whole, outcome): -1.0}, 0.0))

    def intervals(self) -> dict[tuple[Group, str], float]:
        """Return how far apart the least and the largest value of every withheld count lie."""
        cells = {cell: at for at, cell in enumerate({cell: 0 for line, _ in self.lines for cell in line})}
        entries = [
            (row, cells[cell], value)
            for row, (line, _) in enumerate(self.lines)
            for cell, value in line.items()
        ]
        rows, columns, weights = zip(*entries, strict=True)
        matrix = csr_array((weights, (rows, columns)), shape=(len(self.lines), len(cells)))
        right = np.array([value for _, value in self.lines])
        found = {}
        for group, which in self.targets:
            goal = np.zeros(len(cells))
            goal[[cells[group, outcome] for outcome in WHICH[which]]] = 1
            ends = [
                milp(
                    sign * goal,
                    constraints=LinearConstraint(matrix, right, right),
                    bounds=Bounds(0, sum(self.whole.values())),
                    integrality=np.ones(len(cells)),
                )
                for sign in (1, -1)
            ]
            assert [end.status for end in ends] == [0, 0]
            found[group, which] = round(-ends[1].fun - ends[0].fun)
        return found


def attack(run: Path, book: Path) -> Attacker:
    """Return an attacker who has read all pages of a run."""
    found = Attacker(run)
    customers = levels.pooled(datasets.load(book, book.with_name("book_crosswalk.csv")), SMALLEST)
    kinds = customers.select_dtypes("category").astype(object).fillna("missing")
    classes = classification.classify(customers).astype(object).fillna("not recorded")
    rules = loan_quality.policy()
    categories = loan_quality.labelled(loan_quality.classify(customers, rules), rules)[list(rules.schemes)]
    everything = kinds.join(classes).join(categories.astype(object).fillna("unclassified")).astype(str)

    for name in everything:
        found.add_up([(name, level) for level in everything[name].unique()])
    for fine, coarse in permutations(everything, 2):
        pairs = everything[[fine, coarse]].drop_duplicates()
        if pairs[fine].is_unique:
            for label, part in pairs.groupby(coarse)[fine]:
                found.add_up([(fine, level) for level in part], (coarse, label))
    at = found.tables
    found.read(
        "01_data/levels",
        list(zip(at["01_data/levels"]["construct"], at["01_data/levels"]["level"], strict=True)),
        {"n": "n"},
    )
    frame = at["02_classification/rates"]
    found.read(
        "02_classification/rates",
        list(zip(frame["standard"], frame["class"], strict=True)),
        {"n": "n", "known": "known", "bad": "bad"},
    )
    numbers = at["01_data/distributions"]["construct"]
    found.read(
        "01_data/missing",
        [(name, "missing") for name in found.table("01_data/missing")["construct"]],
        {"n_missing": "n"},
    )
    found.read("01_data/distributions", [(name, "known") for name in numbers], {"n": "n"})
    for name in numbers:
        found.add_up([(name, "known"), (name, "missing")])
    for model in ("rfm", "abc", "tree"):
        frame = at[f"04_models/{model}_rates"]
        ways = [
            f"{ranking} {judged}" for ranking, judged in zip(frame["ranking"], frame["judged"], strict=True)
        ]
        found.read(
            f"04_models/{model}_rates",
            list(zip(ways, frame["tier"], strict=True)),
            {"n": "n", "bad": "bad", "known": "known"},
        )
        for panel in ("matched shares", "own rule"):
            found.add_up([(f"{model} {panel}", tier) for tier in TIERS])
        tier = [(f"{model} matched shares", name) for name in TIERS]
        made = at[f"04_models/{model}_rules"]
        groups = [(f"{model} rule", str(row)) for row in range(len(made))]
        found.read(f"04_models/{model}_rules", groups, {"n": "n", "known": "known", "bads": "bad"})
        own = f"{model} own rule"
        for name, part in made.groupby("tier"):
            whole: Group = (own, name)
            if model == "tree" and name == "low":  # the premium tier of the tree is taken from its low leaves
                whole = (model, "low or premium")
                found.add_up([(own, "low"), (own, "premium")], whole)
            found.add_up([groups[row] for row in part.index], whole)
    segments = at["04_models/rfm_segments"]
    groups = [("segment", name) for name in segments["segment"]]
    found.read("04_models/rfm_segments", groups, {"n": "n", "known": "known", "bads": "bad"})
    found.add_up(groups)
    crossed, against = at["06_strategies/crosswalk"], at["06_strategies/contradictions"]
    keys = ["tier", *rules.schemes]
    groups = list(crossed[keys].itertuples(index=False, name=None))
    found.read("06_strategies/crosswalk", groups, {"n": "n"})
    found.read(
        "06_strategies/contradictions",
        list(against[keys].itertuples(index=False, name=None)),
        {"customers": "n"},
    )
    for whole in tier:  # of the tree, the last model read
        found.add_up([group for group in groups if group[0] == whole[1]], whole)
    for place, scheme in enumerate(rules.schemes, start=1):
        for label in crossed[scheme].unique():
            found.add_up([group for group in groups if group[place] == label], (scheme, label))
    return found


def test_no_withheld_count_can_be_solved_from_all_that_is_published(run: Path) -> None:
    attacker = attack(run, run.parent / "book.csv")
    widths = attacker.intervals()
    assert len(attacker.lines) > 700
    assert len(widths) > 100
    tight = {attacker.targets[cell]: width for cell, width in widths.items() if width < SMALLEST}
    assert tight == {}


def test_means_over_random_draws_count_nobody_and_leave_the_counts_protected():
    frame = pd.DataFrame(
        {
            "model": ["rfm"] * 3 + ["random"] * 3,
            "tier": ["low", "medium", "high"] * 2,
            "n": [3.0, 40.0, 57.0, 33.4, 33.1, 33.5],
            "observed": [0.0, 0.25, 0.5, 0.31, 0.3, 0.29],
        }
    )
    table = disclosure.protected(frame, within=["model"], origin="loans")
    assert table["n"].isna().tolist() == [True, True, False, False, False, False]


def test_a_mean_over_draws_whose_persons_are_a_whole_number_by_chance_counts_nobody() -> None:
    rows = pd.DataFrame(
        {
            "model": ["tree"] * 2 + ["random"] * 2,
            "tier": ["low", "high"] * 2,
            "n": [280.0, 20.0, 280.0, 20.0],
            "bad": [40.0, 3.0, 40.1, 2.9],
        }
    )
    safe = disclosure.without_small(rows, within=("model",), origin="loans")
    assert safe.loc[1, "bad"] != safe.loc[1, "bad"]  # three bad customers of a real tier are withheld
    assert safe.loc[2:, "bad"].tolist() == [40.1, 2.9]
