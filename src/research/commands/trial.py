"""`research trial`: plan a trial of an action, draw who gets it, analyse what came of it."""

from __future__ import annotations

import datetime
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from research import registration
from research.commands.contacts import refuse_published
from research.errors import UserError
from research.exhibits.words import N_, Said, Words
from research.files.inert import write_csv
from research.files.targets import FILLS, READS, Force, guarded, take
from research.files.wholefiles import whole
from research.pages.provenance import data_files
from research.parameters import find, load
from research.runs.plan import check, first_day
from research.study import contents as steps
from research.study.trial import groups_of, proposed
from research.trial import allocation, analysis, documents, returned
from research.trial.design import curve, read_plan, sizes, write_plan

app = typer.Typer(
    help="Plan, allocate and analyse a trial of an action.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
console = Console(stderr=True)
Folder = Annotated[Path, typer.Argument(help="the folder to write"), FILLS]
PlanFile = Annotated[Path, typer.Argument(help="the plan (plan.yml)"), READS]
REGISTERED = ("protocol", "claims", "code")
WRITTEN = "a plan that `research trial plan` wrote (plan.yml)"


class Unit(StrEnum):
    """What is drawn."""

    customer = "customer"
    officer = "officer"
    branch = "branch"


@app.command("plan")
@guarded
def plan_trial(
    study: Annotated[str, typer.Argument(help="a name in studies/, or the path of a study file"), READS],
    out: Folder,
    action: Annotated[str, typer.Option(help="id of an action of the strategy table, such as T1a")] = "",
    lever: Annotated[str, typer.Option(help="which effect of the action; empty: its first")] = "",
    model: Annotated[str, typer.Option(help="the model whose tiers are used")] = "tree",
    dataset: Annotated[str, typer.Option(help="another data set than the study's"), READS] = "",
    unit: Annotated[Unit, typer.Option(help="what is drawn by lot")] = Unit.customer,
    waves: Annotated[
        int, typer.Option(help="waves of a stepped wedge; 0: two parallel arms", min=0, max=50)
    ] = 0,
    step_months: Annotated[int, typer.Option(help="months of a step of the wedge", min=0, max=600)] = 0,
    horizon: Annotated[
        int, typer.Option(help="months until the outcome; 0: the data set's own", min=0, max=600)
    ] = 0,
    smallest: Annotated[float | None, typer.Option(help="smallest effect worth having [break-even]")] = None,
    icc: Annotated[str, typer.Option(help="correlation within clusters: LOW,VALUE,HIGH")] = "",
    cluster: Annotated[str, typer.Option(help="column of the book with the officer or branch")] = "",
    attrition: Annotated[
        float | None, typer.Option(help="share of outcomes that will be missing", min=0, max=0.9)
    ] = None,
    stratum: Annotated[
        list[str] | None, typer.Option(help="column of the list to stratify by; may be repeated")
    ] = None,
    subgroup: Annotated[
        list[str] | None, typer.Option(help="column of the list whose levels are compared; may be repeated")
    ] = None,
    force: Force = False,
) -> None:
    """Write the plan of a trial of an action: plan.yml, plan.docx, sizes.csv, power.csv and power.png."""
    ready, unit = load(study, dataset=dataset), Unit(unit)
    alone = "add --unit officer or --unit branch" if unit is Unit.customer else ""
    if waves and alone:
        raise UserError(f"--waves: a stepped wedge is for officers or branches; {alone}")
    if waves == 1:
        raise UserError("--waves 1: one wave is no wedge; expected 2 or more, or 0 for two parallel arms")
    if cluster and alone:
        raise UserError(f"--cluster: customers drawn one by one have no clusters; {alone}")
    if len(allocation.read_log(out / "plan.yml")):
        raise UserError(f"{out}: holds the log of a trial that was allocated; name another folder")
    ends = _range(icc)
    take(out, [find(study), *data_files(ready)], force=True, folder=True)
    check(ready)
    if reason := steps.not_testable(ready, model):
        raise UserError(f"--model {model}: {reason}")
    day = datetime.date.today()
    record = registration.record(ready, day)
    plan = proposed(
        ready, model, action, trial=f"{ready.name}-{action}" + (f"-{lever}" if lever else ""), day=day,
        protocol={name: record[name] for name in REGISTERED}, lever=lever, unit=unit.value, waves=waves,
        step_months=step_months, horizon=horizon, smallest=smallest, icc=ends, attrition=attrition,
        clusters=groups_of(ready, cluster) if cluster else None, strata=stratum or (), subgroups=subgroup or (),
    )  # fmt: skip
    table, found = sizes(plan), curve(plan)
    picture, blocks = documents.drawn(found), documents.plan_blocks(plan, table, found)
    with whole(out / "power.png") as new:
        new.write_bytes(picture)
    write_csv(table, out / "sizes.csv")
    write_csv(found, out / "power.csv")
    title = Said(N_("Plan of a trial: {what}"), {"what": plan.what})
    documents.write_document(out / "plan.docx", title, blocks, Words())
    write_plan(plan, out / "plan.yml")
    for sentence in documents.size_sentences(plan):
        _tell(str(sentence))
    _tell(f"wrote {out}; sha256 {plan.sha256}")


@app.command("allocate")
@guarded
def allocate_trial(
    plan: PlanFile,
    people: Annotated[
        Path,
        typer.Argument(metavar="LIST", help="the customers, csv or xlsx: customer_id, officer, branch"),
        READS,
    ],
    out: Folder,
    start: Annotated[str, typer.Option(help="first day of the action, YYYY-MM-DD [today]")] = "",
    again: Annotated[
        str, typer.Option(metavar="REASON", help="draw a second time, and say why; kept in the log")
    ] = "",
    force: Force = False,
) -> None:
    """Draw who gets the action: workbooks, a sealed list and its hash, a balance table. INTERNAL: names customers."""
    refuse_published(out)
    registered, same = read_plan(plan)
    if not same:
        raise UserError(f"{plan}: does not say what was registered (its hash differs); expected {WRITTEN}")
    day = first_day(start) if start else datetime.date.today()
    log = allocation.read_log(plan)
    if len(log) and not again.strip():
        raise UserError(
            f"trial {registered.trial} was allocated on {log['date'].iloc[-1]} ({log['sealed_list'].iloc[-1]}); a "
            "second list for one trial needs --again REASON, which its log keeps"
        )
    number = len(log) + 1
    drawn = allocation.allocate(registered, allocation.listed(registered, people), number, day)
    digest = allocation.seal(drawn, out)
    files = allocation.write_workbooks(registered, drawn, out)
    write_csv(allocation.balance(registered, drawn), out / "balance.csv")
    units = drawn["unit"].nunique()
    allocation.add_to_log(plan, {
        "date": datetime.date.today(), "what": "allocated", "number": number, "sealed_sha256": digest,
        "sealed_list": Path(os.path.relpath(out / allocation.SEALED, plan.parent)).as_posix(), "customers": len(drawn),
        "units": units, "seed": registered.seed, "reason": again.strip(),
    })  # fmt: skip
    size, wanted = len(drawn), registered.customers
    if wanted < 0 or size < wanted:
        needed = f"{wanted:,.0f}" if wanted >= 0 else "more than any book holds"
        _tell(f"note: {size:,} customers are fewer than the plan needs ({needed}); the power is smaller")
    _tell(
        f"{size:,} customers, {units:,} units, {len(files):,} workbooks: {out}; sealed list sha256 {digest}"
    )


@app.command("analyse")
@guarded
def analyse_trial(
    plan: PlanFile,
    outcomes: Annotated[
        Path, typer.Argument(help="csv or xlsx: customer_id, the outcome's column, observed (a date)"), READS
    ],
    out: Folder,
    sealed: Annotated[
        Path | None, typer.Option(help="the sealed list [where the trial's log says]"), READS
    ] = None,
    outcome: Annotated[str, typer.Option(help="another column than the registered one: a departure")] = "",
    departures: Annotated[
        bool,
        typer.Option("--departures", help="go on though the data depart from the plan; each is told first"),
    ] = False,
    force: Force = False,
) -> None:
    """Analyse a trial as registered: effects.csv, flow.csv, subgroups.csv and analysis.docx."""
    registered, same = read_plan(plan)
    log = allocation.read_log(plan)
    if log.empty:
        raise UserError(f"{plan}: the trial was not allocated (no {allocation.LOG} beside it)")
    last = log.iloc[-1]
    people, told = returned.sealed_list(sealed or plan.parent / last["sealed_list"], last["sealed_sha256"])
    told = ([] if same else ["plan: it does not say what was registered (its hash differs)"]) + told
    if len(log) > 1:
        told.append(
            f"allocation: the trial was allocated {len(log)} times; the last because: {last['reason']}"
        )
    joined, more = returned.read_outcomes(registered, outcomes, people, outcome)
    told += more
    if told and not departures:
        said = "the data depart from the registration; --departures goes on and says so:"
        raise UserError("\n".join([said, *told]))
    for text in told:
        _tell(f"departure: {text}")
    found = analysis.analyse(registered, joined, told)
    out.mkdir(parents=True, exist_ok=True)
    for name in ("effects", "flow", "subgroups", "exposure"):
        if len(frame := getattr(found, name)):
            write_csv(frame, out / f"{name}.csv")
    title = Said(N_("Analysis of a trial: {what}"), {"what": registered.what})
    blocks = documents.analysis_blocks(registered, found)
    documents.write_document(out / "analysis.docx", title, blocks, Words())
    _tell(f"{Said(documents.CONCLUSION[found.result])} {out}")


def _range(text: str) -> tuple[float, float, float] | None:
    if not text:
        return None
    try:
        low, value, high = (float(part) for part in text.split(","))
    except ValueError:
        low, value, high = 1.0, 0.0, 0.0
    if not 0 <= low <= value <= high < 1:
        raise UserError(f"--icc {text}: expected LOW,VALUE,HIGH from 0 to below 1, such as 0.001,0.01,0.05")
    return low, value, high


def _tell(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
