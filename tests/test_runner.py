"""What runs and what does not: contents decide, failures stop dependants only, the record is whole or nothing."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from command import PATIENCE
from research.runs import runner
from research.runs.runner import Failed, Task


class Work:
    """Two tasks in a row, `b` from `a` and `c` from `b`, and one beside them; what was said and done is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.record = folder, folder / "run" / "tasks.json"
        self.settings = {"word": "x"}
        self.did: list[str] = []
        self.broken: set[str] = set()
        self.put("a", "1")

    def put(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def copy(self, source: str, target: str) -> None:
        self.did.append(target)
        if target in self.broken:
            raise Failed(f"{target} cannot be made")
        self.put(target, (self.folder / source).read_text() + self.settings["word"])

    def tasks(self) -> list[Task]:
        def task(source: str, target: str, needs: tuple[str, ...] = ()) -> Task:
            paths = (self.folder / source,), (self.folder / target,)
            return Task(target, lambda: self.copy(source, target), *paths, self.settings, needs)

        return [task("a", "b"), task("b", "c", ("b",)), task("a", "d")]

    def run(self) -> dict[str, str]:
        """Run, and return name → how it ended."""
        said: dict[str, str] = {}
        self.did.clear()
        runner.run(
            self.tasks(), self.record, lambda name, state, message: said.update({name: f"{state} {message}"})
        )
        return {name: text.strip() for name, text in said.items()}

    def due(self) -> dict[str, str]:
        return {task.name: why for task, why in runner.reasons(self.tasks(), self.record)}


@pytest.fixture
def work(tmp_path) -> Work:
    made = Work(tmp_path)
    made.run()
    return made


def test_everything_runs_once(tmp_path):
    work = Work(tmp_path)
    assert work.due() == dict.fromkeys("bcd", "not run before")
    assert work.run() == dict.fromkeys("bcd", "ran")
    assert work.due() == {}
    assert work.run() == dict.fromkeys("bcd", "unchanged")
    assert work.did == []


def test_a_changed_input_runs_what_reads_it(work):
    work.put("a", "2")
    assert work.due() == {"b": "a changed", "c": "b will be made again", "d": "a changed"}
    assert work.run() == dict.fromkeys("bcd", "ran")
    assert (work.folder / "c").read_text() == "2xx"


def test_a_file_written_again_with_the_same_content_changes_nothing(work):
    work.put("a", "1")
    assert work.run() == dict.fromkeys("bcd", "unchanged")


def test_an_output_that_is_gone_or_changed_is_made_again(work):
    (work.folder / "c").unlink()
    work.put("d", "by hand")
    assert work.due() == {"c": "c is not as it was left", "d": "d is not as it was left"}
    assert work.run() == {"b": "unchanged", "c": "ran", "d": "ran"}


def test_a_changed_setting_is_a_reason(work):
    work.settings["word"] = "y"
    assert work.due()["b"] == "word changed"
    assert set(work.run().values()) == {"ran"}


def test_an_output_made_again_as_it_was_does_not_run_what_reads_it(work):
    (work.folder / "b").unlink()
    assert work.run() == {"b": "ran", "c": "unchanged", "d": "unchanged"}


def test_a_failure_stops_what_needs_it_and_nothing_else(work):
    work.broken.add("b")
    work.put("a", "2")
    assert work.run() == {"b": "failed b cannot be made", "c": "stopped needs b, which failed", "d": "ran"}
    work.broken.clear()
    assert work.run() == {"b": "ran", "c": "ran", "d": "unchanged"}


def test_an_unexpected_error_is_one_line_with_its_kind(tmp_path):
    said: list[str] = []
    tasks = [Task("x", lambda: [][0])]
    runner.run(tasks, tmp_path / "tasks.json", lambda *told: said.append(told[2]))
    assert said == ["", "IndexError: list index out of range"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"b": 1}', '{"b": {"inputs": {}}}'])
def test_a_damaged_record_runs_everything(work, content):
    work.record.write_text(content)
    assert work.run() == dict.fromkeys("bcd", "ran")


def test_the_record_names_no_place_on_this_machine(work):
    assert str(work.folder) not in work.record.read_text()
    assert set(json.loads(work.record.read_text())) == {"b", "c", "d"}


def test_a_lane_has_as_many_workers_as_asked_and_another_lane_its_own(tmp_path):
    together = threading.Barrier(3, timeout=PATIENCE)
    tasks = [Task(name, together.wait, lane=lane) for name, lane in (("x", "wide"), ("y", "wide"), ("z", ""))]
    said: list[tuple[str, str]] = []
    runner.run(tasks, tmp_path / "t.json", lambda name, state, _: said.append((name, state)), {"wide": 2})
    assert {name for name, state in said if state == "ran"} == {"x", "y", "z"}


def test_of_tasks_that_could_begin_the_first_in_order_does(tmp_path):
    began: list[str] = []
    needs = {"first": (), "dear": ("first",), "third": (), "fourth": ()}
    tasks = [Task(name, lambda name=name: began.append(name), needs=given) for name, given in needs.items()]
    runner.run(tasks, tmp_path / "tasks.json", lambda *_: None)
    assert began == list(needs)


def test_what_tasks_wait_for_is_ended_when_the_user_ends_the_run(tmp_path):
    ended = threading.Event()

    def tell(name: str, state: str, message: str) -> None:
        if (name, state) == ("first", "ran"):
            raise KeyboardInterrupt

    tasks = [
        Task("first", lambda: None),
        Task("second", lambda: ended.wait(PATIENCE) or pytest.fail(), lane="kernels"),
    ]
    with pytest.raises(KeyboardInterrupt):
        runner.run(tasks, tmp_path / "t.json", tell, interrupted=ended.set)
