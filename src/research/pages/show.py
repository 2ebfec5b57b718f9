"""What a notebook shows: exhibits and sentences, carried as data, templates and fields.

A run makes words and pictures of them when it writes pages; in JupyterLab the same functions show them in English.
Nothing is returned, so that each may be the last line of a cell.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from typing import Any

import pandas as pd

from research import parameters
from research.collect.publication import SHOWN_WHOLE, smallest_count
from research.exhibits.exhibit import NAME, Exhibit, drawing_name
from research.exhibits.words import N_, Said, Words
from research.pages import disclosure, markup
from research.pages.disclosure import cells_left_out, single_persons
from research.pages.payload import MIME, frame_to_payload, tidy
from research.pages.worded import BANNERS, SAID, banner_name, count_of, shown, to_json
from research.suppression import PROTECTED

__all__ = ["answer", "banner", "further", "limits", "say", "show", "versions"]

ANSWER_WORDS, ANSWER_NUMBERS = 60, 4
# Who is counted in an exhibit, from its origin; recorded values are of public data.
PEOPLE = {"demonstration": "invented", "recorded": "invented", "reported": "fieldwork"}
PACKAGES = ("research", "pandas", "numpy", "scipy", "scikit-learn", "statsmodels", "optbinning")
LATER = "RESEARCH_PAGES"  # set in a run: pages are written later, and nobody looks at the notebook
LEFT_OUT = N_(
    "Part of these numbers is withheld: fewer than {smallest} persons, or what would give them away."
)


def show(*exhibits: Exhibit) -> None:
    """Show exhibits, in order; counts of persons that are too small are left out first.

    Raises:
        ValueError: a frame of single customers, or one without rows.
    """
    for exhibit in exhibits:
        emit(exhibit_bundle(exhibit))


def say(name: str, *sentences: Said) -> None:
    """Show a paragraph of whole sentences; `name` is its anchor and its key in `values.json`.

    Raises:
        ValueError: a bad name, or no sentence.
    """
    if not NAME.fullmatch(name):
        raise ValueError(
            f"'{name}' cannot name a paragraph: use small letters, digits and '_', a letter first"
        )
    emit(prose_bundle("finding", name, sentences))


def answer(*sentences: Said) -> None:
    """Show the page's answer, which the index repeats: once per page, at most sixty words and four numbers.

    Raises:
        ValueError: it is longer.
    """
    words, numbers = count_of(list(sentences))
    if words > ANSWER_WORDS or numbers > ANSWER_NUMBERS:
        raise ValueError(
            f"an answer has at most {ANSWER_WORDS} words and {ANSWER_NUMBERS} numbers; found {words} and {numbers}"
        )
    emit(prose_bundle("answer", "answer", sentences))


def limits(*points: Said) -> None:
    """Show what the page cannot say, one sentence a point."""
    emit(prose_bundle("limits", "limits", points))


def banner(kind: str, sentence: Said | None = None) -> None:
    """Show what the numbers below rest on: `kind` is real, reported, simulated or invented."""
    if kind not in BANNERS:
        raise ValueError(f"banner kind '{kind}' is unknown; expected one of {', '.join(BANNERS)}")
    said = sentence or Said(BANNERS[kind])
    emit(prose_bundle("banner", banner_name(kind, str(said)), [said], banner=kind))


def further(**pages: str) -> None:
    """Show where to read on: `further(**{"05_comparison": N_("which model serves which purpose")})`."""
    said = [Said(f"[{stem}]({stem}.ipynb) – {{why}}", {"why": why}) for stem, why in pages.items()]
    emit(prose_bundle("further", "further", said))


def versions(*packages: str) -> None:
    """Show the versions of Python and of packages (by default the ones the study rests on)."""
    rows = [("python", platform.python_version())]
    for package in packages or PACKAGES:
        try:
            rows.append((package, metadata.version(package)))
        except metadata.PackageNotFoundError:
            rows.append((package, "not installed"))
    caption = Said(N_("Versions of the software that made this page"))
    frame = pd.DataFrame(rows, columns=["package", "version"])
    emit(exhibit_bundle(Exhibit("versions", frame, caption), kind="versions"))


def exhibit_bundle(exhibit: Exhibit, kind: str = "") -> dict[str, Any]:
    """Return the MIME bundle of an exhibit; `kind` is another than table or figure."""
    flat = tidy(exhibit.frame)
    if flat.empty:
        raise ValueError(f"exhibit '{exhibit.name}' has no rows; show it only where there are some")
    people = PEOPLE.get(exhibit.origin, "real")
    if people not in SHOWN_WHOLE and (found := single_persons(flat)):
        raise ValueError(
            f"exhibit '{exhibit.name}' shows single customers ({found}); show groups of them instead"
        )
    safe, smallest = (
        disclosure.without_small(flat, within=exhibit.within, origin=people),
        disclosure.smallest(people),
    )
    if cells_left_out(safe) > cells_left_out(flat):  # the sentence was made of numbers that are left out now
        exhibit = replace(exhibit, caption=Said(LEFT_OUT, {"smallest": smallest}))
    safe = matched(safe, people)
    gone = cells_left_out(safe)
    payload = {
        "kind": kind or exhibit.kind,
        "name": exhibit.name,
        SAID: {"caption": to_json(exhibit.caption)} | ({"alt": to_json(exhibit.alt)} if exhibit.alt else {}),
        "headings": None
        if exhibit.headings is None
        else [
            [column, to_json(text) if isinstance(text, Said) else text]
            for column, text in exhibit.headings.items()
        ],
        "formats": {
            column: spec if isinstance(spec, str) else dict(spec) for column, spec in exhibit.formats.items()
        },
        "origin": exhibit.origin,
        "smallest": smallest,
        **({"draw": drawing_name(exhibit.draw)} if exhibit.draw else {}),
        **({"supplement": True} if exhibit.supplement else {}),
        **frame_to_payload(safe, gone),
    }
    return bundle(payload, f"{exhibit.caption}\n{safe.head(10).to_string(index=False)}")


def prose_bundle(
    kind: str, name: str, sentences: list[Said] | tuple[Said, ...], **more: Any
) -> dict[str, Any]:
    """Return the MIME bundle of sentences."""
    if not sentences:
        raise ValueError(f"{kind} '{name}' needs at least one sentence")
    payload = {"kind": kind, "name": name, SAID: {"text": [to_json(part) for part in sentences]}, **more}
    return bundle(payload, "\n".join(map(str, sentences)))


def matched(frame: pd.DataFrame, people: str) -> pd.DataFrame:
    """Return a table of an own loan book without the counts that no step has protected."""
    plan = parameters.loaded()
    own = plan is not None and people == "real" and smallest_count(plan, "loans") > 1
    if not own or PROTECTED in frame.attrs or not disclosure.persons_in(frame):
        return frame
    from research.study.counts import counts_known  # draws every step of the study in

    return disclosure.matched(frame, counts_known(plan))


def bundle(payload: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return an exhibit as data, as plain text and, where somebody is looking, as HTML in English."""
    made = {MIME: dict(payload), "text/plain": text}
    if not os.environ.get(LATER):
        made["text/html"] = markup.NOTEBOOK_STYLE + shown(dict(payload), Words())
    return made


def emit(mime_bundle: dict[str, Any]) -> None:
    """Display a MIME bundle in the notebook."""
    from IPython.display import display

    display(mime_bundle, raw=True)
