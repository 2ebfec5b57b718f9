"""The command line: one verb per job. Heavy imports wait until a command needs them."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import io
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

import research
from research.errors import UserError

# verb → (module, attribute, help). The help is here so that `research --help` imports nothing else.
VERBS = {
    "new": ("research.commands.new", "new", "Begin a study of your own, outside the project."),
    "run": ("research.commands.run", "run", "Run a study and write its reports."),
    "batch": ("research.commands.batch", "batch", "Run a grid of studies and compare them."),
    "comments": ("research.commands.comments", "comments", "Reviewers' comments, and what changed since."),
    "compare": ("research.commands.compare", "compare", "What moved between two runs, or within a batch."),
    "bundle": ("research.commands.bundle", "bundle", "A finished run and its paper as one zip."),
    "datasets": ("research.commands.datasets", "app", "List, fetch and check data sets."),
    "events": ("research.commands.events", "events", "Features of customers from their transactions."),
    "fieldwork": (
        "research.commands.fieldwork",
        "app",
        "Forms, checks and agreement of survey and interviews.",
    ),
    "contacts": ("research.commands.contacts", "contacts", "Write the contact plan of a study."),
    "paper": ("research.commands.paper", "paper", "Fill the manuscript from a finished run."),
    "tables": ("research.commands.paper", "tables", "Write the tables of a finished run one by one."),
    "register": (
        "research.commands.register",
        "register",
        "Bind a study to the protocol before its data are read.",
    ),
    "trial": ("research.commands.trial", "app", "Plan, allocate and analyse a trial of an action."),
    "verify": ("research.commands.verify", "verify", "Reproduce the published values."),
}
OF_EXTRA = {"duckdb": "events", "ibis": "events"}  # packages without which a verb cannot be imported
USER_MISTAKE = 2
FAILED = 1
# What a machine can refuse at any moment; other errors of the system are mistakes of the program.
REFUSED = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO}
IMPOSSIBLE = {
    errno.ENAMETOOLONG,
    errno.ELOOP,
}  # paths that no file can have, wherever they are first looked at


class Verbs(TyperGroup):
    """A group that imports a command only when it is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the verbs whose module exists."""
        return [name for name, (module, *_) in VERBS.items() if importlib.util.find_spec(module)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a stand-in with its one line of help, which is all that `--help` needs."""
        if cmd_name not in self.list_commands(ctx):
            return None
        return TyperCommand(name=cmd_name, help=VERBS[cmd_name][2])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command to run; only this one is imported."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, load(name) if stand_in is not None else None, rest


def load(name: str) -> Any:
    """Import a verb's command."""
    module, attribute, _ = VERBS[name]
    try:
        found = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name not in OF_EXTRA:
            raise
        extra = OF_EXTRA[error.name]
        raise UserError(
            f"`research {name}` needs the extra '{extra}': pip install 'research[{extra}]' (or make extras)"
        ) from None
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(name=name)(found)
        found = single
    command = get_command(found)
    command.name = name
    return command


app = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Loan customer stratification: run the study, its batches and its checks.",
)


def say_version(asked: bool) -> None:
    """Print the version and end, when asked to."""
    if asked:
        print(f"research {research.__version__}")
        raise typer.Exit


@app.callback()
def overall(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=say_version, is_eager=True, help="Say which version this is, and end."
        ),
    ] = False,
) -> None:
    """Loan customer stratification: run the study, its batches and its checks."""


def main() -> None:
    """Run the command line; a user's mistake is one message and exit code 2, a full disk one and exit code 1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that has no such letter shows its number
            stream.reconfigure(errors="backslashreplace")
    try:
        Path.cwd()
    except FileNotFoundError:
        print("research: the working folder is gone; change to one that is there", file=sys.stderr)
        sys.exit(USER_MISTAKE)
    try:
        app(prog_name="research")
    except UserError as error:
        print(f"research: {error}", file=sys.stderr)
        sys.exit(USER_MISTAKE)
    except OSError as error:
        if error.errno not in REFUSED | IMPOSSIBLE:
            raise
        print(f"research: {error.filename or 'a file'}: {error.strerror}", file=sys.stderr)
        sys.exit(USER_MISTAKE if error.errno in IMPOSSIBLE else FAILED)


if __name__ == "__main__":
    main()
