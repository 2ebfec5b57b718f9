"""Reference of the command line, read from the signatures of the commands."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import EnumType
from pathlib import Path
from typing import Any, get_args, get_type_hints

import typer
from typer.models import ArgumentInfo

from research.cli import FAILED, USER_MISTAKE, VERBS
from research.documentation.tables import code, head, prose, table, text
from research.paths import ROOT

TARGET = re.compile(r"^([a-z-]+):.*## (.+)$", re.MULTILINE)
KINDS = {int: "NUMBER", float: "NUMBER", Path: "PATH", str: "TEXT"}
VARIABLES = [
    (
        "`RESEARCH_LIMITS`",
        "raises a limit of `data/definitions/limits.csv`: NAME=NUMBER, several separated by commas; "
        "the message that names a limit says how",
    ),
    ("`RESEARCH_CACHE`", "folder of the cached steps; by default `.cache` in the project"),
    (
        "`RESEARCH_JOBS`",
        "processes that one step may use; `research run` sets it from the processors and `--jobs`",
    ),
    (
        "`RESEARCH_VERIFICATION_DATA`",
        "folder of data that some tests compare with; they are skipped without it",
    ),
]
EXIT_CODES = [
    ("`0`", "all went well"),
    (
        f"`{FAILED}`",
        "the work was done and found wanting: a notebook or a run of a batch failed, a returned form has faults, a "
        "published value was missed; or the machine refused (a full disk, no permission)",
    ),
    (
        f"`{USER_MISTAKE}`",
        "one message says what to change: an unknown option, a file that does not fit, an output "
        "that would replace something, a limit; also a loan book that cannot be used yet and transcripts that could "
        "identify someone",
    ),
    ("`130`", "ended by Ctrl-C"),
]


@dataclass(frozen=True)
class Given:
    """An argument or option: its names, whether it is an argument, what it takes, help, default."""

    names: tuple[str, ...]
    argument: bool
    kind: Any
    metavar: str
    about: str
    default: Any
    bounds: tuple[float | None, float | None]

    @property
    def needed(self) -> bool:
        """Whether it must be given."""
        return self.default is inspect.Parameter.empty


def commands() -> Iterator[tuple[str, Callable[..., Any] | None, str]]:
    """Yield (words after `research`, function, what it does); a group has no function and precedes its commands."""
    for verb, (module, attribute, about) in VERBS.items():
        found = getattr(importlib.import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            yield verb, found, inspect.getdoc(found) or about
            continue
        yield verb, None, about
        for one in found.registered_commands:
            name = one.name or one.callback.__name__.replace("_", "-")
            yield f"{verb} {name}", one.callback, inspect.getdoc(one.callback) or ""


def given(function: Callable[..., Any]) -> list[Given]:
    """Return the arguments and options of a command."""
    hints = get_type_hints(function, include_extras=True)
    found = []
    for name, parameter in inspect.signature(function).parameters.items():
        kind, info, *_ = get_args(hints[name])
        argument = isinstance(info, ArgumentInfo)
        names = (name.upper(),) if argument else _declared(info) or (f"--{name.replace('_', '-')}",)
        bounds = info.min, info.max
        found.append(
            Given(names, argument, kind, info.metavar or "", info.help or "", parameter.default, bounds)
        )
    return found


def _declared(info: Any) -> tuple[str, ...]:
    """The names given to an option; within `Annotated` typer keeps the first where a default would be."""
    return tuple(name for name in (info.default, *(info.param_decls or ())) if isinstance(name, str))


def page() -> str:
    """Return `docs/reference/commands.md`."""
    lines = head("Commands", "the code of the command or the `Makefile`")
    lines += prose(
        "`research COMMAND --help` prints the same.",
        "How a command ended is told by its [exit code](#exit-codes).",
        "No command replaces what it reads.",
        "What is there and is not as the command left it, such as a form that somebody filled in or a folder of other",
        "files, is replaced only with `--force`; the key of vignettes, without which nobody knows whom experts judged,",
        "never. What commands wrote is remembered in the cache: after `make clean` they ask for `--force` once.",
        "`research` is in `.venv/bin`; `. .venv/bin/activate` lets a terminal find it by its name.",
        "`research --install-completion` lets the shell complete verbs, options and files; `research --version` says",
        "which version this is.",
    )
    for words, function, about in commands():
        lines += ["", f"{'###' if ' ' in words else '##'} research {words}", "", " ".join(about.split())]
        if function is not None and (parameters := given(function)):
            usage = " ".join(
                ["research", words, *(_argument(p) for p in parameters if p.argument), "[OPTIONS]"]
            )
            lines += ["", code(usage), "", *table(("", "what it is", "default"), map(_row, parameters))]
    lines += ["", "## Exit codes", "", *table(("code", "what it says"), EXIT_CODES)]
    lines += ["", "## make", "", *table(("target", "does"), targets())]
    lines += ["", "`STUDY`, `JOBS` and `PYTHON` may be given: `make study STUDY=full JOBS=4`.", ""]
    lines += ["## Environment variables", "", *table(("name", "what it does"), VARIABLES)]
    return text(lines)


def targets() -> list[tuple[str, str]]:
    """Return the targets of the Makefile and what they do."""
    return [
        (code(f"make {name}"), does)
        for name, does in TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))
    ]


def _argument(one: Given) -> str:
    name = one.names[0] + ("..." if "list" in str(one.kind) else "")
    return name if one.needed else f"[{name}]"


def _row(one: Given) -> tuple[str, str, str]:
    plain = next(
        (kind for kind in (one.kind, *_inner(one.kind)) if kind in KINDS or isinstance(kind, EnumType)), str
    )
    takes = "" if one.kind is bool else f" {one.metavar or KINDS.get(plain, 'WORD')}"
    shown = code(_argument(one)) if one.argument else ", ".join(code(name + takes) for name in one.names)
    return shown, one.about + _allowed(plain, one.bounds), _default(one)


def _inner(kind: Any) -> list[Any]:
    return [found for one in get_args(kind) for found in (one, *_inner(one))]


def _allowed(kind: Any, bounds: tuple[float | None, float | None]) -> str:
    low, high = bounds
    if isinstance(kind, EnumType):
        return ": " + ", ".join(code(one.value) for one in kind)
    if low is None and high is None:
        return ""
    return f" (at least {low:,})" if high is None else f" ({low:,} to {high:,})"


def _default(one: Given) -> str:
    if one.needed:
        return "must be given"
    if one.kind is bool:
        return "off"
    return "" if one.default is None else code(one.default)
