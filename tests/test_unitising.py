"""Agreement by character: a published worked example, cases by hand, and the command on each kind of input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from research.commands.fieldwork import app
from research.errors import UserError
from research.fieldwork import exchange
from research.fieldwork.interviews.unitising import unitising_agreement
from research.paths import EXAMPLES

# Three observers of a continuum of 60 (Krippendorff 2019, Content Analysis, 4th ed., Figure 12.11).
BOOK = {
    "Alex": [(0, 7, 1), (7, 13, 2), (30, 32, 5), (32, 37, 6), (37, 44, 6), (44, 60, 7)],
    "Paul": [(0, 7, 1), (7, 13, 3), (13, 21, 5), (32, 44, 6)],
    "Suzan": [(0, 7, 1), (7, 13, 4), (13, 21, 5), (32, 37, 6), (37, 41, 6), (41, 44, 6)],
}


def selections(by_coder: dict[str, list[tuple]], document: str = "d") -> pd.DataFrame:
    rows = [
        (coder, document, str(code), start, end)
        for coder, spans in by_coder.items()
        for start, end, code in spans
    ]
    return pd.DataFrame(rows, columns=["coder", "document", "code", "start", "end"])


def overall(table: pd.DataFrame) -> pd.Series:
    return table[table["scope"] == "overall"].set_index("measure")["estimate"]


def test_the_worked_example_of_krippendorff() -> None:
    """§12.6.3 to 12.6.5: uα 0.510, |uα 0.413 and cuα 0.724."""
    found = overall(unitising_agreement(selections(BOOK), {"d": 60}))
    assert found["u_alpha"] == pytest.approx(0.510, abs=5e-4)
    assert found["u_alpha_binary"] == pytest.approx(0.413, abs=1e-3)
    assert found["cu_alpha"] == pytest.approx(0.724, abs=5e-4)


def test_one_code_of_two_coders_by_hand() -> None:
    """10 characters, 2–6 against 4–8. ℓ: 4 of 20 differ each way, so Dₒ = 8; marked 8, gaps 12, Σ own = 16 + 16 + 12.

    ε: 2·8·12 / (20 − 44/20) = 192/17.8, hence α = 1 − 8 · 17.8 / 192.
    """
    table = unitising_agreement(selections({"A": [(2, 6, "x")], "B": [(4, 8, "x")]}), {"d": 10})
    one = table[table["scope"] == "code"].iloc[0]
    assert one["estimate"] == pytest.approx(1 - 8 * 17.8 / 192)
    assert one["applied"] == 2 and one["note"] == "one document: no interval"


def test_equal_selections_agree_and_nothing_coded_is_undefined() -> None:
    same = selections({"A": [(0, 5, "x"), (3, 9, "y")], "B": [(0, 5, "x"), (3, 9, "y")]})
    assert overall(unitising_agreement(same, {"d": 20}))["u_alpha"] == pytest.approx(1)
    seen = pd.DataFrame({"coder": ["A", "B"], "document": "d"})
    table = unitising_agreement(same[:0], {"d": 20}, seen)
    assert table["estimate"].isna().all() and table["note"].str.startswith("undefined").all()


def test_codes_on_one_place_count_together_and_overlaps_of_one_code_once() -> None:
    both = selections({"A": [(0, 10, "x"), (0, 10, "y")], "B": [(0, 10, "x")]})
    table = unitising_agreement(both, {"d": 30})
    assert overall(table)["u_alpha_binary"] == pytest.approx(1)
    assert overall(table)["cu_alpha"] < overall(table)["u_alpha"] < 1
    once = unitising_agreement(selections({"A": [(0, 10, "x")], "B": [(5, 12, "x")]}), {"d": 30})
    twice = unitising_agreement(
        selections({"A": [(0, 6, "x"), (4, 10, "x")], "B": [(5, 12, "x")]}), {"d": 30}
    )
    pd.testing.assert_frame_equal(once.drop(columns="applied"), twice.drop(columns="applied"))


def test_documents_are_resampled_and_those_of_one_coder_left_out() -> None:
    rng, parts = np.random.default_rng(1), []
    for n in range(12):
        a, b = int(rng.integers(0, 40)), int(rng.integers(0, 6))
        parts.append(selections({"A": [(a, a + 20, "x")], "B": [(a + b, a + 20, "x")]}, f"d{n}"))
    alone = selections({"A": [(0, 9, "x")]}, "alone")
    table = unitising_agreement(pd.concat([*parts, alone]), {f"d{n}": 80 for n in range(12)}, resamples=200)
    row = table.iloc[0]
    assert row["n"] == 12 and row["ci_low"] < row["estimate"] < row["ci_high"]
    again = unitising_agreement(pd.concat([*parts, alone]), {f"d{n}": 80 for n in range(12)}, resamples=200)
    pd.testing.assert_frame_equal(table, again)


def test_selections_that_cannot_be_are_named() -> None:
    with pytest.raises(UserError, match="coder A, document d: a selection from 9 to 4"):
        unitising_agreement(selections({"A": [(9, 4, "x")], "B": [(0, 2, "x")]}), {"d": 10})
    with pytest.raises(UserError, match="no document was coded by two coders"):
        unitising_agreement(selections({"A": [(0, 4, "x")]}), {"d": 10})


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["agreement", *map(str, arguments)])
    if isinstance(result.exception, UserError):
        return str(result.exception)
    assert result.exit_code == 0, result.exception
    return result.output


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("qda")
    interviews, out = EXAMPLES / "interviews", folder / "p.qdpx"
    coded = [interviews / f"coding_{coder}.xlsx" for coder in "AB"]
    runner = CliRunner()
    made = runner.invoke(
        app, ["export-qda", *map(str, coded), "--transcripts", str(interviews), "--out", str(out)]
    )
    assert made.exit_code == 0, made.exception
    assert runner.invoke(app, ["import-qda", str(out), "--out", str(folder / "imported")]).exit_code == 0
    return folder


def test_an_imported_project_agrees_as_the_workbooks_do(imported, tmp_path) -> None:
    for source, name in ((imported / "imported", "a.csv"), (EXAMPLES / "interviews", "b.csv")):
        told = run(source, "--resamples", 0, "--out", tmp_path / name)
        assert "coders: A, B · 268 units in 24 documents" in told
    keys = ["code", "base", "measure"]
    first, second = (
        pd.read_csv(tmp_path / name).dropna(subset=["estimate"]).set_index(keys)["estimate"].sort_index()
        for name in ("a.csv", "b.csv")
    )
    pd.testing.assert_series_equal(first, second)


def test_a_project_by_character(imported) -> None:
    told = run(imported / "imported", "--by", "character", "--resamples", 50)
    assert "Agreement by character" in told and "unfair_treatment" in told
    assert "Agreement by character" in run(imported / "p.qdpx", "--by", "character", "--resamples", 0)


def test_selections_of_several_coders_with_the_same_limits_are_one_unit(tmp_path) -> None:
    rows = [("A", 0, 10, "x"), ("B", 0, 10, "x"), ("A", 20, 30, "y"), ("B", 22, 30, "y")]
    project = exchange.Project(
        tables={
            "users": pd.DataFrame({"guid": ["A", "B"], "name": ["A", "B"], "id": ["", ""]}),
            "codes": pd.DataFrame({"id": ["x", "y"], "guid": ["x", "y"], "name": ["x", "y"]}),
            "sources": pd.DataFrame(
                [{"id": "s", "guid": "s", "tag": "TextSource", "name": "talk", "PlainTextContent": "word " * 10}]
            ),
            "selections": pd.DataFrame(
                [
                    {"id": f"q{n}", "guid": f"q{n}", "tag": "PlainTextSelection", "owner": "s", "name": "",
                     "startPosition": str(a), "endPosition": str(b)}
                    for n, (_, a, b, _) in enumerate(rows)
                ]
            ),
            "codings": pd.DataFrame(
                [
                    {"id": f"c{n}", "guid": f"c{n}", "owner": f"q{n}", "code": code, "creatingUser": coder}
                    for n, (coder, _, _, code) in enumerate(rows)
                ]
            ),
        }
    )  # fmt: skip
    exchange.write_folder(project, tmp_path / "own")
    told = run(tmp_path / "own", "--resamples", 0, "--out", tmp_path / "t.csv")
    assert "3 units in 1 documents" in told
    table = pd.read_csv(tmp_path / "t.csv").set_index(["code", "base", "measure"])["estimate"]
    assert table["x", "all", "cohen_kappa"] == pytest.approx(1)
    by_character = run(tmp_path / "own", "--by", "character", "--resamples", 0, "--out", tmp_path / "c.csv")
    assert "Where each code is" in by_character
    assert 0.8 < pd.read_csv(tmp_path / "c.csv").query("code == 'y'")["estimate"].item() < 1


def test_a_table_of_selections_by_character(tmp_path) -> None:
    selections(BOOK).to_csv(tmp_path / "t.csv", index=False)
    told = run(tmp_path / "t.csv", "--by", "character", "--out", tmp_path / "out.csv")
    assert "coders: Alex, Paul, Suzan" in told and "taken to end with the last selection: d" in told
    assert overall(pd.read_csv(tmp_path / "out.csv"))["u_alpha"] == pytest.approx(0.510, abs=5e-4)


def test_what_has_no_limits_cannot_be_compared_by_character(tmp_path) -> None:
    assert "an imported project" in run(EXAMPLES / "interviews", "--by", "character")
    pd.DataFrame({"a": ["x", "y"], "b": ["x", "x"]}).to_csv(tmp_path / "t.csv", index=False)
    assert "coder, document, code, start and end" in run(tmp_path / "t.csv", "--by", "character")
