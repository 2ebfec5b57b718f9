"""`research fieldwork`: forms, their check, agreement of coders, exchange with analysis programs, de-identification."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.markup import escape

from research.collect import datasets, sampling
from research.commands.agreement import show_agreement
from research.commands.before_field import how_many, write_kit
from research.commands.terminal import console, say
from research.errors import UserError
from research.fieldwork import exchange
from research.fieldwork.instruments import codebook, comparison_form, disclosure_form, forms, vignette_form
from research.fieldwork.instruments.workbook import save
from research.fieldwork.intake import platforms
from research.fieldwork.intake.check import annotate
from research.fieldwork.intake.check import check as faults_of
from research.fieldwork.intake.coding import read_coding
from research.fieldwork.interviews import deidentify, transcripts
from research.files.targets import FILLS, READS, WRITES, Force, guarded
from research.parameters import Study

app = typer.Typer(
    help="Forms, checks and agreement of survey and interviews.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


class Form(StrEnum):
    """The kinds of forms."""

    survey = "survey"
    questionnaire = "questionnaire"
    coding = "coding"
    vignettes = "vignettes"
    ahp = "ahp"
    disclosure = "disclosure"


@app.command("form")
@guarded
def make_form(
    kind: Annotated[Form, typer.Argument(help="which form")],
    out: Annotated[Path, typer.Argument(help="the file to write", show_default=False), WRITES],
    rows: Annotated[int, typer.Option(help="survey: empty rows per group", min=1, max=20_000)] = 300,
    group: Annotated[str, typer.Option(help="questionnaire: practitioner or customer")] = "practitioner",
    texts: Annotated[
        Path | None, typer.Option("--transcripts", help="coding: folder of transcripts"), READS
    ] = None,
    coder: Annotated[
        str, typer.Option(help="coding: the coder's code; disclosure: the model's name in the codings")
    ] = "",
    book: Annotated[Path | None, typer.Option("--codebook", help="coding: a codebook (csv)"), READS] = None,
    experts: Annotated[int, typer.Option(help="vignettes, ahp: how many experts", min=1, max=200)] = 10,
    dataset: Annotated[str, typer.Option(help="vignettes: data set or file"), READS] = "lendingclub2018",
    crosswalk: Annotated[Path | None, typer.Option(help="vignettes: crosswalk of an own file"), READS] = None,
    customers: Annotated[int, typer.Option(help="vignettes: how many", min=1, max=200)] = 24,
    seed: Annotated[
        int, typer.Option(help="vignettes: seed of the draw; take the study's", min=0)
    ] = 20240607,
    force: Force = False,
) -> None:
    """Write an empty form as an Excel workbook."""
    if out.suffix.lower() != ".xlsx":
        raise UserError(f"{out}: a form is an Excel workbook; expected a name that ends in .xlsx")
    names = [f"E{n:02d}" for n in range(1, experts + 1)]
    if kind is Form.survey:
        made = forms.survey_form(rows=rows)
    elif kind is Form.questionnaire:
        made = forms.questionnaire(group)
    elif kind is Form.coding:
        if texts is None:
            raise UserError("a coding form needs the transcripts: --transcripts FOLDER")
        units = transcripts.read_transcripts(texts)
        made = forms.coding_form(units, coder=coder, codebook=codebook.read_codebook(book))
    elif kind is Form.disclosure:
        made = disclosure_form.disclosure_form(coder)
    elif kind is Form.ahp:
        made = comparison_form.comparison_form(names)
    else:
        people = datasets.load(dataset, crosswalk)
        if datasets.is_path(dataset):  # of a larger book, a study compares its sample with the experts
            people = sampling.sample(people, Study.model_fields["compared_customers"].default, seed)
        drawn = vignette_form.draw_vignettes(people, customers, seed=seed)
        made = vignette_form.vignette_form(drawn, names, dataset=dataset)
        key = vignette_form.write_key(out, drawn, dataset)
        say(f"{key} says which customer each vignette is; keep it to yourself")
    say(f"wrote {save(made, out)}")


@app.command()
@guarded
def check(
    file: Annotated[Path, typer.Argument(help="a returned workbook or table"), READS],
    annotated: Annotated[
        Path | None, typer.Option(help="write a copy in which each fault is marked"), WRITES
    ] = None,
    force: Force = False,
) -> None:
    """List each fault as `sheet!cell — found — expected`; ends with code 1 when answers would be lost."""
    faults = faults_of(file)
    for fault in faults:
        colour = "red" if fault.level == "error" else "yellow"
        console.print(
            f"[{colour}]{fault.level:<5}[/{colour}] {escape(str(fault))}", soft_wrap=True, highlight=False
        )
    errors = sum(fault.level == "error" for fault in faults)
    say(f"{file.name}: {errors} errors, {len(faults) - errors} notes" if faults else f"{file.name}: no fault")
    if annotated is not None:
        say(f"wrote {annotate(file, annotated, faults)}")
    if errors:
        raise typer.Exit(1)


@app.command("import-survey")
@guarded
def import_survey(
    file: Annotated[Path, typer.Argument(help="an export of a survey platform (csv or xlsx)"), READS],
    platform: Annotated[
        str, typer.Option(help="qualtrics, limesurvey, wenjuanxing, or a mapping file (yml)"), READS
    ],
    out: Annotated[Path, typer.Option(help="the csv to write"), WRITES],
    group: Annotated[
        str | None, typer.Option(help="practitioner or customer, when no column says so")
    ] = None,
    accept_faults: Annotated[bool, typer.Option(help="read faulty answers as missing")] = False,
    force: Force = False,
) -> None:
    """Turn an export of Qualtrics, LimeSurvey or Wenjuanxing into a table of answers."""
    found = platforms.read_platform(file, platform, group=group, accept_faults=accept_faults)
    for fault in found.faults:
        say(str(fault))
    for reason, n in found.left_out.items():
        say(f"left out: {n} rows, {reason}")
    if found.unmapped:
        say(f"columns not used: {', '.join(found.unmapped)}")
    platforms.write_responses(found.responses, out)
    sizes = found.responses["group"].value_counts()
    say(f"wrote {out}: " + ", ".join(f"{n} {name}s" for name, n in sizes.items()))


app.command("kit")(write_kit)
app.command("size")(how_many)
app.command("agreement")(show_agreement)


@app.command("import-qda")
@guarded
def import_qda(
    file: Annotated[Path, typer.Argument(help="a REFI-QDA project (.qdpx) or codebook (.qdc)"), READS],
    out: Annotated[Path, typer.Option(help="the folder to write"), FILLS],
    force: Force = False,
) -> None:
    """Read a project of NVivo, ATLAS.ti, MAXQDA, QualCoder … into a folder of tables."""
    project = exchange.read_qda(file)
    exchange.write_folder(project, out)
    say(", ".join(f"{n} {name}" for name, n in project.counts().items()))
    if project.not_held:
        say("not held: " + ", ".join(f"{n} in {name}" for name, n in project.not_held.items()))
    say(f"wrote {out}")


@app.command("export-qda")
@guarded
def export_qda(
    sources: Annotated[
        list[Path], typer.Argument(help="coding workbooks, or a folder that import-qda made"), READS
    ],
    out: Annotated[Path, typer.Option(help="the .qdpx or .qdc to write"), WRITES],
    texts: Annotated[
        Path | None, typer.Option("--transcripts", help="folder of the whole transcripts"), READS
    ] = None,
    book: Annotated[Path | None, typer.Option("--codebook", help="a codebook (csv)"), READS] = None,
    name: Annotated[str, typer.Option(help="name of the project")] = "Interviews",
    force: Force = False,
) -> None:
    """Write codings as a REFI-QDA project, or the codebook alone (.qdc)."""
    if len(sources) == 1 and (sources[0] / exchange.WHOLE).is_file():
        project = exchange.read_folder(sources[0])
    else:
        codes = codebook.read_codebook(book)
        found = read_coding(sources, codebook=codes)
        units, documents = found.units, pd.DataFrame(columns=["document", "text"])
        if texts is not None:
            documents = transcripts.read_documents(texts)
            places = transcripts.read_transcripts(texts).drop(columns=["text", "participant", "group"])
            units = units.merge(places, on=["document", "segment"], how="left")
        tables = exchange.Interviews(codes, units, found.codings, found.memos, found.assignments, documents)
        project = exchange.from_interviews(tables, name)
    exchange.write_qda(project, out)
    counts = project.counts()
    held = {"codes": counts["codes"]} if out.suffix.lower() == ".qdc" else counts  # a .qdc is a codebook only
    say(", ".join(f"{n} {what}" for what, n in held.items()))
    say(f"wrote {out}")


@app.command("deidentify")
@guarded
def find_identifying(
    paths: Annotated[list[Path], typer.Argument(help="transcripts, or a folder of them"), READS],
    names: Annotated[Path | None, typer.Option(help="names to look for, one a line"), READS] = None,
    waivers: Annotated[Path | None, typer.Option(help="waivers given in writing (csv)"), READS] = None,
    waiver_form: Annotated[
        Path | None, typer.Option(help="write a csv to waive open findings"), WRITES
    ] = None,
    force: Force = False,
) -> None:
    """List what could identify someone; ends with code 2 while any finding is open."""
    read = transcripts.transcripts(paths)
    units = transcripts.units_of(read)
    listed = deidentify.read_names(names) if names is not None else []
    given = deidentify.read_waivers(waivers) if waivers is not None else None
    findings = deidentify.scan(transcripts.searched_texts(read), listed, units)
    found = deidentify.check_waivers(findings, given)
    waived = found[found["waived"]]
    for row in waived.itertuples():
        place = f"waived: {row.document} {deidentify.place_of(row.segment)} — {row.kind} {row.shown}"
        say(f"{place} — {row.reason} ({row.by}, {row.date})")
    still = found[~found["waived"]]
    if waiver_form is not None and len(still):
        say(f"wrote {deidentify.write_waiver_form(still, waiver_form)}")
    deidentify.require_clean(findings, given)
    say(f"{units['document'].nunique()} transcripts, {len(units)} turns: nothing open")
