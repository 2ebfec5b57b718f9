"""Faults: processes killed at any moment, full and read-only disks, two at once, clocks, locales and paths.

The oracle is an undisturbed run in this process: every file of a disturbed one must have the same bytes.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

import command
import demo
from command import until
from research import cli
from research.commands.batch import batch as batch_command
from research.errors import UserError
from research.pages import files, notebooks
from research.paths import EXAMPLES, ROOT
from research.runs import batch, kernels, pipeline
from research.runs.grid import plans, read
from research.runs.pipeline import Result
from research.runs.plan import Plan
from research.runs.plan import plan as study_plan
from test_batch import grid_file

pytestmark = pytest.mark.usefixtures("no_commit")
linux = pytest.mark.skipif(sys.platform != "linux", reason="processes and their children are found in /proc")

RATES = [
    ("text", "# Do tiers differ?"),
    ("parameters", demo.PARAMETERS),
    (
        "code",
        f"{demo.SHOWN}\nfrom research import parameters\n"
        "from research.study.contents import tier_rates\nplan = parameters.load(study)",
    ),
    ("code", 'show(Exhibit("rates", tier_rates(plan, "abc"), Said("Bad rate by tier")))'),
    ("code", 'answer(Said("Seed {seed:d}.", {"seed": plan.seed}))'),
]
PLAIN = [*demo.SECOND[1:]]


@pytest.fixture(scope="module")
def books(tmp_path_factory) -> Path:
    """Two notebooks: one calls a cached step of the study, one needs it."""
    folder = demo.write(tmp_path_factory.mktemp("books"), "01_rates", RATES).parent
    demo.write(folder, "02_second", PLAIN, needs=("01_rates",))
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return demo.write(tmp_path_factory.mktemp("tiny"), "01_tiny", PLAIN).parent


def plan(books: Path, out: Path, **options) -> Plan:
    return study_plan("quick", out=out, notebooks=notebooks.find(books), **options)


def run(books: Path, out: Path, **options) -> Result:
    return pipeline.run(plan(books, out, **options), quiet=True)


def unfinished(*folders: Path) -> list[str]:
    """Return files below folders that have a temporary name."""
    return [
        path.name
        for folder in folders
        for path in folder.rglob("*")
        if path.name.endswith((files.SCRATCH, ".part.ipynb"))
        or path.name.startswith("seen-")
        or (path.name.startswith(".") and path.name.endswith(".tmp"))
    ]


def differing(once: dict[str, bytes], again: dict[str, bytes]) -> list[str]:
    return sorted(name for name in once.keys() | again.keys() if once.get(name) != again.get(name))


class Mount:
    """A file system in memory."""

    def __init__(self, folder: Path, options: str) -> None:
        folder.mkdir()
        self.folder = folder
        self.libc = ctypes.CDLL(None, use_errno=True)
        arguments = [text.encode() for text in ("tmpfs", str(folder), "tmpfs")]
        if self.libc.mount(*arguments, 0, options.encode()):
            pytest.skip(f"no file system can be mounted here: {os.strerror(ctypes.get_errno())}; needs root")

    def read_only(self) -> None:
        remount, readonly = 32, 1
        self.libc.mount(b"", str(self.folder).encode(), b"", remount | readonly, None)

    def close(self) -> None:
        detach = 2
        self.libc.umount2(str(self.folder).encode(), detach)


@pytest.fixture
def mounted(tmp_path) -> Iterator[Callable[[str], Mount]]:
    mounts: list[Mount] = []

    def mount(options: str) -> Mount:
        mounts.append(Mount(tmp_path / f"mount-{len(mounts)}", options))
        return mounts[-1]

    yield mount
    for each in mounts:
        each.close()


@pytest.fixture(scope="module")
def calm(books, tmp_path_factory) -> dict[str, bytes]:
    """The files of an undisturbed run."""
    home = tmp_path_factory.mktemp("calm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESEARCH_CACHE", str(home / "cache"))
        result = run(books, home / "out")
    assert result.exit_code == 0, [*result.failed, *result.faults]
    return command.files(home / "out")


class Started:
    """A command in a process of its own, whose descendants can be found by a mark in their environment."""

    def __init__(self, books: Path, *words: object, **environment: str) -> None:
        self.mark = f"RESEARCH_MARK={uuid.uuid4().hex}"
        name, _, value = self.mark.partition("=")
        self.process = command.start(books, *words, env=command.environment(**{name: value}, **environment))

    def descendants(self) -> dict[int, str]:
        """Return process id → command line of what runs with the mark."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if self.mark.encode() in (folder / "environ").read_bytes():
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().decode(errors="replace")
        return found

    def kill_when(self, true: Callable[[], object], delay: float = 0) -> None:
        """Kill the process, and nothing else, as soon as something is true; then wait until all its children left."""
        until(lambda: true() or self.process.poll() is not None)
        assert true(), f"it ended before: {self.process.communicate()[0]}"
        time.sleep(delay)
        self.process.kill()
        self.process.wait()
        until(lambda: not self.descendants())


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder for temporary files whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="faults-", dir="/tmp") as folder:
        yield Path(folder)


@linux
def test_a_run_that_is_killed_is_taken_up_by_the_next(books, calm, scratch, tmp_path, monkeypatch):
    """Two runs at once that share a cache are killed at different moments; each is then run again."""
    moments = ["executed/01_rates.ipynb", "values.json"]
    cache = tmp_path / "cache"
    jitter = random.Random(20240607)
    outs = [tmp_path / f"out-{number}" for number in range(len(moments))]
    started = [
        Started(books, "run", "quick", "--out", out, RESEARCH_CACHE=str(cache), TMPDIR=str(scratch))
        for out in outs
    ]
    for one, out, moment in zip(started, outs, moments, strict=True):
        one.kill_when((out / moment).exists, delay=jitter.uniform(0, 0.3))
    monkeypatch.setenv("RESEARCH_CACHE", str(cache))
    for out in outs:
        assert run(books, out).exit_code == 0
        assert differing(command.files(out), calm) == []
    assert unfinished(*outs) == []
    kernels.remove_abandoned(scratch, just_made=0)
    assert list(scratch.iterdir()) == []


@linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_processes_that_compute_steps_end_with_their_run(number, tmp_path):
    books = demo.write(tmp_path / "books", "01_idle", PLAIN, begins="first").parent
    cache = tmp_path / "cache"
    words = ("run", "quick", "--jobs", 2, "--out", tmp_path / "out")
    started = Started(books, *words, RESEARCH_CACHE=str(cache))
    until((cache / "results" / "customers").exists)  # steps are under way, and take longer than what follows
    started.process.send_signal(number)
    assert started.process.wait(command.PATIENCE) != 0
    until(lambda: not started.descendants())


def parent(process: int) -> int:
    """Return the number of the process that started one; 0 when it has gone."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0


@linux
def test_a_batch_that_is_killed_is_taken_up_by_the_next(tiny, tmp_path):
    """First the process of one run is killed, which the batch survives; then the batch, which a second one finishes."""
    asked = read(grid_file(tmp_path, "name: g\nstudy: quick\nproduct: {seed: [1, 2, 3]}"))
    calm = batch.named(asked, plans(asked, tmp_path / "calm", notebooks.find(tiny)))
    assert {outcome.state for outcome in batch.here(calm, jobs=1)} == {"ran"}
    out = tmp_path / "out"
    started = Started(tiny, "batch", tmp_path / "grid.yml", "--out", out, "--jobs", 2)

    def ended() -> int:
        return len(list(out.glob("runs/*/values.json")))

    until(ended)
    before = ended()
    workers = [one for one in started.descendants() if parent(parent(one)) == started.process.pid]
    with suppress(ProcessLookupError, IndexError):  # all may be done already
        os.kill(workers[0], signal.SIGKILL)  # the fork server stands between
    until(lambda: ended() > before or started.process.poll() is not None)
    started.kill_when(lambda: True)
    again = batch.named(asked, plans(asked, out, notebooks.find(tiny)))
    assert {outcome.state for outcome in batch.here(again, jobs=1)} <= {"ran", "unchanged"}
    assert differing(runs_of(out), runs_of(tmp_path / "calm")) == []
    assert unfinished(out) == []


def runs_of(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in command.files(folder).items() if name.startswith("runs/")}


def test_a_damaged_result_in_the_cache_is_computed_again(books, calm, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    monkeypatch.setenv("RESEARCH_CACHE", str(cache))
    run(books, tmp_path / "out", only=["01_rates"])
    stored = sorted(cache.glob("results/*/*.pickle"))
    assert len(stored) > 3
    for number, path in enumerate(stored):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] if number % 2 else b"")
    result = run(books, tmp_path / "again")
    assert result.exit_code == 0
    assert differing(command.files(tmp_path / "again"), calm) == []


def test_runs_at_once_in_two_folders_share_a_cold_cache(books, calm, tmp_path, monkeypatch):
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / "cache"))
    outs = [tmp_path / "a", tmp_path / "b"]
    with ThreadPoolExecutor(2) as pool:
        codes = [result.exit_code for result in pool.map(lambda out: run(books, out), outs)]
    assert codes == [0, 0]
    for out in outs:
        assert differing(command.files(out), calm) == []


def test_checks_of_one_folder_do_not_disturb_each_other(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: files.check_writable(tmp_path / "cache", "x"), range(400)))
    assert said == [None] * 400
    assert list((tmp_path / "cache").iterdir()) == []


def test_two_batches_in_one_folder_are_refused(tiny, tmp_path, monkeypatch):
    find = notebooks.find
    monkeypatch.setattr(notebooks, "find", lambda: find(tiny))
    grid = grid_file(tmp_path, "study: quick\nproduct: {seed: [1]}")
    with (
        files.only_writer(tmp_path / "out"),
        pytest.raises(UserError, match=r"another run is writing to .*out; wait for it or choose"),
    ):
        batch_command(grid, jobs=1, out=tmp_path / "out", cluster="")
    assert not (tmp_path / "out/runs").exists()


@pytest.mark.parametrize("kilobytes", [4, 24, 140])
def test_full_disk_is_told_and_leaves_nothing_half_written(tiny, mounted, kilobytes):
    disk = mounted(f"size={kilobytes}k")
    out = disk.folder / "out"
    try:
        result = run(tiny, out)
        told = [line.message for line in result.failed] + result.faults
        assert result.exit_code == 1
    except OSError as error:
        told = [str(error)]
    assert told
    assert all("No space left on device" in message for message in told)
    assert unfinished(disk.folder) == []
    for path in (*out.glob("**/*.json"), *out.glob("**/*.ipynb")):
        json.loads(path.read_text(encoding="utf-8"))  # raises when it is not whole


def test_full_disk_on_the_command_line(tiny, tmp_path, monkeypatch, capsys):
    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "reports/values.json")

    monkeypatch.setattr(cli, "app", full)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "research: reports/values.json: No space left on device\n"


def test_full_cache_is_told(books, mounted, tmp_path, monkeypatch):
    disk = mounted("size=48k")
    monkeypatch.setenv("RESEARCH_CACHE", str(disk.folder / "cache"))
    result = run(books, tmp_path / "out", only=["01_rates"])
    assert [line.state for line in result.lines] == ["failed"]
    assert "a result cannot be stored: No space left on device" in result.lines[0].message
    assert str(disk.folder / "cache") in result.lines[0].message
    assert unfinished(disk.folder) == []


def test_folders_that_cannot_be_written(tiny, mounted, tmp_path, monkeypatch):
    disk = mounted("size=40k")
    disk.read_only()
    (tmp_path / "file").touch()
    for out, reason in (
        (disk.folder, "cannot be written: Read-only file system"),
        (disk.folder / "new", "cannot be written: Read-only file system"),
        (tmp_path / "file" / "new", f"{tmp_path / 'file'} is a file, expected a folder"),
    ):
        with pytest.raises(UserError, match=f"--out {out}: {reason}"):
            run(tiny, out)
    monkeypatch.setenv("RESEARCH_CACHE", str(disk.folder))
    with pytest.raises(UserError, match=f"RESEARCH_CACHE {disk.folder}: cannot be written: Read-only"):
        run(tiny, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@linux
@pytest.mark.parametrize(
    ("language", "folder", "depth"), [("C", "tiers of customers", 0), ("zh_CN.UTF-8", "客户 分层 study", 20)]
)
def test_clock_locale_and_paths_do_not_change_results(language, folder, depth, tmp_path, own_book, later):
    """A copy of the project in a path with spaces and Chinese, twenty years later, elsewhere in the world.

    A file system of ASCII, which C without UTF-8 mode means, has no Chinese names. In the other the folder for
    temporary files lies too deep for sockets.
    """
    deep = tmp_path.joinpath("temporary", *["deeper"] * depth)
    deep.mkdir(parents=True)
    home = tmp_path / folder
    for name in ("src", "data", "studies"):
        shutil.copytree(ROOT / name, home / name)
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, home)
    books = demo.write(home / f"{folder} 1", "01_rates", RATES).parent
    book = home / f"{folder}.csv"
    shutil.copy(EXAMPLES / "loan_book_example.csv", book)
    where = {"dataset": book, "crosswalk": home / "data/examples/loan_book_crosswalk.csv"}
    changes = [word for name, value in where.items() for word in ("-p", f"{name}={value}")]
    done = command.run(
        books, "run", "quick", *changes, "--out", home / f"{folder} 2", cwd=home,
        env=command.environment(
            PYTHONPATH=str(home / "src"), RESEARCH_CACHE=str(home / f"{folder} 3"), PYTHONUTF8="0", LC_ALL=language,
            PYTHONCOERCECLOCALE="0", TZ="Asia/Shanghai", TMPDIR=str(deep), **chinese(tmp_path, language), **later,
        ),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    made = command.files(home / f"{folder} 2")
    assert made["results/01_rates/rates.csv"].count(b"\n") > 4
    assert differing(results(made), own_book) == []


def results(made: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in made.items() if name.startswith("results/")}


@pytest.fixture(scope="module")
def own_book(books, tmp_path_factory) -> dict[str, bytes]:
    """The results of a run on the example loan book where it lies."""
    home = tmp_path_factory.mktemp("own")
    given = {
        "dataset": str(EXAMPLES / "loan_book_example.csv"),
        "crosswalk": str(EXAMPLES / "loan_book_crosswalk.csv"),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESEARCH_CACHE", str(home / "cache"))
        result = run(books, home / "out", changes=given, only=["01_rates"])
    assert result.exit_code == 0, result.failed
    return results(command.files(home / "out"))


CLOCK = r"""
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *at) {
  int code = syscall(SYS_clock_gettime, id, at);
  if (code == 0 && id == CLOCK_REALTIME) at->tv_sec += 20L * 365 * 24 * 3600;
  return code;
}
time_t time(time_t *to) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  if (to) *to = at.tv_sec;
  return at.tv_sec;
}
int gettimeofday(struct timeval *to, void *zone) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  to->tv_sec = at.tv_sec;
  to->tv_usec = at.tv_nsec / 1000;
  return 0;
}
"""


@pytest.fixture(scope="module")
def later(tmp_path_factory) -> dict[str, str]:
    """Return the environment of processes whose clock is twenty years ahead; empty where no compiler is."""
    compiler = shutil.which("cc")
    if compiler is None:
        return {}
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(CLOCK, encoding="utf-8")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", "clock.so", "clock.c"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    preloaded = {"LD_PRELOAD": str(folder / "clock.so")}
    year = [sys.executable, "-c", "import time; print(time.gmtime().tm_year)"]
    told = subprocess.run(year, env={**os.environ, **preloaded}, check=True, capture_output=True, text=True)
    assert int(told.stdout) >= time.gmtime().tm_year + 19
    return preloaded


def chinese(folder: Path, language: str) -> dict[str, str]:
    """Return the environment that makes a locale known which the machine need not have."""
    maker = shutil.which("localedef")
    if language == "C" or maker is None:
        return {}
    name, _, charset = language.partition(".")
    place = folder / "locales"
    place.mkdir()
    made = subprocess.run(
        [maker, "-i", name, "-f", charset, str(place / language)], capture_output=True, check=False
    )
    return {"LOCPATH": str(place)} if made.returncode == 0 else {}
