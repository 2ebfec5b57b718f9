"""Nothing that a command reads, and nothing that somebody else made, is replaced by accident."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from enum import EnumType
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pandas as pd
import pytest
from openpyxl import load_workbook

from fuzz.cases import limited
from research.documentation.commands import Given, commands, given
from research.files.targets import FILLS, READS, WRITES, roles
from research.paths import EXAMPLES, ROOT

TABLE = EXAMPLES / "loan_book_example.csv"
CODING = EXAMPLES / "interviews" / "coding_A.xlsx"
STUDY = "name: t\ndataset: credit_data\nfieldwork: {provenance: invented}\n"
# what a command must be able to read before it looks at its outputs; anything will do for the others
CONTENT = {"study": ("study.yml", STUDY), "grid": ("grid.yml", "name: g\nproduct: {seed: [1, 2]}\n")}


@pytest.fixture(autouse=True)
def no_memory(tmp_path_factory, monkeypatch):
    """What other tests wrote is not remembered."""
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path_factory.mktemp("cache")))


def every_command() -> dict[str, Any]:
    """Return the commands of the command line and their functions."""
    return {words: function for words, function, _ in commands() if function is not None}


def parameters(function: Any) -> dict[str, Given]:
    """Return the parameters of a command by the names they have in Python."""
    return dict(zip(inspect.signature(function).parameters, given(function), strict=True))


def with_role(*wanted: Any) -> list[tuple[str, str]]:
    """Return (command, parameter) of every parameter with one of the roles."""
    found = every_command()
    return [
        (words, name) for words, one in found.items() for name, role in roles(one).items() if role in wanted
    ]


def words_of(command: str, folder: Path, **chosen: Path) -> list[object]:
    """Return a command line with a file for everything that must be given, and the chosen paths."""
    function = every_command()[command]
    told: list[object] = command.split()
    for name, one in parameters(function).items():
        if name not in chosen and not (one.needed or name in CONTENT):
            continue
        value: object = chosen.get(name)
        if value is None and isinstance(one.kind, EnumType):
            value = next(iter(one.kind)).value
        elif value is None:
            value = an_input(folder, name)
        told += [value] if one.argument else [one.names[0], value]
    return told


def an_input(folder: Path, name: str) -> Path:
    """Write a file that a parameter can name and return its path."""
    file, content = CONTENT.get(name, (f"{name}.csv", "x"))
    path = folder / "given" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def kinds(kind: Any) -> Iterator[Any]:
    """Yield a type and everything within it: list[Path] | None holds Path."""
    yield kind
    for one in get_args(kind):
        yield from kinds(one)


def test_every_path_on_the_command_line_is_declared_as_read_or_written():
    undeclared = [
        f"{words} {name}"
        for words, function in every_command().items()
        for name, kind in get_type_hints(function).items()
        if Path in kinds(kind) and name not in roles(function)
    ]
    assert undeclared == []
    assert {"events out", "run out", "contacts out"} <= {" ".join(pair) for pair in with_role(WRITES, FILLS)}


def test_every_command_that_writes_can_be_forced():
    for words, _ in with_role(WRITES, FILLS):
        assert "--force" in parameters(every_command()[words])["force"].names, words


@pytest.mark.parametrize(("command", "target"), with_role(WRITES, FILLS))
def test_an_input_is_never_replaced(tmp_path, research, command, target):
    """By its own name, a link, and as a file in a folder that is read; a folder that holds an input is one, too."""
    declared = roles(every_command()[command])
    for source in [name for name, role in declared.items() if role is READS]:
        given_file = an_input(tmp_path, source)
        link, hard, inner = given_file.with_name("link.xlsx"), tmp_path / "hard.xlsx", given_file.parent
        for other in (link, hard):
            other.unlink(missing_ok=True)
        link.symlink_to(given_file)
        os.link(given_file, hard)
        if declared[target] is FILLS:
            tried = [(given_file, inner), (given_file, given_file)]
        else:
            tried = [(given_file, given_file), (given_file, link), (given_file, hard)]
            if source not in CONTENT and Path in kinds(parameters(every_command()[command])[source].kind):
                tried.append((inner, given_file))
        for (read, written), forced in [*((pair, ["--force"]) for pair in tried), (tried[0], [])]:
            line = words_of(command, tmp_path, **{source: read, target: written})
            before = contents(tmp_path)
            code, told = research(*line, *forced)
            assert (code, contents(tmp_path)) == (2, before), told
            assert written.name in told
            assert "this command reads" in told or "expected a folder" in told


@pytest.mark.parametrize(("command", "target"), with_role(WRITES))
def test_a_filled_form_is_replaced_only_when_asked_to(tmp_path, research, command, target):
    filled = tmp_path / "filled.xlsx"
    filled.write_bytes(b"answers of a person")
    code, told = research(*words_of(command, tmp_path, **{target: filled}))
    assert code == 2
    assert "filled.xlsx: is there and is not as this command left it" in told
    assert "--force" in told
    assert filled.read_bytes() == b"answers of a person"


@pytest.mark.parametrize(("command", "target"), with_role(WRITES, FILLS))
def test_a_foreign_folder_is_refused(tmp_path, research, command, target):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "index.html").write_text("another page")
    before = contents(foreign)
    code, told = research(*words_of(command, tmp_path, **{target: foreign}))
    assert (code, contents(foreign)) == (2, before), told
    assert "foreign: " in told


@pytest.mark.parametrize(("command", "target"), with_role(WRITES, FILLS))
def test_names_that_no_file_can_have_are_one_message(tmp_path, research, command, target):
    (tmp_path / "file").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "round").symlink_to("round")
    wrong = ["x" * 300 + ".xlsx", "客" * 100 + ".xlsx", "file/out.xlsx", "pipe", "round"]
    for name in [*wrong, *(["file"] if (command, target) in with_role(FILLS) else [])]:
        code, told = research(*words_of(command, tmp_path, **{target: tmp_path / name}))
        assert code == 2, told
        assert f"{name[:40]}" in told


# what each command can read; the parameter that is tried is replaced
READABLE = {
    "register": ["default", "OUT.json"],
    "datasets fetch": ["taiwan"],  # of a local copy
    "datasets check": [TABLE, "--crosswalk", EXAMPLES / "loan_book_crosswalk.csv"],
    "datasets draft-crosswalk": [TABLE],
    "events": [EXAMPLES / "transactions.csv", "OUT.parquet"],
    "fieldwork form": ["coding", "OUT.xlsx", "--transcripts", EXAMPLES / "interviews"],
    "fieldwork check": [EXAMPLES / "survey_clean.xlsx"],
    "fieldwork import-survey": [
        EXAMPLES / "survey_export.csv", "--platform", "qualtrics", "--out", "OUT.csv",
    ],
    "fieldwork size": [],
    "fieldwork agreement": [CODING],
    "fieldwork import-qda": ["project.qdpx", "--out", "OUT"],
    "fieldwork export-qda": [CODING, "--out", "OUT.qdpx"],
    "fieldwork deidentify": [EXAMPLES / "interviews"],
    "new": ["OUT", "--loans", TABLE],
    "run": ["default"],
    "batch": ["grid.yml"],
    "contacts": ["default", "OUT.xlsx"],
    "paper": ["default", "OUT.docx"],
    "trial plan": ["default", "OUT", "--action", "T1a"],
    "trial allocate": ["plan.yml", "list.csv", "OUT"],
    "trial analyse": ["plan.yml", "outcomes.csv", "OUT"],
    "tables": ["default", "OUT"],
    "comments": ["comments.json", "OUT.xlsx", "--against", "RUN"],
    "bundle": ["RUN", "OUT.zip"],
    "compare": [ROOT / "reports" / "reference", "OUT.html"],
}  # fmt: skip
ENDINGS = {
    "file": ".csv", "source": ".parquet", "grid": ".yml", "study": ".yml", "manuscript": ".md",
    "files": ".xlsx", "sources": ".xlsx", "inputs": ".yml", "plan": ".yml",
}  # fmt: skip


@pytest.mark.parametrize(("command", "source"), with_role(READS))
def test_what_cannot_be_read_is_one_message(tmp_path, research, monkeypatch, command, source):
    """A name that no file can have, one that is not there, a pipe that nobody writes to, a device, an empty folder."""
    monkeypatch.chdir(tmp_path)
    one = parameters(every_command()[command])[source]
    ending = ENDINGS.get(source, ".csv")
    os.mkfifo(tmp_path / f"pipe{ending}")
    (tmp_path / f"folder{ending}").mkdir()
    line = list(READABLE[command])
    if (command, source) in (("fieldwork form", "dataset"), ("fieldwork form", "crosswalk")):
        line = ["vignettes", "OUT.xlsx"]
    for name in ("x" * 300 + ending, f"missing{ending}", f"pipe{ending}", "/dev/zero", f"folder{ending}"):
        if one.argument:
            place = [p for p in parameters(every_command()[command]).values() if p.argument].index(one)
            words = [*line[:place], name, *line[place + 1 :]]
        else:
            words = [
                word for word in line if line.index(word) == 0 or line[line.index(word) - 1] not in one.names
            ]
            words = [word for word in words if word not in one.names] + [one.names[0], name]
        if (command, source) == ("events", "roles"):
            words += ["--as-of", "2024-01-01"]
        with limited(60):
            code, told = research(*command.split(), *words)
        assert code == 2, (name, told)
        assert told.startswith("research: ") or "Invalid value" in told, told
        assert not list(tmp_path.glob("OUT*"))


def test_what_a_command_wrote_it_may_write_again_until_somebody_fills_it_in(tmp_path, research):
    form = tmp_path / "ahp.xlsx"
    for experts in (2, 3):
        code, _ = research("fieldwork", "form", "ahp", form, "--experts", experts)
        assert code == 0
    book = load_workbook(form)
    book["E01"]["D20"] = 5
    book.save(form)
    before = form.read_bytes()
    code, told = research("fieldwork", "form", "ahp", form)
    assert (code, form.read_bytes()) == (2, before), told
    assert research("fieldwork", "form", "ahp", form, "--force")[0] == 0
    assert form.read_bytes() != before
    code, told = research("fieldwork", "agreement", CODING, "--resamples", 0, "--out", form)
    assert code == 2, told  # what another command wrote is not this one's


def test_a_folder_of_an_imported_project_is_replaced_until_somebody_works_in_it(tmp_path, research):
    project, folder = tmp_path / "p.qdpx", tmp_path / "imported"
    line = ("fieldwork", "import-qda", project, "--out", folder)
    assert research("fieldwork", "export-qda", CODING, "--out", project)[0] == 0
    assert [research(*line)[0] for _ in range(2)] == [0, 0]
    (folder / "notes.txt").write_text("mine")
    code, told = research(*line)
    assert code == 2, told
    assert research(*line, "--force")[0] == 0
    assert (folder / "notes.txt").read_text() == "mine"


def test_the_key_of_vignettes_is_never_replaced(tmp_path, research):
    form = tmp_path / "vignettes.xlsx"
    line = ["fieldwork", "form", "vignettes", form, "--experts", 2, "--customers", 4]
    assert research(*line)[0] == 0
    assert research(*line)[0] == 0  # the same vignettes have the same key
    form.unlink()  # sent out, and the place tidied up
    before = contents(tmp_path)
    code, told = research(*line, "--seed", 1, "--force")
    assert (code, contents(tmp_path)) == (2, before)
    assert "vignettes.key.csv: is the key of other vignettes" in told


@pytest.mark.parametrize("command", ["contacts", "run", "batch"])
def test_the_files_that_a_study_names_are_inputs(tmp_path, research, command):
    book = tmp_path / "data" / "survey.xlsx"
    book.parent.mkdir()
    book.write_bytes((EXAMPLES / "survey_clean.xlsx").read_bytes())
    before = book.read_bytes()
    study = tmp_path / "study.yml"
    study.write_text(f"name: t\ndataset: credit_data\nfieldwork: {{survey: {book}, provenance: real}}\n")
    grid = tmp_path / "grid.yml"
    grid.write_text("name: g\nstudy: study.yml\nproduct: {seed: [1, 2]}\n")
    out = book if command == "contacts" else book.parent
    words = ["batch", grid, "--out", out] if command == "batch" else [command, study, "--out", out]
    if command == "contacts":
        words.remove("--out")
    code, told = research(*words, "--force")
    assert (code, book.read_bytes()) == (2, before)
    assert "this command reads" in told


def test_a_proposed_crosswalk_that_was_edited_stays(tmp_path, research):
    out = tmp_path / "crosswalk.csv"
    line = ("datasets", "draft-crosswalk", TABLE, "--out", out)
    assert [research(*line)[0] for _ in range(2)] == [0, 0]
    edited = pd.read_csv(out, dtype=str, keep_default_na=False).iloc[1:].to_csv(index=False)
    out.write_text(edited)
    assert research(*line)[0] == 2
    assert out.read_text() == edited
