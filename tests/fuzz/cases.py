"""Run one case: write its files, do what a user would do, and judge how it ended."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from unittest import mock

from research.cli import USER_MISTAKE, main
from research.errors import UserError

from .inputs import KINDS, Attempt

SECONDS = 20
LONGEST_MESSAGE = 6_000
BY_COMMAND = 20  # one case in so many goes through the command line
ACCEPTED, REFUSED, FAILED = "accepted", "refused", "failed"
FAULTS_FOUND = 1  # `fieldwork check` ends with 1 when answers would be lost
# What a message shows when a library's error was passed on without being understood.
UNWRAPPED = re.compile(
    r"Traceback|object at 0x|<class |\[Errno|NoneType|has no attribute"
    r"|\b(?:Key|Value|Attribute|Type|Index|Unicode\w*|Recursion)Error\b"
    r"|codec can't|expected str instance|not supported between|invalid literal for"
)


class TooLong(BaseException):
    """The case did not end in time; no handler of ordinary errors may catch this."""


@dataclass(frozen=True)
class Ending:
    """How a case ended; `where` names the place in the project that let an error through."""

    case: int
    kind: str
    state: str
    message: str = ""
    where: str = ""


def kind_of(case: int, only: str = "") -> str:
    """Return the kind of a case: they take turns."""
    names = list(KINDS)
    return only or names[case % len(names)]


def run(seed: int, case: int, only: str = "", folder: Path | None = None) -> Ending:
    """Run a case of a seed and return how it ended; the same seed and case are the same case.

    With `folder` the files of the case are written there and stay.
    """
    kind = kind_of(case, only)
    random = Random(f"{seed} {kind} {case}")
    attempt = KINDS[kind](random)
    by_command = bool(attempt.command) and random.randrange(BY_COMMAND) == 0
    with contextlib.ExitStack() as stack:
        home = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fuzz-")))
        inside, out = home / "in", home / "out"
        inside.mkdir(parents=True, exist_ok=True)
        out.mkdir(exist_ok=True)
        for name, data in attempt.files.items():
            (inside / name).parent.mkdir(parents=True, exist_ok=True)
            (inside / name).write_bytes(data)
        before = contents(inside)
        state, message, where = (command if by_command else call)(attempt, inside, out)
        fault = trouble(attempt, state, message, before, inside, out)
    if fault:
        return Ending(case, kind, FAILED, fault, where or fault.split(":")[0])
    return Ending(case, kind, state, message, where)


def call(attempt: Attempt, inside: Path, out: Path) -> tuple[str, str, str]:
    """Call the function that the command line calls."""
    try:
        with limited(), quiet():
            attempt.act(inside, out)
    except UserError as error:
        return REFUSED, str(error), ""
    except TooLong:
        return FAILED, f"not done after {SECONDS} seconds", place(sys.exc_info()[2])
    except Exception as error:
        return FAILED, f"{type(error).__name__}: {str(error)[:300]}", place(error.__traceback__)
    return ACCEPTED, "", ""


def command(attempt: Attempt, inside: Path, out: Path) -> tuple[str, str, str]:
    """Run the command in this process; what it printed is the message."""
    arguments = [part.format(folder=inside, out=out) for part in attempt.command]
    said, complaint = io.StringIO(), io.StringIO()
    code: object = 0
    try:
        with limited(), quiet(said, complaint), mock.patch.object(sys, "argv", ["research", *arguments]):
            main()
    except SystemExit as end:
        code = end.code
    except TooLong:
        return FAILED, f"not done after {SECONDS} seconds", place(sys.exc_info()[2])
    except Exception as error:
        return FAILED, f"command: {type(error).__name__}: {str(error)[:300]}", place(error.__traceback__)
    told = complaint.getvalue()
    if code in (0, None) or (code == FAULTS_FOUND and arguments[1] == "check"):
        return ACCEPTED, told, ""
    if code != USER_MISTAKE:
        return FAILED, f"exit code {code}: {told[-300:]}", "exit code"
    return REFUSED, told, ""


def trouble(
    attempt: Attempt, state: str, message: str, before: dict[str, str], inside: Path, out: Path
) -> str:
    """Return what is wrong with how a case ended, or nothing."""
    if contents(inside) != before:
        return "changed: the folder of the original is not as it was"
    if state == FAILED:
        return message
    left = sorted(path.name for path in out.rglob("*"))
    if any(name.startswith(".") or name.endswith((".tmp", ".part")) for name in left):
        return f"left over: {', '.join(left)[:200]}"
    if state == ACCEPTED:
        return ""
    if partial := [
        name
        for name in left
        if not name.startswith("again") and name != "tables" and not (out / "tables").is_dir()
    ]:
        return f"partial output: {', '.join(partial)[:200]}"
    if found := UNWRAPPED.search(message):
        return f"unwrapped '{found.group()}': {message[:300]}"
    if len(message) > LONGEST_MESSAGE:
        return f"long message: {len(message):,} characters: {message[:300]}"
    names = [*(Path(name).name for name in attempt.files), *attempt.places]
    if not any(name in message or Path(name).stem in message for name in names):
        return f"no place: {message[:300]}"
    return ""


def contents(folder: Path) -> dict[str, str]:
    """Return the names and hashes of all files of a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def place(trace: object) -> str:
    """Return the innermost place in the project that an error came through."""
    frames = [frame for frame in traceback.extract_tb(trace) if "/src/research/" in frame.filename]  # type: ignore[arg-type]
    return (
        f"{frames[-1].filename.partition('/src/research/')[2]}:{frames[-1].name}"
        if frames
        else "outside the project"
    )


@contextlib.contextmanager
def limited(seconds: float = SECONDS) -> Iterator[None]:
    """End what takes too long."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLong

    # Time of this process, so that a busy machine fails nothing; what waits without working ends later.
    limits = (
        (signal.SIGPROF, signal.ITIMER_PROF, seconds),
        (signal.SIGALRM, signal.ITIMER_REAL, 30 * seconds),
    )
    earlier = [signal.signal(number, stop) for number, _, _ in limits]
    for _, timer, allowed in limits:
        signal.setitimer(timer, allowed)
    try:
        yield
    finally:
        for (number, timer, _), handler in zip(limits, earlier, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


@contextlib.contextmanager
def quiet(said: io.StringIO | None = None, complaint: io.StringIO | None = None) -> Iterator[None]:
    """Keep what is printed, and warnings, to ourselves."""
    out, error = said or io.StringIO(), complaint or io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        warnings.simplefilter("ignore")
        yield
