"""The example fieldwork: labelled as invented, made from a seed, realistic in its faults and disagreements."""

from __future__ import annotations

import zipfile

import pandas as pd
import pytest
from openpyxl import load_workbook

import fieldwork_examples as examples
from research.fieldwork.instruments import codebook
from research.fieldwork.instruments.items import survey_items
from research.fieldwork.instruments.workbook import INVENTED
from research.fieldwork.intake.check import check
from research.fieldwork.intake.coding import read_coding
from research.fieldwork.intake.comparisons import read_ahp
from research.fieldwork.intake.judgements import read_vignettes
from research.fieldwork.intake.sheets import open_returned
from research.fieldwork.intake.survey import examine_survey, read_survey
from research.fieldwork.interviews import deidentify, transcripts
from research.paths import EXAMPLES

INTERVIEWS = EXAMPLES / "interviews"
BOOKS = sorted(p.relative_to(EXAMPLES).as_posix() for p in EXAMPLES.rglob("*.xlsx"))


def contents(path):
    """The parts of a workbook: libraries compress the same parts to different bytes."""
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def coding():
    return read_coding(INTERVIEWS)


def test_the_generator_writes_what_is_shipped(tmp_path):
    made = examples.make_examples(tmp_path)
    assert sorted(p.relative_to(tmp_path).as_posix() for p in made if p.suffix == ".xlsx") == BOOKS
    for path in made:
        assert contents(path) == contents(EXAMPLES / path.relative_to(tmp_path)), path.name


def test_examples_are_small():
    assert sum(p.stat().st_size for p in EXAMPLES.rglob("*") if p.is_file()) < 2_000_000


@pytest.mark.parametrize("name", BOOKS)
def test_every_sheet_says_that_it_is_invented(name):
    book = load_workbook(EXAMPLES / name, read_only=True)
    sheets = [sheet for sheet in book if sheet.title != "_form"]
    assert len(sheets) >= 3
    for sheet in sheets:
        assert next(sheet.iter_rows(max_row=1, max_col=1, values_only=True))[0] == INVENTED, sheet.title


def test_every_transcript_says_that_it_is_invented():
    texts = [p.read_text(encoding="utf-8") for p in INTERVIEWS.glob("[PC]*.txt")]
    assert len(texts) == 24 and all(text.startswith(INVENTED) for text in texts)


def test_clean_books_have_no_fault():
    for name in BOOKS:
        if name != "survey_returned.xlsx":
            assert check(EXAMPLES / name) == [], name


def test_returned_survey_has_many_kinds_of_faults():
    faults = check(EXAMPLES / "survey_returned.xlsx")
    errors = [f for f in faults if f.level == "error"]
    assert (len(errors), len(faults) - len(errors)) == (15, 20)
    kept, _ = examine_survey(open_returned(EXAMPLES / "survey_returned.xlsx"), survey_items())
    assert len(kept) == 176  # without consent 2, without id 1, a second time 1


def test_survey_is_of_180_questionnaires_of_two_groups():
    answers = read_survey(EXAMPLES / "survey_clean.xlsx")
    assert answers["group"].value_counts().to_dict() == {"customer": 100, "practitioner": 80}
    assert 0.005 < answers.filter(regex=r"^[CTH]\d_\d$").isna().mean().mean() < 0.05
    assert answers.loc[answers["group"] == "customer", "weight"].mean() == pytest.approx(1, abs=0.01)


def test_interviews_cover_both_groups_and_languages():
    units = transcripts.read_transcripts(INTERVIEWS)
    people = units.drop_duplicates("participant")
    assert people.groupby(["group", "language"]).size().tolist() == [6, 6, 6, 6]
    assert units.groupby("document").size().between(8, 16).all()
    assert not units["text"].duplicated().any()  # nobody says what another has said
    assert units["text"].str.len().median() > 30


def test_coders_agree_as_trained_coders_do(coding):
    keys = ["document", "segment", "code"]
    allowed = codebook.assignable(codebook.read_codebook())
    given = {c: set(map(tuple, rows[keys].values)) for c, rows in coding.codings.groupby("coder")}
    both, one = len(given["A"] & given["B"]), len(given["A"] ^ given["B"])
    cells = len(coding.units) * len(allowed)
    agreement = 1 - one / cells
    shares = [len(g) / cells for g in given.values()]
    expected = shares[0] * shares[1] + (1 - shares[0]) * (1 - shares[1])
    assert 0.6 < (agreement - expected) / (1 - expected) < 0.85
    assert both > 100 and set(coding.codings["code"]) == set(allowed)
    coded = coding.codings.groupby(["document", "segment"]).ngroups
    assert coded < len(coding.units)  # some turns are small talk


def test_experts_disagree_but_not_at_random():
    judged = read_vignettes(EXAMPLES / "vignettes.xlsx")
    assert judged.groupby("expert").size().tolist() == [24] * 10
    assert set(judged["dataset"]) == {examples.DATASET}
    ranks = judged.assign(rank=judged["tier"].cat.codes).pivot(
        index="vignette", columns="expert", values="rank"
    )
    correlation = ranks.corr(method="spearman")
    assert 0.4 < correlation.where(correlation < 1).mean().mean() < 0.95
    assert set(judged["tier"]) == {"premium", "low", "medium", "high"}


def test_experts_compare_every_pair():
    judged = read_ahp(EXAMPLES / "ahp.xlsx")
    assert judged.groupby("expert").size().tolist() == [6] * 12
    assert judged["value"].between(1 / 9, 9).all()


def test_transcripts_identify_nobody_but_one_waived_nickname():
    texts = transcripts.searched_texts(transcripts.transcripts(INTERVIEWS))
    found = deidentify.scan(texts, deidentify.read_names(INTERVIEWS / "names.txt"))
    checked = deidentify.require_clean(found, deidentify.read_waivers(INTERVIEWS / "waivers.csv"))
    assert checked["finding"].nunique() == 1 and checked["waived"].all()


def test_reference_coding_fits_transcripts_and_codebook():
    reference = pd.read_csv(INTERVIEWS / "reference_coding.csv", dtype=str, keep_default_na=False)
    units = transcripts.read_transcripts(INTERVIEWS)
    assert set(map(tuple, reference[["document", "segment"]].values)) == set(
        map(tuple, units[["document", "segment"]].values)
    )
    used = {code for codes in reference["codes"] for code in codes.split(";") if code}
    assert used == set(codebook.assignable(codebook.read_codebook()))
