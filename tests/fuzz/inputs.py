# ruff: noqa: E501 - lists of odd values are easier to read in long lines
"""The kinds of input: how a case damages one, and what the command line does with it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import yaml

from research import parameters
from research.collect import datasets, draft, loanbook
from research.collect.crosswalk import read_crosswalk
from research.collect.tables import read_table
from research.collect.transforms import TRANSFORMS
from research.commands.fieldwork import show_agreement
from research.commands.run import assignments
from research.fieldwork import exchange
from research.fieldwork.instruments import codebook
from research.fieldwork.instruments import items as instruments
from research.fieldwork.instruments.pairs import comparison_pairs
from research.fieldwork.intake import platforms
from research.fieldwork.intake.check import annotate, check
from research.fieldwork.intake.comparisons import read_ahp
from research.fieldwork.intake.judgements import read_vignettes
from research.fieldwork.intake.survey import read_survey
from research.fieldwork.interviews import (
    deidentify,
    transcripts,  # fmt: skip
)
from research.fieldwork.survey import ahp
from research.fieldwork.survey import scales as survey
from research.manage.feedback import read_feedback
from research.pages import checklists
from research.paths import DEFINITIONS, EXAMPLES, STUDIES
from research.runs import grid

from . import corpus
from .documents import SNIPPETS, a_json, a_yaml
from .mutations import a_file, some_bytes, value, word
from .workbooks import a_workbook, with_parts


@dataclass(frozen=True)
class Attempt:
    """What one case does: files in a folder, the call, the same as a command, and names a message may give as the place."""

    files: dict[str, bytes]
    act: Callable[[Path, Path], object]
    command: tuple[str, ...] = ()
    places: tuple[str, ...] = ()


def surveys(random: Random) -> Attempt:
    """Returned surveys: workbook, single questionnaire, table."""
    name, data = random.choice((
        ("survey.xlsx", lambda: a_workbook(corpus.survey(), random)),
        ("survey.xlsx", lambda: a_workbook(corpus.survey(), random)),
        ("questionnaire.xlsx", lambda: a_workbook(corpus.questionnaire(), random)),
        ("survey.csv", lambda: a_file(corpus.survey_table(), random, ",", "gb18030")),
        ("survey.xlsm", lambda: a_workbook(corpus.survey(), random)),
    ))  # fmt: skip

    def act(folder: Path, out: Path) -> None:
        path = folder / name
        if random.random() < 0.5:
            answers = read_survey(path)
            if answers[[c for c in answers if "_" in c]].notna().any(axis=None):
                survey.design_weights(answers)
        else:
            marked(path, out)

    return Attempt(
        {name: data()}, act, ("fieldwork", "check", f"{{folder}}/{name}", "--annotated", "{out}/copy.xlsx")
    )


def codings(random: Random) -> Attempt:
    """Coding workbooks."""
    files = {"coding_A.xlsx": a_workbook(corpus.coding(), random)}
    if random.random() < 0.3:
        files["coding_B.xlsx"] = a_workbook(corpus.coding(), random)

    def act(folder: Path, out: Path) -> None:
        if random.random() < 0.5:
            show_agreement([folder / name for name in files], resamples=0)
        else:
            marked(folder / "coding_A.xlsx", out)

    command = (
        "fieldwork",
        "agreement",
        *(f"{{folder}}/{name}" for name in files),
        "--resamples",
        "20",
        "--out",
        "{out}/kappa.csv",
    )
    return Attempt(files, act, command)


def judgements(random: Random) -> Attempt:
    """Vignette workbooks with their key, and workbooks of pairwise comparisons."""
    if random.random() < 0.5:
        book, key = corpus.vignettes()
        spoil_key = random.random() < 0.25
        files = {"vignettes.xlsx": book if spoil_key else a_workbook(book, random),
                 "vignettes.key.csv": a_file(key, random, ",") if spoil_key else key.encode()}  # fmt: skip
        name, read = "vignettes.xlsx", read_vignettes
    else:
        files = {"ahp.xlsx": a_workbook(corpus.comparisons(), random)}
        name, read = "ahp.xlsx", read_comparisons

    def act(folder: Path, out: Path) -> None:
        if random.random() < 0.7:
            read(folder / name)
        else:
            marked(folder / name, out)

    return Attempt(files, act, ("fieldwork", "check", f"{{folder}}/{name}", "--annotated", "{out}/copy.xlsx"))


def read_comparisons(path: Path) -> None:
    """Read comparisons and weigh them."""
    ahp.group_weights(read_ahp(path), comparison_pairs(), resamples=20)


def exports(random: Random) -> Attempt:
    """Exports of survey platforms, and mapping files."""
    platform = random.choice(("qualtrics", "limesurvey", "wenjuanxing"))
    files: dict[str, bytes] = {}
    given = platform
    if random.random() < 0.35:
        given = "{folder}/own.yml"
        files["own.yml"] = a_yaml(corpus.mapping(platform), random)
        files["export.csv"] = corpus.export(platform).encode()
        name = "export.csv"
    elif random.random() < 0.25:
        name = "export.xlsx"
        sheet = pd.read_csv(io.StringIO(corpus.export(platform)), header=None, dtype=str)
        files[name] = a_workbook(
            corpus.written(lambda p: sheet.to_excel(p, index=False, header=False), name), random
        )
    else:
        name = random.choice(("export.csv", "export.csv", "export.tsv"))
        files[name] = a_file(corpus.export(platform), random, ",")
    accept = random.random() < 0.3

    def act(folder: Path, out: Path) -> None:
        found = platforms.read_platform(folder / name, given.format(folder=folder), accept_faults=accept)
        platforms.write_responses(found.responses, out / "answers.csv")

    command = (
        "fieldwork",
        "import-survey",
        f"{{folder}}/{name}",
        "--platform",
        given,
        "--out",
        "{out}/answers.csv",
    )
    return Attempt(files, act, command, places=("map:",))


def loan_books(random: Random) -> Attempt:
    """Own loan books in three formats, with a sound crosswalk."""
    name, data = random.choice((
        ("book.csv", lambda: a_file(corpus.loan_book(), random, ",", "gb18030")),
        ("book.csv", lambda: a_file(corpus.loan_book(), random, ",")),
        ("book.xlsx", lambda: a_workbook(corpus.loan_workbook(), random)),
        ("book.parquet", lambda: a_parquet(random)),
    ))  # fmt: skip
    files = {name: data(), "crosswalk.csv": corpus.crosswalk().encode()}

    def act(folder: Path, out: Path) -> None:
        path, rows = folder / name, folder / "crosswalk.csv"
        what = random.randrange(3)
        if what == 0:
            loanbook.blocking(loanbook.check(path, rows))
        elif what == 1:
            datasets.load(path, rows)
        else:
            draft.draft_crosswalk(read_table(path))

    check = ("datasets", "check", f"{{folder}}/{name}", "--crosswalk", "{folder}/crosswalk.csv")
    propose = ("datasets", "draft-crosswalk", f"{{folder}}/{name}", "--out", "{out}/draft.csv")
    return Attempt(files, act, random.choice((check, propose)))


def a_parquet(random: Random) -> bytes:
    """A Parquet file whose columns have other types, or whose bytes are damaged."""
    frame = corpus.loan_frame().copy()
    for _ in range(random.choice((1, 2, 4))):
        column = random.choice(list(frame.columns))
        odd = random.choice((
            lambda: [[1, 2]] * len(frame), lambda: [{"a": 1}] * len(frame), lambda: [b"\xff\x00"] * len(frame),
            lambda: pd.to_datetime(["2024-01-01"] * len(frame), utc=True), lambda: pd.to_timedelta(range(len(frame)), unit="D"),
            lambda: pd.array([True, None] * (len(frame) // 2), dtype="boolean"), lambda: pd.Categorical(["x"] * len(frame)),
            lambda: [None] * len(frame), lambda: np.full(len(frame), np.inf), lambda: pd.period_range("2024-01", periods=len(frame), freq="M"),
            lambda: [1 + 0.5] * len(frame), lambda: [word(random)[:500].encode("utf-8", "replace").decode()] * len(frame),
            lambda: pd.array([2**62] * len(frame), dtype="Int64"), lambda: pd.interval_range(0, len(frame)),
        ))  # fmt: skip
        frame[column] = odd()
    if random.random() < 0.2:
        frame = frame.rename(
            columns={
                random.choice(list(frame.columns)): word(random)[:100].encode("utf-8", "replace").decode()
            }
        )
    if random.random() < 0.15:
        frame = frame.set_index(random.choice(list(frame.columns)))
    buffer = io.BytesIO()
    try:
        frame.to_parquet(buffer)
    except Exception:  # pandas cannot write what was asked for
        buffer = io.BytesIO()
        corpus.loan_frame().to_parquet(buffer)
    data = buffer.getvalue()
    return some_bytes(data, random) if random.random() < 0.5 else data


def crosswalks(random: Random) -> Attempt:
    """Crosswalks for a sound loan book: damaged, or with any transform and argument."""
    text = corpus.crosswalk()
    if random.random() < 0.6:
        table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
        for _ in range(random.choice((1, 1, 3))):
            row = random.randrange(len(table))
            sources = random.sample(list(corpus.loan_frame().columns), random.choice((0, 1, 1, 2, 3)))
            fresh = {
                "transform": random.choice(list(TRANSFORMS)),
                "argument": argument(random),
                "source": ";".join(sources),
            }
            column = random.choice((*fresh, *fresh, *table.columns))
            for name in {column, *random.sample(list(fresh), random.choice((0, 2, 3)))}:
                table.loc[row, name] = fresh.get(name, word(random).replace("\x00", "")[:1000])
        text = table.to_csv(index=False)
    data = (
        a_file(text, random, ",", "gb18030") if random.random() < 0.5 else text.encode("utf-8-sig", "replace")
    )
    files = {"crosswalk.csv": data, "book.csv": corpus.loan_book().encode()}

    def act(folder: Path, out: Path) -> None:
        path, rows = folder / "book.csv", folder / "crosswalk.csv"
        what = random.randrange(3)
        if what == 0:
            read_crosswalk(rows)
        elif what == 1:
            loanbook.blocking(loanbook.check(path, rows))
        else:
            datasets.load(path, rows)

    return Attempt(
        files, act, ("datasets", "check", "{folder}/book.csv", "--crosswalk", "{folder}/crosswalk.csv")
    )


def argument(random: Random) -> str:
    """An argument of a transform, right or wrong."""
    return random.choice((
        "", "@", "@industry", "0.01", "times=2|min=0|max=1", "max=nan", "times=1e308", "min=inf", "over=1|2", "a=b|*=c", "=|=", "|||", "1 2 3|min=0",
        "%Y-%m-%d", "%Q", "%", "%Y%Y", "ISO8601", "mixed", word(random)[:200], f"times={word(random)[:50]}",
    ))  # fmt: skip


def studies(random: Random) -> Attempt:
    """Study files and declarations for the checklists."""
    if random.random() < 0.15:
        data = a_yaml((EXAMPLES / "declarations.yml").read_text(encoding="utf-8"), random)
        return Attempt(
            {"declared.yml": data}, lambda folder, out: checklists.declarations(str(folder / "declared.yml"))
        )
    text = random.choice(sorted(STUDIES.glob("*.yml"))).read_text(encoding="utf-8")
    full = yaml.safe_dump(parameters.load().model_dump(mode="json"), allow_unicode=True)
    data = a_yaml(random.choice((text, full)), random)
    command = ("run", "{folder}/own.yml", "--only", "no such notebook", "--out", "{out}")
    return Attempt(
        {"own.yml": data},
        lambda folder, out: parameters.load(folder / "own.yml"),
        command,
        places=("--only",),
    )


def grids(random: Random) -> Attempt:
    """Batch files."""
    text = (STUDIES / "batches" / "shares.yml").read_text(encoding="utf-8")
    more = "list: [{seed: 5}, {tier_shares.high: 0.2, tier_shares.medium: 0.2}]\nproduct: {repeats: [1, 2], weights: [equal, {A: 1, B: 2, C: 3}]}\n"
    data = a_yaml(random.choice((text, f"name: two\nstudy: quick\n{more}")), random)

    def act(folder: Path, out: Path) -> None:
        grid.plans(grid.read(folder / "grid.yml"), out)

    return Attempt({"grid.yml": data}, act, places=("runs cannot start", "study '"))


def projects(random: Random) -> Attempt:
    """REFI-QDA projects, codebooks, and the folder that an import makes."""
    if random.random() < 0.3:
        files = dict(corpus.qda_folder())
        name = random.choice(["project.json", "project.json", "project.json", *files])
        files[name] = (
            a_json(files[name].decode(), random)
            if name == "project.json"
            else some_bytes(files[name], random)
        )

        def back(folder: Path, out: Path) -> None:
            project = exchange.read_folder(folder)
            exchange.write_qda(project, out / "again.qdpx")
            exchange.write_folder(exchange.read_qda(out / "again.qdpx"), out / "again")

        return Attempt(
            files,
            back,
            ("fieldwork", "export-qda", "{folder}", "--out", "{out}/p.qdpx"),
            places=("again.qdpx", "codebook of"),
        )
    ending_ = random.choice(("qdpx", "qdpx", "qde", "qdc"))
    name, data = f"project.{ending_}", corpus.qda(ending_)
    if ending_ == "qdpx" and random.random() < 0.7:
        data = with_parts(data, random)
    elif random.random() < 0.8:
        data = a_file(data.decode("utf-8", "replace"), random, '"')
    else:
        data = some_bytes(data, random)

    def act(folder: Path, out: Path) -> None:
        project = exchange.read_qda(folder / name)
        exchange.write_folder(project, out / "tables")
        exchange.write_qda(exchange.read_folder(out / "tables"), out / f"again.{ending_}")

    command = ("fieldwork", "import-qda", f"{{folder}}/{name}", "--out", "{out}/tables")
    return Attempt({name: data}, act, command, places=("codebook of", "again."))


def dialogues(random: Random) -> Attempt:
    """Transcripts in three formats with participants, names and waivers beside them."""
    what = random.randrange(4)
    files: dict[str, bytes] = {}
    if what == 0:
        files["P07.docx"] = (
            with_parts(corpus.dialogue_docx(), random)
            if random.random() < 0.8
            else some_bytes(corpus.dialogue_docx(), random)
        )
    elif what == 1:
        files["P07.odt"] = (
            with_parts(corpus.dialogue_odt(), random)
            if random.random() < 0.8
            else some_bytes(corpus.dialogue_odt(), random)
        )
    else:
        files["P07.txt"] = a_file(corpus.DIALOGUE, random, "", "gb18030")
    if random.random() < 0.3:
        files["participants.csv"] = a_file(
            "document,participant,group,language\nP07,P07,practitioner,en\n", random, ","
        )
    if random.random() < 0.3:
        files["names.txt"] = a_file("# names\nSmith\n李雷\nAnna-Maria\n", random)
    if random.random() < 0.3:
        found = deidentify.scan(corpus.units())
        rows = "".join(f"{one},a name that is public,Li,2026-01-01\n" for one in found["finding"])
        files["waivers.csv"] = a_file(f"finding,reason,by,date\n{rows}", random, ",")
    extra = tuple(part for option, name in (("--names", "names.txt"), ("--waivers", "waivers.csv")) if name in files
                  for part in (option, f"{{folder}}/{name}"))  # fmt: skip

    def act(folder: Path, out: Path) -> None:
        found = transcripts.transcripts(folder)
        texts, units = transcripts.searched_texts(found), transcripts.units_of(found)
        names = deidentify.read_names(folder / "names.txt") if "names.txt" in files else []
        given = deidentify.read_waivers(folder / "waivers.csv") if "waivers.csv" in files else None
        checked = deidentify.check_waivers(deidentify.scan(texts, names, units), given)
        deidentify.write_waiver_form(checked, out / "waivers.csv")

    return Attempt(
        files, act, ("fieldwork", "deidentify", "{folder}", *extra), places=("could identify someone",)
    )


def instruments_(random: Random) -> Attempt:
    """Small tables that a researcher may replace: survey items, codebook, a table of ratings."""
    what = random.randrange(3)
    if what == 0:
        data = a_file((DEFINITIONS / "survey_items.csv").read_text(encoding="utf-8"), random, ",")
        return Attempt(
            {"items.csv": data}, lambda folder, out: instruments.survey_items(folder / "items.csv")
        )
    if what == 1:
        data = a_file((DEFINITIONS / "codebook.csv").read_text(encoding="utf-8"), random, ",")
        return Attempt({"codes.csv": data}, lambda folder, out: codebook.read_codebook(folder / "codes.csv"))
    level = random.choice(("nominal", "ordinal", "interval", "ratio", word(random).replace("\x00", "")[:50]))
    name = random.choice(("ratings.csv", "ratings.csv", "ratings.xlsx"))
    table = corpus.ratings()
    if name.endswith("csv"):
        data = a_file(table, random, ",")
    else:
        data = a_workbook(
            corpus.written(lambda p: pd.read_csv(io.StringIO(table)).to_excel(p, index=False), name), random
        )

    def act(folder: Path, out: Path) -> None:
        show_agreement([folder / name], level=level, resamples=20, out=out / "kappa.csv")

    command = (
        "fieldwork",
        "agreement",
        f"{{folder}}/{name}",
        "--resamples",
        "20",
        "--out",
        "{out}/kappa.csv",
    )
    return Attempt({name: data}, act, command, places=("level", f"'{level}'"))


def contact_logs(random: Random) -> Attempt:
    """Returned contact plans."""
    data = a_workbook(corpus.contact_log(), random)
    return Attempt({"plan.xlsx": data}, lambda folder, out: read_feedback(folder / "plan.xlsx"))


def settings(random: Random) -> Attempt:
    """Parameters on the command line: `-p name=value`."""
    texts = []
    for _ in range(random.choice((1, 1, 2, 3))):
        name = random.choice(
            (
                *parameters.names(),
                "tier_shares",
                "costs",
                "weights",
                word(random)[:200],
                "tier_shares.high.x",
                ".",
                "a.",
            )
        )
        shown = random.choice(
            (
                random.choice(SNIPPETS),
                word(random)[:3000],
                str(value(random)),
                "{A: 1, B: 2, C: 3}",
                "[rfm, rfm]",
                "0.5",
                "simulated",
            )
        )
        texts.append(
            random.choice(
                (
                    f"{name}={shown}",
                    f"{name}={shown}",
                    f"{name}{shown}",
                    f"{name}=={shown}",
                    f" {name} = {shown} ",
                )
            )
        )

    def act(folder: Path, out: Path) -> None:
        parameters.load(changes=assignments(texts))

    options = [part for text in texts for part in ("-p", text.replace("\x00", ""))]
    command = (
        "run",
        "default",
        *(part.replace("{", "{{").replace("}", "}}") for part in options),
        "--only",
        "no such notebook",
        "--out",
        "{out}",
    )
    return Attempt({}, act, command, places=("-p ", "default.yml", "--only", "parameter"))


def marked(path: Path, out: Path) -> None:
    """Check a returned file and write the annotated copy."""
    annotate(path, out / "copy.xlsx", check(path))


KINDS: dict[str, Callable[[Random], Attempt]] = {
    "surveys": surveys, "codings": codings, "judgements": judgements, "platform exports": exports,
    "loan books": loan_books, "crosswalks": crosswalks, "studies": studies, "grids": grids,
    "qda projects": projects, "transcripts": dialogues, "instruments": instruments_,
    "contact logs": contact_logs, "parameters": settings,
}  # fmt: skip
