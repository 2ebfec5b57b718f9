"""R3: the interviews."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from research.errors import UserError
from research.fieldwork import integration, machine
from research.fieldwork.instruments import codebook
from research.fieldwork.intake.coding import Coding, read_coding
from research.fieldwork.intake.decisions import open_decisions, read_decisions
from research.fieldwork.intake.disclosure import read_disclosures
from research.fieldwork.interviews import (
    coder_agreement,
    coding,
    deidentify,
    resolution,
    saturation,
    transcripts,
)
from research.files.fingerprint import fingerprint
from research.parameters import Fieldwork, Study
from research.steps import step
from research.study.workbooks import beside, fingerprint_of, located, optional


def interviews_key(study: Study) -> str:
    """Return the fingerprint of transcripts, codings, codebook, names and waivers."""
    own = [located(path, "codings") for path in study.fieldwork.codings]
    return fingerprint_of(study, "interviews", "codebook", "names", "waivers", "decisions") + fingerprint(own)


@step("fieldwork", data=interviews_key)
def interviews(study: Study) -> dict[str, pd.DataFrame]:
    """Return the coded interviews: units, codings, assignments, codebook, and the waived findings.

    `codings` are those of the coders who worked alone, from which reliability comes; `counted` are those that count:
    all of them, or where coders decided what they differ in (`decisions`), those that they settled on.

    Raises:
        UserError: a text could identify somebody and no waiver covers it, so that nothing may be shown; or the coders
            read other texts than the transcripts.
    """
    return read_interviews(study.fieldwork)


def read_interviews(given: Fieldwork) -> dict[str, pd.DataFrame]:
    """Read transcripts and codings, see `interviews`."""
    folder = located(given.interviews, "interviews")
    book = codebook.read_codebook(optional(given.codebook, "codebook"))
    read = transcripts.transcripts(folder)
    units = transcripts.units_of(read)
    names = optional(given.names, "names") or beside(folder, "names.txt")
    waivers = optional(given.waivers, "waivers") or beside(folder, "waivers.csv")
    listed = deidentify.read_names(names) if names else []
    findings = deidentify.require_clean(
        deidentify.scan(transcripts.searched_texts(read), listed, units),
        deidentify.read_waivers(waivers) if waivers else None,
    )
    coded = read_coding([located(path, "codings") for path in given.codings] or folder, codebook=book)
    _same_texts(units, coded.units)
    return _decided(given, folder, units, book, coded) | {
        "units": units,
        "codings": coded.codings,
        "assignments": coded.assignments,
        "codebook": book,
        "findings": findings,
        "names": pd.DataFrame({"names": [len(listed)]}),
    }


@step(interviews, "bootstrap", "seed")
def coders_agreement(study: Study) -> dict[str, pd.DataFrame]:
    """Return the coders' agreement per code and overall, by segments and by whole interviews, and where they differ.

    `alpha` holds Krippendorff's α on the coded turns with what it says of each code, see `coder_agreement.readings`;
    `settled` and `after` what was decided, see `resolution.by_code` and `by_coder`, empty where nothing was.
    """
    found = interviews(study)
    parts = (found["codings"], found["units"], _assignable(found["codebook"]))
    options = {"assignments": found["assignments"], **_drawn(study)}
    by_document = coder_agreement.code_agreement(*parts, resample="document", **options)
    codes = coder_agreement.code_agreement(*parts, **options)
    alpha = codes[(codes["measure"] == "krippendorff_alpha") & (codes["base"] == "coded")]
    alpha = alpha.assign(reading=coder_agreement.readings(alpha))
    given = found["decisions"]
    after = resolution.by_coder(*parts, found["assignments"], given, **_drawn(study)) if len(given) else given
    return {
        "codes": codes,
        "alpha": alpha,
        "settled": resolution.by_code(given, alpha) if len(given) else given,
        "after": after,
        "by_document": by_document[by_document["scope"] == "overall"],
        "disagreements": coder_agreement.disagreements(*parts, found["assignments"]),
    }


def machine_key(study: Study) -> str:
    """Return the fingerprint of what language models coded and of what is said of them, prompts included."""
    given = study.fieldwork
    files = [located(path, "machine") for path in given.machine]
    return f"{fingerprint(files)}{disclosed(given)}"


@step(interviews, "fieldwork", "bootstrap", "seed", data=machine_key)
def machine_coders(study: Study) -> dict[str, pd.DataFrame]:
    """Return what language models coded beside people, empty where none did.

    `answers` how many turns each answered, refused and left; `agreement` with people and `runs` among runs, see
    `machine`; `disclosure` what the author says of each model: `coder`, `item`, `topic`, `asks`, `answer`.
    """
    names = ("answers", "agreement", "runs", "disclosure")
    if not study.fieldwork.machine:
        return {name: pd.DataFrame() for name in names}
    found = interviews(study)
    given, book = read_machines(study.fieldwork, found), _assignable(found["codebook"])
    people = (found["codings"], found["units"], book, found["assignments"], found["decisions"])
    tables = (
        machine.machine_answers(given),
        machine.machine_agreement(given, *people, **_drawn(study)),
        machine.machine_runs(given, found["units"], book, **_drawn(study)),
        machine.disclosure(given, disclosed(study.fieldwork)),
    )
    return dict(zip(names, tables, strict=True))


def read_machines(given: Fieldwork, found: dict[str, pd.DataFrame]) -> machine.Machines:
    """Read the codings of language models, and see that every form is of one of them."""
    opened = machine.open_codings([located(path, "machine") for path in given.machine])
    people = list(found["assignments"]["coder"].unique())
    read = machine.read_machines(opened, found["units"], found["codebook"], people)
    machine.disclosure(read, disclosed(given))
    return read


def disclosed(given: Fieldwork) -> dict[str, dict[str, str]]:
    """Return what authors say of the models, see `read_disclosures`."""
    return read_disclosures([located(path, "disclosures") for path in given.disclosures])


@step(interviews)
def themes(study: Study) -> dict[str, pd.DataFrame]:
    """Return who spoke and what was said: theme tree, frequencies, codes that meet, quotations, sides of each benefit.

    Every code among `counted` counts, see `interviews`, whoever gave it. `sides` is empty where a codebook of the
    study's own lacks themes of the hypotheses.
    """
    found = interviews(study)
    parts = (found["counted"], found["units"], found["codebook"])
    hypotheses = integration.read_hypotheses()
    named = ";".join([*hypotheses["themes_for"], *hypotheses["themes_against"]]).split(";")
    known = set(named) <= set(found["codebook"]["code"])
    return {
        "people": coding.participants(found["codings"], found["units"]),
        "sides": integration.theme_evidence(*parts, hypotheses) if known else pd.DataFrame(),
        "tree": coding.theme_tree(*parts),
        "frequencies": coding.code_frequencies(*parts),
        "cooccurrence": coding.cooccurrence(found["counted"], codebook.assignable(found["codebook"])),
        "quotations": coding.quotations(*parts),
    }


@step(interviews, "bootstrap", "seed")
def theme_saturation(study: Study) -> dict[str, pd.DataFrame]:
    """Return the saturation curve, where the rule stops, the band over random orders, and how often it stops where."""
    found = interviews(study)
    parts = (found["counted"], found["units"])
    curve = saturation.saturation_curve(*parts)
    options = {"permutations": study.bootstrap, "seed": study.seed}
    return {
        "curve": curve,
        "stop": saturation.stopping_point(curve),
        "band": saturation.permutation_band(*parts, **options),
        "stops": saturation.stopping_points(*parts, **options),
    }


def _drawn(study: Study) -> dict[str, int]:
    return {"resamples": study.bootstrap, "seed": study.seed}


def _decided(
    given: Fieldwork, folder: Path, units: pd.DataFrame, book: pd.DataFrame, coded: Coding
) -> dict[str, pd.DataFrame]:
    """Read what the coders decided, and return it with the codings that count."""
    path = optional(given.decisions, "decisions") or beside(folder, "resolve.xlsx")
    if path is None:
        return {"counted": coded.codings, "decisions": pd.DataFrame()}
    differ = coder_agreement.disagreements(coded.codings, units, _assignable(book), coded.assignments)
    version = resolution.codings_version(coded.codings, coded.assignments, differ)
    decisions = read_decisions(open_decisions(path), differ, version)
    return {"counted": resolution.settled(coded.codings, decisions), "decisions": decisions}


def _assignable(book: pd.DataFrame) -> pd.DataFrame:
    """The codes that may be given to a segment; a theme is never applied itself."""
    return book[book["code"].isin(codebook.assignable(book))]


def _same_texts(units: pd.DataFrame, coded: pd.DataFrame) -> None:
    """Stop when coders read a text that is not in the transcripts as they are now."""
    keys = ["document", "segment"]
    both = coded.merge(units[[*keys, "text"]], on=keys, how="left", suffixes=("", "_now"))
    other = both[both["text"].map(_plain) != both["text_now"].map(_plain)]
    if len(other):
        first = other.iloc[0]
        raise UserError(
            f"document {first['document']}, segment {first['segment']}: the coding workbooks hold another text than "
            "the transcript; expected codings of the transcripts as they are"
        )


def _plain(text: object) -> str:
    return "".join(str(text).split())
