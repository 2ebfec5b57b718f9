"""A run that waits for changes: what counts as one, and that nothing stops it but its user."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import pytest

import command
import demo
from research.runs import watch

PLAIN = [("text", "# What?"), ("parameters", demo.PARAMETERS), ("code", "1 + 1")]
WAITING = "Waiting for changes"


def stamp(path: Path, text: str) -> None:
    """Write a text; its length tells two writes apart where the clock is coarse."""
    path.write_text(text, encoding="utf-8")


class Ended(Exception):
    """Stands for the user's Ctrl-C."""


def acts(*what):
    """Return a run that does one of these at each call and then ends, and the list of calls."""
    steps, calls = iter(what), []

    def run() -> None:
        calls.append(len(calls))
        act = next(steps, None)
        if act is None:
            raise Ended
        act()

    return run, calls


def later(act, seconds: float = 0.5) -> None:
    """Do something while the run waits."""
    threading.Timer(seconds, act).start()


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "study.yml"
    stamp(path, "a")
    return path


def nothing() -> None:
    """Do nothing."""


def begin(run, file: Path, code: Path | None = None, restart=nothing) -> None:
    watch.watch(run, lambda: [file], lambda: [code] if code else [], restart)


def test_a_change_starts_another_run(file):
    run, calls = acts(lambda: later(lambda: stamp(file, "ab")))
    with pytest.raises(Ended):
        begin(run, file)
    assert len(calls) == 2


def test_another_file_of_the_folder_does_not(file):
    def act() -> None:
        later(lambda: stamp(file.with_name("other"), "x"), 0.3)
        later(lambda: stamp(file, "ab"), 1.5)

    run, calls = acts(act)
    with pytest.raises(Ended):
        begin(run, file)
    assert len(calls) == 2


def test_a_change_while_the_run_works_is_not_lost(file):
    def act() -> None:
        stamp(file, "ab")
        time.sleep(0.5)

    run, calls = acts(act)
    with pytest.raises(Ended):
        begin(run, file)
    assert len(calls) == 2


def test_a_file_that_is_still_being_written_is_waited_for(file):
    read: list[str] = []

    def write() -> None:
        for text in ("ab", "abc", "abcd", "abcde"):
            stamp(file, text)
            time.sleep(0.02)

    def run() -> None:
        read.append(file.read_text(encoding="utf-8"))
        if len(read) > 1:
            raise Ended
        later(write)

    with pytest.raises(Ended):
        begin(run, file)
    assert read == ["a", "abcde"]


def test_a_file_that_goes_and_one_that_comes_count(file):
    run, calls = acts(lambda: later(file.unlink), lambda: later(lambda: stamp(file, "back")))
    with pytest.raises(Ended):
        begin(run, file)
    assert len(calls) == 3


def test_a_file_of_another_folder_that_the_study_names_later_counts(file, tmp_path):
    other = tmp_path / "other" / "data.csv"
    other.parent.mkdir()
    stamp(other, "a")
    files = [file]
    seen: list[int] = []

    def run() -> None:
        seen.append(len(files))
        if len(seen) == 1:
            files.append(other)
        elif len(seen) == 2:
            later(lambda: stamp(other, "ab"), 1)
        else:
            raise Ended

    with pytest.raises(Ended):
        watch.watch(run, lambda: files, list, nothing)
    assert len(seen) == 3


def test_changed_code_begins_anew_instead_of_running_again(file, tmp_path):
    code = tmp_path / "module.py"
    stamp(code, "a")
    run, calls = acts(lambda: later(lambda: stamp(code, "ab")))
    began: list[str] = []
    begin(run, file, code, lambda: began.append("anew"))
    assert began == ["anew"]
    assert len(calls) == 1


def test_beginning_anew_keeps_the_words_of_the_command():
    code = (
        "import os, sys\n"
        "if os.environ.pop('FIRST', ''):\n"
        "    from research.runs.watch import restart\n"
        "    restart()\n"
        "print('anew', sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "my study"],
        env={**os.environ, "FIRST": "yes"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "anew ['run', 'my study']\n"


def test_what_is_held_in_memory_is_code_templates_definitions_and_lock():
    names = {path.name for path in watch.held()}
    assert {"watch.py", "page.css", "constructs.csv", "requirements.lock"} <= names
    assert not [name for name in names if name.endswith((".pyc", ".ipynb"))]


def test_a_watched_command_runs_again_tells_mistakes_and_ends_with_its_user(tmp_path):
    books = demo.write(tmp_path / "books", "01_tiny", PLAIN).parent
    study = tmp_path / "mine.yml"
    study.write_text("name: mine\ncompare_datasets: []\n", encoding="utf-8")
    said = tmp_path / "said.txt"
    with said.open("w") as printed:
        process = command.start(
            books, "run", study, "--out", tmp_path / "out", "--watch",
            stdout=printed, env=command.environment(RESEARCH_CACHE=str(tmp_path / "cache"), COLUMNS="200"),
        )  # fmt: skip

    def waits(times: int) -> None:
        command.until(lambda: said.read_text().count(WAITING) >= times or process.poll() is not None, 60)
        assert process.poll() is None, said.read_text()

    try:
        waits(1)
        notebook = nbformat.read(books / "01_tiny.ipynb", as_version=4)
        notebook.cells[-1].source = "print('a new result')"
        nbformat.write(notebook, books / "01_tiny.ipynb")
        waits(2)
        assert "a new result" in (tmp_path / "out" / "01_tiny.html").read_text(encoding="utf-8")

        study.write_text("name: mine\nfolds: many\n", encoding="utf-8")
        waits(3)
        assert "folds" in said.read_text().split(WAITING)[2]

        study.write_text("name: mine\nfolds: 4\ncompare_datasets: []\n", encoding="utf-8")
        waits(4)
        assert "folds: 4" in (tmp_path / "out" / "study.yml").read_text(encoding="utf-8")

        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
    assert said.read_text().rstrip().endswith("Ended.")


def test_a_watched_run_does_not_update_the_reference(tmp_path):
    done = command.run(None, "run", "quick", "--watch", "--update-reference", cwd=os.fspath(tmp_path))
    assert done.returncode == 2
    assert "--update-reference" in done.stdout
    assert "Traceback" not in done.stdout
