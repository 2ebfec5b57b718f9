"""Work on a Dask cluster: every run of a batch, or every unit of steps of a study, is one task on a free worker.

Tasks are submitted one by one and not through joblib's Dask backend: that one puts several into one task and gives up
on all when a worker is lost, while a submitted task is taken over by another worker.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from research.errors import UserError
from research.files.fingerprint import fingerprint
from research.pages import provenance
from research.pages.files import check_writable
from research.paths import ROOT, cache_folder
from research.runs.batch import Outcome, execute
from research.runs.plan import Plan
from research.runs.processes import changed, steady_environment

if TYPE_CHECKING:
    from distributed import Client

HERE, MOST = "local:", 64  # `local:4` starts four workers on this machine
CONNECT_SECONDS = 10  # for the scheduler to answer
WORKER_SECONDS = 30  # for a worker to be there, at the start and when the last one was lost
LOCK_SECONDS = 120  # for the folder of a run whose worker was lost; a file server frees locks late
RETRIES = 2  # of a task that could not be carried to a worker
LOST = "no worker was left; start the batch again to go on"
CUT_OFF = "the connection to the scheduler was lost; start the batch again to go on"


@dataclass(frozen=True)
class Refusal:
    """What makes a worker unfit for a run."""

    worker: str
    reason: str


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """Connect to the scheduler at an address such as `tcp://10.0.0.5:8786`; what has not begun is withdrawn at the end.

    `local:N` starts a scheduler and N workers on this machine, which end with the block.

    Raises:
        UserError: Dask is not installed, nobody answers, or the scheduler has no worker.
    """
    try:
        from distributed import Client
    except ImportError:
        raise UserError("--cluster needs Dask, which is not installed: `make extras` installs it") from None
    for name in ("distributed.client", "distributed.comm", "distributed.batched"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what they would say is said in one message
    with ExitStack() as held:
        if address.startswith(HERE):
            address = held.enter_context(started(address))
        ask_for_scheduler(address)
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
        held.callback(client.close, timeout=CONNECT_SECONDS)
        wait_for_worker(client, address)
        yield client


@contextmanager
def started(words: str) -> Iterator[str]:
    """Start a cluster on this machine as `local:N` asks and yield its address. Raises UserError."""
    from distributed import LocalCluster

    count = words.removeprefix(HERE)
    if not (count.isdecimal() and 1 <= int(count) <= MOST):
        raise UserError(f"--cluster {words}: expected {HERE}N with N workers, 1 to {MOST}")
    with changed(steady_environment()):
        made = LocalCluster(
            n_workers=int(count), threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1"
        )
    with made:
        yield made.scheduler_address


def ask_for_scheduler(address: str) -> None:
    """Check that a scheduler answers; Dask's client alone would wait for ever for one that accepts and says nothing.

    Raises:
        UserError: nobody answers in time, or another part of a cluster does.
    """
    from distributed.core import rpc

    async def identity() -> str:
        async with rpc(address) as peer:
            return (await peer.identity())["type"]

    async def in_time() -> str:
        return await asyncio.wait_for(identity(), CONNECT_SECONDS)

    try:
        kind = asyncio.run(in_time())
    except Exception as error:  # whatever a stranger's answer makes of Dask's protocol
        reason = " ".join(f"{type(error).__name__} {error}".split())[:200]
        raise UserError(
            f"--cluster {address}: no scheduler answered within {CONNECT_SECONDS} s ({reason}); "
            "expected an address such as tcp://10.0.0.5:8786, which `dask scheduler` prints"
        ) from None
    if kind != "Scheduler":
        raise UserError(
            f"--cluster {address}: a {kind.lower()} answered, expected the address of the scheduler"
        )


def wait_for_worker(client: Client, address: str) -> None:
    """Wait until there is a worker. Raises UserError when there is none for too long."""
    until = time.monotonic() + WORKER_SECONDS
    while not client.nthreads():
        if time.monotonic() > until:
            raise UserError(
                f"--cluster {address}: the scheduler has had no worker for {WORKER_SECONDS} s; "
                f"start one in the project's folder with `.venv/bin/dask worker {address} --nthreads 1`"
            )
        time.sleep(0.2)


@contextmanager
def steps(plan: Plan, address: str) -> Iterator[Callable[..., Future[Any]]]:
    """Yield what submits steps of a study to the cluster at an address; they are stored in the cache that all share.

    Raises:
        UserError: as `connected`, or a worker has other code, packages, data or another cache than this process.
    """
    check_writable(cache_folder(), "RESEARCH_CACHE names another folder, for every worker, too")
    with connected(address) as client, seen(cache_folder()) as mark:
        mark = Path(mark.name)  # every worker looks for it in its own cache
        wanted = setting(plan, mark)
        check_workers(client, plan, mark, wanted)
        with executor(client) as workers:
            yield partial(workers.submit, work, plan, mark, wanted)


def there(runs: Mapping[str, Plan], client: Client, folder: Path) -> Iterator[Outcome]:
    """Carry out runs on a cluster; yield outcomes as they come.

    A run whose worker is lost begins again on another one.

    Args:
        runs: name → plan.
        client: connected to the scheduler.
        folder: of the batch; every worker must see it.

    Raises:
        UserError: a worker has other code, packages or data than this process, or does not see the folder.
    """
    with seen(folder.resolve() / ".run") as mark:
        plans = {name: replace(plan, out=plan.out.resolve()) for name, plan in runs.items()}
        settings = expected(plans, mark)
        check_workers(client, next(iter(plans.values())), mark, next(iter(settings.values())))
        with executor(client) as workers:
            waiting = {
                workers.submit(work, plan, mark, settings[name], execute, plan, name, LOCK_SECONDS): name
                for name, plan in plans.items()
            }
            for future in as_completed(waiting):
                yield outcome_of(future, waiting[future], client)


@contextmanager
def seen(folder: Path) -> Iterator[Path]:
    """Give a file that lies in a folder until the end of the block: who sees it, sees the folder."""
    mark = folder / f"seen-{uuid.uuid4().hex}"
    mark.touch()
    try:
        yield mark
    finally:
        mark.unlink(missing_ok=True)


@contextmanager
def executor(client: Client) -> Iterator[Executor]:
    """Give the cluster as an executor; what was submitted is cancelled once there has been no worker for too long."""
    made, over = client.get_executor(pure=False, retries=RETRIES), threading.Event()

    def watch() -> None:
        alive = time.monotonic()
        while not over.wait(1):
            if has_worker(client):
                alive = time.monotonic()
            elif time.monotonic() - alive > WORKER_SECONDS:
                made.shutdown(wait=False)
                return

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield made
    finally:
        over.set()
        watching.join()
        if client.status == "running":
            made.shutdown(wait=False)


def has_worker(client: Client) -> bool:
    """Return whether the scheduler answers and has a worker."""
    try:
        return bool(client.nthreads())
    except (OSError, RuntimeError, TimeoutError):
        return False


def outcome_of(future: Future[Any], name: str, client: Client) -> Outcome:
    """Return how a task ended. Raises UserError when its worker refused it."""
    from distributed.scheduler import KilledWorker

    try:
        ended = future.result()
    except CancelledError:
        return Outcome(name, "failed", 0.0, LOST if client.status == "running" else CUT_OFF)
    except KilledWorker:
        return Outcome(
            name, "failed", 0.0, "every worker that tried died; too little memory, or a crash in a library"
        )
    except Exception as error:  # whatever a library of the worker may raise
        return Outcome(name, "failed", 0.0, " ".join(f"{type(error).__name__}: {error}".split())[:400])
    if isinstance(ended, Refusal):
        raise UserError(
            f"worker {ended.worker} cannot take part: {ended.reason}\n"
            "Runs that have ended are kept; start the batch again to go on"
        )
    return ended


def work(plan: Plan, mark: Path, wanted: Mapping[str, str], function: Callable[..., Any], *given: Any) -> Any:
    """Call a function on a worker, unless the worker is unfit for the plan: it may have joined after the start."""
    from distributed import get_worker

    if reason := differences(setting(plan, mark), wanted):
        return Refusal(get_worker().address, reason)
    return function(*given)


def check_workers(client: Client, plan: Plan, mark: Path, wanted: Mapping[str, str]) -> None:
    """Compare all workers with this process. Raises UserError that names those that differ, and how."""
    found: dict[str, Any] = client.run(setting, plan, mark, on_error="return")
    unfit = {
        worker: f"it cannot import this project ({' '.join(str(seen).split())[:200]})"
        if isinstance(seen, BaseException)
        else differences(seen, wanted)
        for worker, seen in found.items()
    }
    told = [f"worker {worker}: {reason}" for worker, reason in unfit.items() if reason]
    if told:
        raise UserError(
            f"{len(told)} of {len(found)} workers cannot take part, so no run started:\n"
            + "\n".join(told)
            + f"\nStart every worker in {Path.cwd()} with {ROOT}/.venv/bin/dask, "
            "again after each change of the code"
        )


def expected(plans: Mapping[str, Plan], mark: Path) -> dict[str, dict[str, str]]:
    """Return the setting of every run; runs on the same data share one, because own data is read for it."""
    known: dict[str, dict[str, str]] = {}
    found = {}
    for name, plan in plans.items():
        study = plan.study
        data = f"{study.dataset}\0{study.compare_datasets}\0{study.crosswalk}\0{study.fieldwork.model_dump_json()}"
        known[data] = known.get(data) or setting(plan, mark)
        found[name] = known[data]
    return found


def setting(plan: Plan, mark: Path) -> dict[str, str]:
    """Return all that decides the bytes of a run besides its parameters, as it is in this process.

    A relative mark is looked for in the cache.
    """
    mark = cache_folder().resolve() / mark
    record = provenance.collect(plan.study)
    code, environment = record["code"], record["environment"]
    return {
        "the project's folder": str(ROOT),
        "the code": code["sha256"][:12],
        "the commit": f"{code['commit'][:12]}{' with changes' if code['dirty'] else ''}",
        "the look of the pages": provenance.look_hash()[:12],
        "the notebooks": fingerprint(book.path for book in plan.chosen if book.path.exists())[:12],
        "requirements.lock": environment["lock"][:12],
        "Python": " ".join(sys.version.split()),
        "the packages": ", ".join(f"{name} {version}" for name, version in environment["packages"].items()),
        "the data": record["data"]["sha256"][:12],
        "the shared folder": f"{mark.parent} {'seen' if mark.exists() else 'not seen'}",
    }


def differences(found: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """Return in words how a worker's setting differs from the one wanted; empty when it does not."""
    return "; ".join(
        f"{name}: found {found.get(name, 'nothing')}, expected {value}"
        for name, value in wanted.items()
        if found.get(name) != value
    )
