"""What a batch found: the answers of all runs side by side, and which parameter moves which of their values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import mutual_info_score

from research.pages import values
from research.pages.files import write_if_changed
from research.pages.index import VERDICTS
from research.pages.markdown import Heading
from research.pages.markup import ENGLISH, MISSING
from research.pages.pagecheck import faults
from research.pages.payload import frame_to_payload, plain
from research.pages.render import page_assets, templates
from research.pages.workbook import workbook_bytes
from research.parameters import Study
from research.runs.batch import Outcome
from research.runs.grid import Grid
from research.runs.plan import Plan

EFFECTS_SHOWN = 40


def write_comparison(grid: Grid, plans: list[Plan], outcomes: list[Outcome], out: Path) -> Path:
    """Write `index.html`, `runs.csv`, `effects.csv` and `comparison.xlsx` of a batch and return the page."""
    records = {
        outcome.name: json.loads((out / "runs" / outcome.name / "values.json").read_text(encoding="utf-8"))
        for outcome in outcomes
        if outcome.state != "failed"
    }
    runs = runs_table(grid, plans, outcomes)
    answered = answers(records)
    effects = effects_of(runs.set_index("run")[grid.varied], answered)
    tables = {"runs": runs.drop(columns="seconds"), "answers": answered.reset_index(), "effects": effects}
    for name, frame in tables.items():
        write_if_changed(out / f"{name}.csv", values.csv_bytes(frame))
    sheets = {
        f"batch/{name}": {"caption": caption, **frame_to_payload(tables[name])}
        for name, caption in (
            ("runs", "Runs of the batch with the parameters that differ"),
            ("answers", "Values in the answers of every run"),
            ("effects", "Share of a value's variation that goes with a parameter"),
        )
    }
    write_if_changed(out / "comparison.xlsx", workbook_bytes(sheets))
    page = comparison_page(grid, outcomes, runs, answered, effects, records, out)
    if problems := faults(page):
        raise RuntimeError("; ".join(problems))
    write_if_changed(out / "index.html", page)
    return out / "index.html"


def runs_table(grid: Grid, plans: list[Plan], outcomes: list[Outcome]) -> pd.DataFrame:
    """Return one row per run: `run`, the varied parameters, `state`, `seconds`, `message`."""
    return pd.DataFrame(
        [
            {
                "run": outcome.name,
                **{
                    name: changes[name] if name in changes else lookup(plan.study, name)
                    for name in grid.varied
                },
                "state": "failed" if outcome.state == "failed" else "done",
                "seconds": outcome.seconds,
                "message": outcome.message,
            }
            for changes, plan, outcome in zip(grid.runs, plans, outcomes, strict=True)
        ]
    )


def lookup(study: Study, name: str) -> Any:
    """Return a parameter of a study by its dotted name; None when it belongs to a notebook."""
    found: Any = study
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def answers(records: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """Return one row per run (index `run`) and one column per value named in an answer."""
    rows = {
        run: {
            f"{key.partition('/')[0]}.{name}": value
            for key, entry in record["prose"].items()
            if key.endswith("/answer")
            for name, value in entry["values"].items()
        }
        for run, record in records.items()
    }
    frame = pd.DataFrame.from_dict(rows, orient="index")
    frame.index.name = "run"
    return frame


def effects_of(parameters: pd.DataFrame, answered: pd.DataFrame) -> pd.DataFrame:
    """Return how much of each value's variation over the runs goes with each parameter.

    Numbers: η² of a one-way layout, between-group over total sum of squares. Words: the uncertainty coefficient
    (Theil's U), mutual information over the entropy of the value. Both run from 0 (none) to 1 (the parameter decides).
    With few runs per level both are high by chance, so `n` and `levels` are given.

    Returns:
        rows `value, parameter, kind, effect, levels, n, lowest, highest`, largest effect first; constant values are
        left out.
    """
    columns = ["value", "parameter", "kind", "effect", "levels", "n", "lowest", "highest"]
    rows = []
    for value in answered.columns:
        seen = answered[value].dropna()
        seen = seen[[not isinstance(item, list | dict) for item in seen]]
        if seen.astype(str).nunique() < 2:
            continue
        numeric = all(
            isinstance(item, int | float | np.number) and not isinstance(item, bool) for item in seen
        )
        for parameter in parameters.columns:
            groups = parameters.loc[seen.index, parameter].map(
                lambda level: json.dumps(plain(level), sort_keys=True)
            )
            effect = (
                eta_squared(seen.astype(float), groups) if numeric else uncertainty(seen.astype(str), groups)
            )
            rows.append(
                {
                    "value": value,
                    "parameter": parameter,
                    "kind": "number" if numeric else "words",
                    "effect": effect,
                    "levels": groups.nunique(),
                    "n": len(seen),
                    "lowest": min(seen) if numeric else "",
                    "highest": max(seen) if numeric else "",
                }
            )
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(
        ["effect", "value", "parameter"], ascending=[False, True, True], ignore_index=True
    )


def eta_squared(numbers: pd.Series, groups: pd.Series) -> float:
    """Return η²: the between-group sum of squares over the total."""
    total = float(((numbers - numbers.mean()) ** 2).sum())
    means = numbers.groupby(groups).transform("mean")
    return float(((means - numbers.mean()) ** 2).sum()) / total


def uncertainty(words: pd.Series, groups: pd.Series) -> float:
    """Return Theil's U of the words given the groups."""
    return float(mutual_info_score(words, groups) / mutual_info_score(words, words))


def comparison_page(
    grid: Grid,
    outcomes: list[Outcome],
    runs: pd.DataFrame,
    answered: pd.DataFrame,
    effects: pd.DataFrame,
    records: dict[str, dict[str, Any]],
    out: Path,
) -> str:
    """Return the HTML of a batch."""
    record = next(
        (
            json.loads((out / "runs" / outcome.name / "provenance.json").read_text(encoding="utf-8"))
            for outcome in outcomes
            if outcome.state != "failed"
        ),
        {"study": {"title": grid.name}},
    )
    lines = [
        {
            "name": row["run"],
            "parameters": [
                row[name] if isinstance(row[name], str) else as_text(row[name]) for name in grid.varied
            ],
            "failed": row["message"] if row["state"] == "failed" else "",
            "verdicts": verdicts(records[row["run"]]) if row["run"] in records else [],
        }
        for row in runs.to_dict("records")
    ]
    moved = [
        {
            **row,
            "shown": f"{row['effect']:.2f}",
            "lowest": as_text(row["lowest"]),
            "highest": as_text(row["highest"]),
        }
        for row in effects.head(EFFECTS_SHOWN).to_dict("records")
    ]
    sections = [("moves", "What moves the answers"), ("runs", "All runs"), ("downloads", "Downloads")]
    page = {
        "stem": "index",
        "pages": [],
        "headings": [Heading(2, anchor, text) for anchor, text in sections],
        "record": {"study": {"title": f"Batch {grid.name}"}},
        **page_assets(),
    }
    constant = [name for name in answered.columns if name not in set(effects["value"])]
    return (
        templates()
        .get_template("batch.html.j2")
        .render(
            page=page,
            title=f"Batch {grid.name}: {record['study']['title']}",
            varied=grid.varied,
            lines=lines,
            moved=moved,
            constant=constant,
            failed=sum(bool(line["failed"]) for line in lines),
        )
    )


def as_text(value: Any) -> str:
    """Return a value of a parameter or of an answer as text; a dash where there is none."""
    known = plain(value)
    return MISSING if known is None else ENGLISH.value(known)


def verdicts(record: dict[str, Any]) -> list[str]:
    """Return the answer that is the verdict of a run, as text; all its answers when it has no verdict."""
    said = {
        key.partition("/")[0]: entry["text"]
        for key, entry in record["prose"].items()
        if key.endswith("/answer")
    }
    wanted = [stem for stem in VERDICTS if stem in said][:1] or list(said)
    return [said[stem] for stem in wanted]
