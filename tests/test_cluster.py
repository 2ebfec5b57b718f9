"""A batch, or one study, on a Dask cluster: a real scheduler and workers in processes, on this machine only.

The oracle is the same work done in this process: every file must have the same bytes.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import typer

import command
import demo
from command import until
from research.commands.batch import batch as batch_command
from research.commands.run import run as run_command
from research.errors import UserError
from research.pages import notebooks
from research.paths import EXAMPLES, ROOT
from research.runs import batch, cluster, pipeline
from research.runs.batch import Outcome
from research.runs.grid import plans, read
from research.runs.plan import plan
from test_batch import grid_file

distributed = pytest.importorskip("distributed", reason="Dask is not installed: `make extras`")
pytestmark = pytest.mark.usefixtures("no_commit")

CELLS = [
    ("text", "# Which seed?"),
    ("parameters", demo.PARAMETERS),
    ("code", f"from research import parameters\n{demo.SHOWN}\nplan = parameters.load(study)"),
    ("code", 'assert plan.seed != 3, "three is a crowd"'),
    ("code", 'answer(Said("Seed {seed:d}.", {"seed": plan.seed}))'),
]
COMPARED = [
    ("text", "# Who serves?"),
    ("parameters", demo.PARAMETERS),
    ("code", f"{demo.SHOWN}\nfrom research import parameters\nfrom research.study import contents as steps"),
    ("code", "plan = parameters.load(study, dataset=dataset, changes=changes)"),
    (
        "code",
        'curve = steps.specification_curve(plan)["curve"]\n'
        'for name, rows in (("contrasts", steps.contrasts(plan)), ("curve", curve)):\n'
        '    show(Exhibit(name, rows, Said("Rows")))',
    ),
    ("code", 'answer(Said("{n:d} contrasts.", {"n": len(steps.contrasts(plan))}))'),
]
BOOK = str(EXAMPLES / "loan_book_example.csv")  # of 400 customers
SMALL = {
    "dataset": BOOK, "crosswalk": str(EXAMPLES / "loan_book_crosswalk.csv"), "compare_datasets": [BOOK],
    "models": ["rfm", "tree"], "references": ["random"], "folds": 2, "bootstrap": 100, "stability_refits": 2,
}  # fmt: skip
GRID = "name: seeds\nproduct: {seed: [1, 2, 3, 4]}"


class Cluster:
    """A scheduler and its workers, each a process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.log = (home / "log").open("wb")
        place = home / "scheduler.json"
        self.scheduler = self.start(
            "scheduler", "--scheduler-file", str(place), "--no-dashboard", "--port", "0"
        )
        self.workers: list[subprocess.Popen[bytes]] = []
        until(place.exists, self.scheduler)
        found = re.search(r"tcp://127\.0\.0\.1:\d+", place.read_text(encoding="utf-8"))
        assert found
        self.address = found[0]

    def start(self, kind: str, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a process of Dask that listens on this machine only."""
        return subprocess.Popen(
            [sys.executable, "-m", "dask", kind, "--host", "127.0.0.1", *words],
            env=command.environment(**environment),
            stdout=self.log,
            stderr=self.log,
        )

    def add(self, threads: int = 1, **environment: str) -> subprocess.Popen[bytes]:
        """Start a worker without a nanny, so that its process is the worker, and wait until it is known."""
        scratch = str(self.home / "scratch")
        options = ["--no-nanny", "--nthreads", str(threads), "--no-dashboard", "--local-directory", scratch]
        worker = self.start("worker", self.address, *options, **environment)
        self.workers.append(worker)
        until(lambda: len(self.addresses()) == len(self.workers), *self.workers)
        return worker

    def addresses(self) -> list[str]:
        """Return the addresses of the workers."""
        assert self.scheduler.poll() is None, "the scheduler has ended"
        with distributed.Client(self.address, timeout=command.PATIENCE, set_as_default=False) as client:
            return list(client.nthreads())

    def lose(self, *workers: subprocess.Popen[bytes]) -> None:
        """Kill workers and wait until the scheduler has noticed."""
        for worker in workers:
            worker.kill()
            worker.wait()
            self.workers.remove(worker)
        until(lambda: len(self.addresses()) == len(self.workers))

    def mend(self) -> None:
        """Have two workers that live, the second with two threads when none was lost, and no other."""
        self.lose(*[worker for worker in self.workers if worker.poll() is not None])
        self.lose(*self.workers[2:])
        while len(self.workers) < 2:
            self.add(threads=len(self.workers) + 1)

    def close(self) -> None:
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()
        self.log.close()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine answers late; the tests of those who do not answer set their own.

    For a worker nobody waits so long: all are there before a test begins.
    """
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", command.PATIENCE)


@pytest.fixture(scope="module")
def books(tmp_path_factory) -> Path:
    return demo.write(tmp_path_factory.mktemp("books"), "01_seed", CELLS).parent


@pytest.fixture(scope="module")
def one_cluster(tmp_path_factory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("dask"))
    yield made
    made.close()


@pytest.fixture
def dask(one_cluster) -> Cluster:
    """A cluster of two workers, whatever the test before did to it."""
    one_cluster.mend()
    return one_cluster


@pytest.fixture
def start(books, tmp_path, monkeypatch, capsys) -> Callable[..., tuple[int, str]]:
    """Return a function that carries out `research batch` here and returns exit code and what it printed."""
    find = notebooks.find
    monkeypatch.setattr(notebooks, "find", lambda: find(books))

    def started(grid: str, address: str = "", jobs: int | None = None) -> tuple[int, str]:
        with pytest.raises(typer.Exit) as ended:
            batch_command(grid_file(tmp_path, grid), jobs=jobs, out=tmp_path / "out", cluster=address)
        return ended.value.exit_code, capsys.readouterr().err

    return started


@pytest.fixture(scope="module")
def local(books, tmp_path_factory) -> dict[str, bytes]:
    """The files of the runs made in this process."""
    home = tmp_path_factory.mktemp("local")
    grid = read(grid_file(home, GRID))
    runs = batch.named(grid, plans(grid, home / "out", notebooks.find(books)))
    outcomes = list(batch.here(runs, jobs=1))
    assert [outcome.state for outcome in outcomes] == ["ran", "ran", "failed", "ran"]
    return command.files(home / "out")


def runs_of(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in command.files(folder).items() if name.startswith("runs/")}


def test_batch_has_the_same_bytes_as_a_local_one_and_resumes(dask, local, start, tmp_path):
    code, said = start(GRID, dask.address)
    assert code == 1
    assert "[4/4]" in said
    assert re.search(r"seed-3: 01_seed: .*three is a crowd", said)
    assert "4 runs: 3 ran, 1 failed" in said
    made = runs_of(tmp_path / "out")
    assert made.keys() == local.keys()
    assert [name for name in local if made[name] != local[name]] == []
    assert "1 did not finish" in (tmp_path / "out/index.html").read_text(encoding="utf-8")

    code, said = start(GRID, dask.address)
    assert (code, "4 runs: 3 unchanged, 1 failed" in said) == (1, True)


def test_a_worker_that_is_killed_loses_nothing(dask, local, start, tmp_path):
    victim = dask.workers[0]

    def kill() -> None:
        until(lambda: list(tmp_path.glob("out/runs/*/values.json")))
        victim.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    code, said = start("name: seeds\nproduct: {seed: [1, 2, 4]}", dask.address)
    killer.join()
    dask.lose(victim)
    assert code == 0, said
    # A run that ended while its worker died is found unchanged by the next worker.
    assert re.search(r"3 runs: (3 ran|2 ran, 1 unchanged)", said)
    wanted = {name: content for name, content in local.items() if "seed-3" not in name}
    assert runs_of(tmp_path / "out") == wanted
    assert not list(tmp_path.glob("out/.run/seen-*"))


def test_workers_that_differ_are_named_before_a_run_starts(dask, start, tmp_path):
    shutil.copytree(ROOT / "src/research", tmp_path / "elsewhere/src/research")
    with (tmp_path / "elsewhere/src/research/tiers.py").open("a", encoding="utf-8") as code:
        code.write("# another version\n")
    (tmp_path / "empty/research").mkdir(parents=True)
    (tmp_path / "empty/research/__init__.py").touch()
    paths = (tmp_path / "elsewhere/src", tmp_path / "empty")
    unfit = [dask.add(PYTHONPATH=str(path)) for path in paths]
    with pytest.raises(UserError) as told:
        start(GRID, dask.address)
    dask.lose(*unfit)
    lines = str(told.value).splitlines()
    assert lines[0] == "2 of 4 workers cannot take part, so no run started:"
    assert re.search(
        r"worker tcp://127\.0\.0\.1:\d+: .*the code: found \w+, expected \w+", "\n".join(lines[1:3])
    )
    assert re.search(r"worker tcp://\S+: it cannot import this project \(", "\n".join(lines[1:3]))
    assert not (tmp_path / "out/runs").exists()


def test_a_worker_that_joins_later_and_differs_ends_the_batch(monkeypatch, dask, books, tmp_path):
    monkeypatch.setattr(cluster, "check_workers", lambda *_: None)
    monkeypatch.setattr(cluster, "expected", lambda runs, _: {name: {"Python": "another"} for name in runs})
    grid = read(grid_file(tmp_path, GRID))
    (tmp_path / ".run").mkdir()
    runs = batch.named(grid, plans(grid, tmp_path, notebooks.find(books)))
    with (
        cluster.connected(dask.address) as client,
        pytest.raises(UserError, match=r"worker tcp://\S+ cannot take part: Python: found 3\.\d+"),
    ):
        list(cluster.there(runs, client, tmp_path))


def test_without_a_worker_left_the_rest_fails_and_the_batch_ends(dask, books, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "WORKER_SECONDS", 2)
    monkeypatch.setattr(cluster, "check_workers", lambda *_: dask.lose(*dask.workers))
    outcomes = carried_out(dask, books, tmp_path)
    assert {(outcome.state, outcome.message) for outcome in outcomes} == {("failed", cluster.LOST)}
    assert len(outcomes) == 4


def test_without_the_scheduler_the_rest_fails_and_the_batch_ends(books, tmp_path, monkeypatch):
    own = Cluster(tmp_path)  # other tests need theirs
    own.add()
    monkeypatch.setattr(cluster, "has_worker", lambda _: own.scheduler.kill() or True)
    try:
        outcomes = carried_out(own, books, tmp_path)
    finally:
        own.close()
    assert outcomes[-1].message == cluster.CUT_OFF
    assert len(outcomes) == 4


def carried_out(dask: Cluster, books: Path, folder: Path) -> list[Outcome]:
    """Carry out the batch in a folder and return the outcomes as they came."""
    grid = read(grid_file(folder, GRID))
    (folder / ".run").mkdir()
    runs = batch.named(grid, plans(grid, folder, notebooks.find(books)))
    with cluster.connected(dask.address) as client:
        return list(cluster.there(runs, client, folder))


def test_differences_name_what_was_found_and_expected():
    assert cluster.differences({"Python": "3.11"}, {"Python": "3.11"}) == ""
    assert cluster.differences({"Python": "3.11"}, {"Python": "3.12", "the code": "ab"}) == (
        "Python: found 3.11, expected 3.12; the code: found nothing, expected ab"
    )


@pytest.mark.parametrize("address", ["nonsense", "tcp://127.0.0.1:1", "gopher://127.0.0.1:8786", "127.0.0.1"])
def test_a_wrong_address_is_one_message(address, start, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(UserError, match=rf"--cluster {address}: no scheduler answered within 1 s"):
        start(GRID, address)
    assert not (tmp_path / "out").exists()


def test_somebody_who_says_nothing_is_one_message(start, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(UserError, match="no scheduler answered within 1 s"),
    ):
        start(GRID, f"tcp://127.0.0.1:{silent.getsockname()[1]}")


def test_a_web_server_is_one_message(start, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(UserError, match="no scheduler answered"):
            start(GRID, f"127.0.0.1:{server.server_address[1]}")
        server.shutdown()


def test_dask_is_an_extra(start, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match="make extras"):
        start(GRID, "tcp://127.0.0.1:1")


def test_jobs_and_cluster_exclude_each_other(start):
    with pytest.raises(UserError, match="--jobs counts processes of this machine"):
        start(GRID, "tcp://127.0.0.1:1", jobs=2)


def test_a_scheduler_without_workers_is_one_message(tmp_path, start, monkeypatch):
    monkeypatch.setattr(cluster, "WORKER_SECONDS", 1)
    lonely = Cluster(tmp_path)
    try:
        with pytest.raises(UserError, match="has had no worker for 1 s"):
            start(GRID, lonely.address)
    finally:
        lonely.close()


def test_the_address_of_a_worker_is_one_message(dask, start):
    with pytest.raises(UserError, match="a worker answered, expected the address of the scheduler"):
        start(GRID, dask.addresses()[0])


@pytest.fixture
def compared(tmp_path, monkeypatch) -> Callable[..., dict[str, bytes]]:
    """Return a function that runs a small comparison with a cache and returns the files of its reports."""
    books = demo.write(tmp_path / "compared", "01_compared", COMPARED, begins="first").parent

    def made(cache: str, out: str, cells: Path = books, jobs: int = 1, address: str = "") -> dict[str, bytes]:
        monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path / cache))
        monkeypatch.setenv("RESEARCH_JOBS", "1")
        given = notebooks.find(cells)
        made = plan("quick", changes=SMALL, jobs=jobs, out=tmp_path / out, notebooks=given)
        if address:
            with cluster.steps(made, address) as submit:
                result = pipeline.run(made, quiet=True, submit=submit)
        else:
            result = pipeline.run(made, quiet=True)
        assert not result.exit_code, result.failed
        return command.files(tmp_path / out)

    return made


def test_a_study_has_the_same_bytes_from_one_job_two_and_a_cluster_cold_and_cached(compared, tmp_path):
    """On the cluster a notebook comes first that uses no step, so that only workers can have stored any."""
    one = compared("cache", "one")
    assert {"01_compared.html", "values.json"} <= one.keys()
    idle = demo.write(tmp_path / "idle", "01_idle", CELLS, begins="first").parent
    compared("cache-of-cluster", "idle", idle, address="local:2")
    found = {path.name for path in (tmp_path / "cache-of-cluster" / "results").iterdir()}
    assert {"out_of_fold", "refits", "unaided", "chosen_folds", "other_readings", "by_data_set"} <= found
    assert not list((tmp_path / "cache-of-cluster").glob("seen-*"))
    for made in (
        compared("cache", "cached"),
        compared("cache-of-two", "two", jobs=2),
        compared("cache-of-cluster", "cluster"),
    ):
        assert made.keys() == one.keys()
        assert [name for name in one if made[name] != one[name]] == []


def test_as_many_workers_start_here_as_asked_for_each_with_one_thread(monkeypatch):
    asked: dict[str, object] = {}

    def started(**options: object):
        asked.update(options)
        raise UserError("asked for")

    monkeypatch.setattr(distributed, "LocalCluster", started)
    with pytest.raises(UserError, match="asked for"), cluster.connected("local:3"):
        pass
    assert (asked["n_workers"], asked["threads_per_worker"], asked["host"]) == (3, 1, "127.0.0.1")


def test_a_cluster_with_another_cache_is_refused_before_anything_runs(compared, dask, tmp_path):
    with pytest.raises(
        UserError, match=r"worker tcp://\S+: the shared folder: found .* not seen, expected .* seen"
    ):
        compared("cache", "out", address=dask.address)
    assert not (tmp_path / "out").exists()


def test_a_study_whose_workers_are_lost_is_finished_here(compared, dask, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "check_workers", lambda *_: None)  # they have another cache
    monkeypatch.setattr(cluster, "RETRIES", 0)
    monkeypatch.setattr(cluster, "work", len)  # which fails with whatever a worker gives it
    said = ("code", 'answer(Said("{n:d} customers.", {"n": len(steps.out_of_fold(plan).index)}))')
    books = demo.write(tmp_path / "books", "01_customers", [*COMPARED[:4], said], begins="first").parent
    assert "01_customers.html" in compared("cache", "out", books, address=dask.address)


@pytest.mark.parametrize("words", ["local:", "local:0", "local:two", "local:1000"])
def test_a_number_of_workers_here_that_cannot_be_is_one_message(words, compared, tmp_path):
    with pytest.raises(UserError, match=rf"--cluster {words}: expected local:N with N workers, 1 to \d+"):
        compared("cache", "out", address=words)
    assert not (tmp_path / "out").exists()


def test_watching_and_a_cluster_exclude_each_other():
    with pytest.raises(UserError, match="--watch and --cluster"):
        run_command("quick", cluster="local:2", watch=True)
