"""A run that waits for changes: what counts as one, and that nothing stops it but its user."""

from __future__ import annotations

import itertools
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

import command
import demo
from research.runs import watch

PLAIN = [("text", "# What?"), ("parameters", demo.PARAMETERS), ("code", "1 + 1")]
WAITING = "Waiting for changes"


def stamp(path: Path, text: str) -> None:
    """Write a text."""
    path.write_text(text, encoding="utf-8")


class Ended(Exception):
    """Stands for the user's Ctrl-C."""


class Watched:
    """A watched file, what each run has read of it, and a run that does one of `acts` at each call and then ends."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "study.yml"
        stamp(self.file, "a")
        self.files = [self.file]
        self.read: list[str] = []
        self.acts: list[Callable[[], None]] = []
        self.looks = 0

    def run(self) -> None:
        self.read.append(self.file.read_text(encoding="utf-8") if self.file.exists() else "gone")
        if not self.acts:
            raise Ended
        self.acts.pop(0)()

    def watched(self) -> list[Path]:
        self.looks += 1
        return self.files

    def later(self, *acts: Callable[[], None]) -> None:
        """Do each thing as soon as the watch, back from a run or from a change, has asked for its files again."""

        def follow(seen: int) -> None:
            for act in acts:
                command.until(lambda seen=seen: self.looks > seen)
                seen = self.looks
                act()

        threading.Thread(target=follow, args=(self.looks,), daemon=True).start()

    def watch(self, code: Path | None = None, restart: Callable[[], object] = list) -> None:
        watch.watch(self.run, self.watched, lambda: [code] if code else [], restart)

    def until_ended(self) -> list[str]:
        """Watch until the last run and return what the runs have read."""
        with pytest.raises(Ended):
            self.watch()
        return self.read


@pytest.fixture
def book(tmp_path) -> Watched:
    return Watched(tmp_path)


def test_a_change_starts_another_run(book):
    book.acts = [lambda: book.later(lambda: stamp(book.file, "ab"))]
    assert book.until_ended() == ["a", "ab"]


def test_another_file_of_the_folder_does_not(book):
    book.acts = [
        lambda: book.later(lambda: stamp(book.file.with_name("other"), "x"), lambda: stamp(book.file, "ab"))
    ]
    assert book.until_ended() == ["a", "ab"]


def test_a_change_while_the_run_works_is_not_lost(book):
    book.acts = [lambda: stamp(book.file, "ab")]
    assert book.until_ended() == ["a", "ab"]


def test_a_file_that_is_still_being_written_is_waited_for(tmp_path, monkeypatch):
    """Asked again when this process was kept from writing for as long as makes a file that nobody is writing."""
    monkeypatch.setattr(watch, "AT_REST", 400)

    def asked(folder: Path) -> tuple[list[str], float]:
        folder.mkdir()
        book, times = Watched(folder), [math.inf]

        def write() -> None:
            times[:] = []
            for text in ("ab", "abc", "abcd", "abcde"):
                stamp(book.file, text)
                times.append(time.monotonic())
                time.sleep(0.02)

        book.acts = [lambda: book.later(write)]
        return book.until_ended(), max(b - a for a, b in itertools.pairwise(times))

    for attempt in itertools.count():
        read, pause = asked(tmp_path / str(attempt))
        if pause < 0.2:
            break
    assert read == ["a", "abcde"]


def test_a_file_that_goes_and_one_that_comes_count(book):
    book.acts = [lambda: book.later(book.file.unlink), lambda: book.later(lambda: stamp(book.file, "back"))]
    assert book.until_ended() == ["a", "gone", "back"]


def test_a_file_of_another_folder_that_the_study_names_later_counts(book, tmp_path):
    other = tmp_path / "other" / "data.csv"
    other.parent.mkdir()
    stamp(other, "a")
    # The watch runs once more when it looks at another folder.
    book.acts = [lambda: book.files.append(other), lambda: book.later(lambda: stamp(other, "ab"))]
    assert book.until_ended() == ["a"] * 3


def test_changed_code_begins_anew_instead_of_running_again(book, tmp_path):
    code = tmp_path / "module.py"
    stamp(code, "a")
    book.acts = [lambda: book.later(lambda: stamp(code, "ab"))]
    began: list[str] = []
    book.watch(code, lambda: began.append("anew"))
    assert (began, book.read) == (["anew"], ["a"])


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
        command.until(lambda: said.read_text().count(WAITING) >= times or process.poll() is not None)
        assert process.poll() is None, said.read_text()

    def put(path: Path, text: str) -> None:
        """Write a file at once: a half-written one would be a change of its own."""
        stamp(path.with_suffix(".new"), text)
        path.with_suffix(".new").replace(path)

    try:
        waits(1)
        notebook = nbformat.read(books / "01_tiny.ipynb", as_version=4)
        notebook.cells[-1].source = "print('a new result')"
        put(books / "01_tiny.ipynb", nbformat.writes(notebook))
        waits(2)
        assert "a new result" in (tmp_path / "out" / "01_tiny.html").read_text(encoding="utf-8")

        put(study, "name: mine\nfolds: many\n")
        waits(3)
        assert "folds" in said.read_text().split(WAITING)[2]

        put(study, "name: mine\nfolds: 4\ncompare_datasets: []\n")
        waits(4)
        assert "folds: 4" in (tmp_path / "out" / "study.yml").read_text(encoding="utf-8")

        process.send_signal(signal.SIGINT)
        assert process.wait(command.PATIENCE) == 0
    finally:
        process.kill()
    assert said.read_text().rstrip().endswith("Ended.")


def test_a_watched_run_does_not_update_the_reference(research):
    code, said = research("run", "quick", "--watch", "--update-reference")
    assert code == 2
    assert "--update-reference" in said
