"""The first page of a run: what came out, then how to get to it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import nbformat

from research.exhibits.words import Words
from research.files.textfiles import read_yaml
from research.pages import sources, values
from research.pages.checklists import STATES, Checklist, Line, counts, declarations, fill, load, of_models
from research.pages.crate import METADATA, write_crate
from research.pages.files import write_if_changed
from research.pages.markdown import Heading, slug
from research.pages.notebooks import stopped
from research.pages.pagecheck import broken_links, faults, ids, section_names
from research.pages.payload import exhibits, payload_to_frame
from research.pages.provenance import look_hash
from research.pages.render import linked_from_elsewhere, listed, numbered, page_assets, templates
from research.paths import ROOT

# Whose answers are what came out of the study, in this order.
VERDICTS = ("05_comparison", "11_synthesis")
# Exhibits that the first page repeats: above the answers and below them, notebook → names.
FIRST = {"05_comparison": ("rankings",)}
REPEATED = {"11_synthesis": ("verdicts", "open_claims"), "05_comparison": ("lenders",)}
CITATION = ROOT / "CITATION.cff"
SECTIONS = {
    "verdict": "What came out",
    "notebooks": "Question by question",
    "reproduced": "Same numbers as before?",
    "cite": "How to cite, and what the data allow",
    "checklists": "Checklists",
    "parameters": "Parameters",
    "downloads": "Downloads",
}
MOVED_SHOWN = 50
REFRESH = 10  # seconds after which a browser looks whether more pages are there


class IndexFailed(Exception):
    """The index could not be made without a fault; the message says which."""


def write_index(out: Path, pages: list[tuple[str, str]], executed: list[Path], reference: Path) -> None:
    """Write `index.html`, `checklists.html`, `values.json`, `reproduced.json`, the workbook and the crate of a run.

    The tables of each notebook are in `results/` already; those of notebooks that no longer belong to it are removed.

    Raises:
        IndexFailed: the index or a link between pages is broken, or a checklist names a section that is missing.
    """
    record = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    failed = json.loads((out / ".run" / "failed.json").read_text(encoding="utf-8"))
    collected = values.collect(executed)
    found = values.values_record(collected, record["study"])
    write_if_changed(out / "values.json", values.values_text(found))
    results = out / "results"
    for stale in set(results.glob("*/")) - {results / path.stem for path in executed}:
        shutil.rmtree(stale)
    workbook = results / "tables.xlsx"
    values.write_workbook(workbook, collected.tables, look_hash(), out / ".run" / "workbook")
    comparison = values.reproduced(found, reference)
    write_if_changed(out / "reproduced.json", json.dumps(comparison, indent=1, ensure_ascii=False))
    filled, problems = filled_checklists(out, executed, record)
    page = index_page(out, pages, executed, collected, record, failed, comparison, filled)
    write_if_changed(out / "index.html", page)
    listed = checklists_page(out, pages, executed, filled, record)
    write_if_changed(out / "checklists.html", listed)
    problems += faults(page) + faults(listed)
    write_crate(out, record, [path.stem for path in executed])
    made = {path.name: path.read_text(encoding="utf-8") for path in sorted(out.glob("*.html"))}
    problems += broken_links(made, failed)
    if problems:
        raise IndexFailed("; ".join(dict.fromkeys(problems)))


def write_arriving(out: Path, pages: list[tuple[str, str]], executed: list[Path]) -> None:
    """Write an `index.html` that leads to the pages of a run that are there, and names those that are to come."""
    record = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    stems = [path.stem for path in executed]
    lines = lines_of(pages, stems, values.collect(executed), {})
    page = frame_of("index", pages, stems, record, []) | {"refresh": REFRESH}
    template = templates().get_template("arriving.html.j2")
    coming = [title for stem, title in pages if stem not in stems]
    write_if_changed(out / "index.html", template.render(page=page, lines=lines, coming=coming))


def frame_of(
    name: str, pages: list[tuple[str, str]], stems: list[str], record: dict[str, Any], headings: list[Heading]
) -> dict[str, Any]:
    """Return what stands around a page that is no notebook: the list of those that are there, its own headings."""
    there = listed([(stem, title) for stem, title in pages if stem in stems], record)
    return {"stem": name, "pages": there, "headings": headings, "record": record, **page_assets()}


def lines_of(
    pages: list[tuple[str, str]], stems: list[str], collected: values.Collected, failed: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return what the index says of each page that is there or failed: title, answer, failure, banners."""
    titles = {stem: title for stem, title in pages if stem in stems}
    lines = []
    for stem, title in pages:
        if stem not in stems and stem not in failed:
            continue
        said = collected.answer(stem)
        answer = linked_from_elsewhere(said["html"], stem, collected.numbers[stem], titles) if said else ""
        banners = [entry["banner"] for entry in collected.banners.get(stem, [])]
        told = {"title": title, "answer": answer, "failed": failed.get(stem, ""), "banners": banners}
        lines.append({"stem": stem} | told)
    return lines


def index_page(
    out: Path,
    pages: list[tuple[str, str]],
    executed: list[Path],
    collected: values.Collected,
    record: dict[str, Any],
    failed: dict[str, str],
    comparison: dict[str, Any],
    filled: list[tuple[Checklist, list[Line]]],
) -> str:
    """Return the HTML of the index."""
    stems = [path.stem for path in executed]
    titles = {stem: title for stem, title in pages if stem in stems}
    lines = lines_of(pages, stems, collected, failed)
    apart = {entry["stem"] for entry in listed(pages, record) if entry["demonstration"]}
    rests_on, shows = split_banners(collected.banners, apart)
    verdicts = [line for stem in VERDICTS for line in lines if line["stem"] == stem and line["answer"]]
    sections = [
        Heading(2, anchor, text) for anchor, text in SECTIONS.items() if anchor != "verdict" or verdicts
    ]
    page = frame_of("index", pages, stems, record, sections)
    first, repeated = (
        [
            one
            for stem in wanted
            for path in executed
            if path.stem == stem
            for one in repeated_exhibits(path, wanted[stem], titles, collected.numbers[stem], comparison)
        ]
        for wanted in (FIRST, REPEATED)
    )
    answers = [
        (key, entry["cell"], entry) for key, entry in collected.prose.items() if entry["kind"] == "answer"
    ]
    page["numbers"] = sources.record([*answers, *(one[1:] for one in first + repeated)], comparison, Words())
    template = templates().get_template("study.html.j2")
    return template.render(
        page=page,
        verdicts=verdicts,
        parts=[[line for line in lines if (line["stem"] in apart) == shown] for shown in (False, True)],
        banners=rests_on,
        demonstrated=shows,
        comparison=comparison,
        moved=comparison.get("moved", [])[:MOVED_SHOWN],
        parameters=flat_parameters(record["study"]["parameters"]),
        files=["results/tables.xlsx"] if collected.tables else [],
        executed=[f"executed/{stem}.ipynb" for stem in stems],
        tables=len(collected.tables),
        crate=METADATA,
        checklists=[told(one, answers) for one, answers in filled],
        states=STATES,
        first=[one[0] for one in first],
        repeated=[one[0] for one in repeated],
        citation=read_yaml(CITATION) if CITATION.exists() else None,
    )


def told(one: Checklist, answers: list[Line]) -> dict[str, Any]:
    """Return a checklist for a page: its anchor, its lines, and how many of them are in each state."""
    return {"list": one, "anchor": slug(one.name), "lines": answers, "counts": counts(answers)}


def repeated_exhibits(
    executed: Path,
    wanted: tuple[str, ...],
    titles: dict[str, str],
    numbers: dict[str, str],
    comparison: dict[str, Any],
) -> list[tuple[str, str, int, dict[str, Any]]]:
    """Return (HTML, key, cell, payload) of what the first page repeats of a notebook; its links lead there."""
    found = {}
    for cell, payload in exhibits(nbformat.read(executed, as_version=4)):
        if (name := payload["name"]) in wanted:
            html = numbered(payload, numbers[name], executed.stem, cell, comparison, Words())
            html = linked_from_elsewhere(html, executed.stem, numbers, titles)
            found[name] = (html, f"{executed.stem}/{name}", cell, payload)
    return [found[name] for name in wanted if name in found]


def filled_checklists(
    out: Path, executed: list[Path], record: dict[str, Any]
) -> tuple[list[tuple[Checklist, list[Line]]], list[str]]:
    """Return the checklists with their answers, and what contradicts the pages of the run."""
    read = [path for path in executed if not stopped(path)]
    anchors = {path.stem: ids((out / f"{path.stem}.html").read_text(encoding="utf-8")) for path in read}
    anchors["index"] = frozenset(SECTIONS)
    declared = declarations(record["study"]["parameters"]["fieldwork"]["declarations"])
    lists = [*((one, declared) for one in load()), *of_models(disclosed(read))]
    filled: list[tuple[Checklist, list[Line]]] = []
    problems: list[str] = []
    for one, said in lists:
        answers, contradictions = fill(one, anchors, said)
        filled.append((one, answers))
        problems += contradictions
    return filled, problems


def disclosed(executed: list[Path]) -> dict[str, dict[str, str]]:
    """Return what page 10 states of each language model that coded, name → item → answer; empty where none did."""
    found = {}
    for path in (path for path in executed if path.stem == "10_interviews"):
        for _, payload in exhibits(nbformat.read(path, as_version=4)):
            if payload["name"].startswith("disclosure"):
                frame = payload_to_frame(payload)
                found[frame["coder"].iloc[0]] = dict(zip(frame["item"], frame["answer"], strict=True))
    return found


def checklists_page(
    out: Path,
    pages: list[tuple[str, str]],
    executed: list[Path],
    filled: list[tuple[Checklist, list[Line]]],
    record: dict[str, Any],
) -> str:
    """Return the HTML of the checklists, item by item."""
    stems = [path.stem for path in executed]
    titles = {**{stem: title for stem, title in pages if stem in stems}, "index": "The study at a glance"}
    sections = {
        path.stem: section_names((out / f"{path.stem}.html").read_text(encoding="utf-8")) for path in executed
    }
    sections["index"] = SECTIONS
    headings = [Heading(2, slug(one.name), one.name) for one, _ in filled]
    page = frame_of("checklists", pages, stems, record, headings)
    lists = [told(one, answers) for one, answers in filled]
    template = templates().get_template("checklists.html.j2")
    return template.render(page=page, lists=lists, titles=titles, sections=sections)


def split_banners(
    banners: Mapping[str, list[dict[str, Any]]], apart: Collection[str]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the banners of what the findings rest on, and those of what is shown beside them.

    Args:
        banners: page → its banners in order; the first one stands above the page's answer.
        apart: pages that only show a method.
    """
    first = [entries[0] for stem, entries in banners.items() if entries and stem not in apart]
    others = [entry for entries in banners.values() for entry in entries if entry not in first]
    return banners_of(first), banners_of(others)


def banners_of(entries: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return (kind, text) of the banners for all pages: everything that is real, of other kinds what most pages say."""
    said: dict[str, Counter[str]] = {}
    for entry in entries:
        if entry["banner"] != "assumed":  # stands above the part of a page that is
            said.setdefault(entry["banner"], Counter())[entry["text"]] += 1
    return [
        (kind, text)
        for kind, texts in said.items()
        for text, _ in texts.most_common(None if kind == "real" else 1)
    ]


def flat_parameters(parameters: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return (dotted name, value as text) of all parameters."""
    rows: list[tuple[str, str]] = []
    for name, value in parameters.items():
        if name in ("dataset", "crosswalk"):
            value = Path(value).name  # a page does not tell where on a disk a loan book lies
        if isinstance(value, dict):
            rows += flat_parameters(value, f"{prefix}{name}.")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            rows.append((prefix + name, shown or "–"))
    return rows
