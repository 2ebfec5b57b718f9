"""A loan book too large to fit models on many times: a sample is compared, everybody is counted, the page says so."""

from __future__ import annotations

import itertools
import json
import runpy
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import load_workbook
from pandas.testing import assert_frame_equal

from research.collect import datasets
from research.collect.identifiers import LOOKED_AT, identifiers
from research.collect.sampling import sample
from research.collect.tables import read_table
from research.commands import datasets as commands
from research.commands import fieldwork
from research.errors import UserError
from research.exhibits import comparison, drivers, experts, monitoring, survey
from research.fieldwork.instruments import vignette_form
from research.fieldwork.instruments.workbook import save
from research.parameters import Study, load
from research.paths import NOTEBOOKS, ROOT
from research.study import contents as steps
from research.study.customers import for_comparison, sampled, shown
from research.tiers import TIERS

CUSTOMERS, COMPARED = 3000, 1000
SAID = (
    "Models are compared, and regressions fitted, on 1,000 of its 3,000 customers, drawn by lot within each outcome "
    "(seed 20240607); counts, classes and tiers are of all."
)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of a book of 57 columns of which a third is compared."""
    folder = tmp_path_factory.mktemp("large")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESEARCH_CACHE", str(folder / "cache"))
        patch.syspath_prepend(str(ROOT / "bench"))
        book = runpy.run_path(str(ROOT / "bench" / "large_book.py"))["write_book"](folder, CUSTOMERS)
        assert read_table(book).shape == (CUSTOMERS, 57)
        few = {"folds": 2, "repeats": 1, "stability_refits": 2, "references": []}
        yield load("default", changes={"dataset": str(book), "compare_datasets": [str(book)],
                                       "compared_customers": COMPARED, **few})  # fmt: skip


def test_the_page_says_the_size_of_the_sample_and_its_seed(study) -> None:
    assert steps.about(study)["banner"][1].endswith(SAID)
    for number in ("01", "02", "03", "04", "05", "06"):
        (notebook,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
        assert 'facts["banner"][1]' in "".join(
            "".join(cell["source"]) for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        )


def test_what_is_fitted_on_the_sample_says_its_size(study) -> None:
    facts, bad = steps.about(study), int(sampled(study)["default"].sum())
    columns = ["columns", "left_out", "events_per_column", "r2", "statistic", "p_value"]
    fit = pd.DataFrame([[3, 0, bad / 3, 0.1, 30.0, 0.001]], columns=columns)
    assert f"rests on 1,000 customers with a known outcome, among them {bad} customers in default" in str(
        drivers.fit(fit, facts)
    )
    said = str(comparison.design_limit(2, 1, facts))
    assert said.startswith(
        f"2-fold cross-validation on 1,000 customers, {bad} customers in default among them"
    )


def test_the_page_that_follows_others_says_so_and_names_the_sample(study) -> None:
    whose = {"origin": "real", "title": "Cards"}
    assert str(monitoring.followed(whose, None)) == "Real data: Cards."
    assert str(monitoring.followed(whose, steps.about(study)["sample"])) == (
        "Real data: Cards. The loan book of this study has no months to follow: none of its 3,000 customers is on this "
        "page. Elsewhere models are compared on 1,000 of them, drawn by lot within each outcome (seed 20240607)."
    )


def judged(folder: Path, study: Study, customers: list[str]) -> Study:
    """The study with vignettes of these customers; two experts put them in one tier after the other."""
    drawn = pd.DataFrame(
        {"customer_id": customers, "loan_amount": 1e3}, [f"V{n:02d}" for n in range(len(customers))]
    )
    path = save(
        vignette_form.vignette_form(drawn, ["E1", "E2"], dataset=study.dataset), folder / "judged.xlsx"
    )
    vignette_form.write_key(path, drawn, study.dataset)
    book = load_workbook(path)
    for sheet in ("E1", "E2"):
        for row, tier in zip(range(6, 6 + len(customers)), itertools.cycle(TIERS), strict=False):
            book[sheet].cell(row, 3).value = tier
    book.save(path)
    return study.model_copy(update={"fieldwork": study.fieldwork.model_copy(update={"vignettes": str(path)})})


def test_of_the_customers_on_vignettes_those_in_the_sample_count(study, tmp_path) -> None:
    inside = sampled(study).index
    outside = steps.customers(study).index.difference(inside)
    found = steps.vignette_agreement(judged(tmp_path, study, [*inside[:6], *outside[:2]]))
    assert found["reason"] == "" and set(found["models"]["vignettes"]) == {6}
    assert str(survey.limits_of_survey(found)[-1]) == (
        "Of 8 customers whom experts judged, 2 are not among those on whom models are compared, and do not count."
    )


def test_vignettes_of_nobody_in_the_sample_are_said_to_be_that(study, tmp_path) -> None:
    outside = steps.customers(study).index.difference(sampled(study).index)
    found = steps.vignette_agreement(judged(tmp_path, study, list(outside[:8])))
    assert str(experts.untested(found["reason"])) == (
        "The models cannot be held against experts here: none of the 8 customers on the vignettes is among the 1,000 "
        "on whom models are compared."
    )


def test_a_vignette_form_of_a_large_book_is_drawn_from_the_sample(study, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(Study.model_fields["compared_customers"], "default", COMPARED)
    out = tmp_path / "v.xlsx"
    walk = Path(study.dataset).with_name("loan_book_crosswalk.csv")
    fieldwork.make_form(fieldwork.Form.vignettes, out, dataset=study.dataset, crosswalk=walk)
    assert set(pd.read_csv(tmp_path / "v.key.csv")["customer_id"]) <= set(sampled(study).index)


def test_models_are_compared_on_the_sample(study) -> None:
    oof, refits = steps.out_of_fold(study), steps.refits(study)
    chosen = sampled(study).index
    assert len(chosen) == COMPARED
    assert oof.index.equals(chosen) and refits.tier.shape[-1] == len(chosen)
    assert set(steps.unseen_tiers(study)["tree"].index) <= set(chosen)
    assert steps.regression_design(study).matrix.index.isin(chosen).all()
    assert steps.need_association(study)["n"].max() <= COMPARED


def test_everybody_is_counted_classified_and_placed(study) -> None:
    facts = steps.about(study)
    assert facts["rows"] == CUSTOMERS and facts["bad"] == steps.customers(study)["default"].sum()
    assert len(steps.classification(study)) == CUSTOMERS
    for name in study.models:
        rates = steps.tier_rates(study, name)
        assert rates.groupby("panel")["n"].sum().eq(CUSTOMERS).all()
        assert steps.model(study, name).rules()["n"].sum() == CUSTOMERS
        assert len(steps.contact_reasons(study, name)) == CUSTOMERS


def test_shipped_data_sets_are_never_sampled() -> None:
    assert sampled(load("default", changes={"dataset": "credit_data", "compared_customers": 1000})) is None


def test_a_book_that_is_small_enough_is_compared_whole(study) -> None:
    whole = study.model_copy(update={"compared_customers": CUSTOMERS})
    assert sampled(whole) is None
    assert for_comparison(whole).equals(steps.customers(whole))


def test_the_sample_keeps_the_outcomes_and_the_order_and_follows_the_seed() -> None:
    table = datasets.load("credit_data")
    drawn = sample(table, 1000, seed=3)
    assert drawn.index.is_unique and drawn.index.equals(table.index[table.index.isin(drawn.index)])
    for outcome in (0.0, 1.0):
        share = (table["default"] == outcome).mean()
        assert abs((drawn["default"] == outcome).sum() - 1000 * share) <= 1
    assert drawn.equals(sample(table, 1000, seed=3))
    assert not drawn.index.equals(sample(table, 1000, seed=4).index)
    assert sample(table, len(table), seed=3) is table


def test_the_unknown_outcome_has_its_share() -> None:
    table = pd.DataFrame({"default": [0.0] * 600 + [1.0] * 100 + [None] * 300})
    drawn = sample(table, 100, seed=1)["default"]
    assert [(drawn == 0).sum(), (drawn == 1).sum(), drawn.isna().sum()] == [60, 10, 30]


def test_what_check_has_read_is_what_a_run_would_read(study, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    book = Path(study.dataset)
    walk = book.with_name("loan_book_crosswalk.csv")
    commands.check(book, walk)
    plan = load("default", changes={"dataset": str(book), "crosswalk": str(walk)})
    assert [path.stem for path in (tmp_path / "cache/results/customers").glob("*.pickle")] == [
        steps.customers.key(plan)
    ]
    assert_frame_equal(steps.customers(plan), shown(plan, datasets.load(str(book), str(walk))))


def test_identifiers_are_found_among_more_values_than_are_looked_at() -> None:
    phones = [f"138{number:08d}" for number in range(3 * LOOKED_AT)]
    blank = ["none"] * (4 * len(phones) - 10)
    found = identifiers(pd.DataFrame({"contact": phones + blank, "amount": range(5 * len(phones) - 10)}))
    assert found[["column", "kind", "evidence", "n"]].to_numpy().tolist() == [
        ["contact", "phone", "20% of its values", len(phones)]
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_short_row_is_found_by_counting_as_by_reading(tmp_path, end) -> None:
    for row, quoted in (("2,3,4", ""), ("2,3,4", '"'), ("2", "")):
        (tmp_path / "book.csv").write_bytes(end.join(["a,b", f"{quoted}1{quoted},1", row, ""]).encode())
        with pytest.raises(UserError, match=rf"line 3: {row.count(',') + 1} cells, expected 2"):
            read_table(tmp_path / "book.csv")
