"""A batch on a Dask cluster: every run is one task, on whichever worker is free.

Tasks are submitted one by one and not through joblib's Dask backend: that one puts several runs into one task and gives
up on all when a worker is lost, while a submitted task is taken over by another worker.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from research.errors import UserError
from research.fingerprint import fingerprint
from research.pages import provenance
from research.paths import ROOT
from research.runs.batch import Outcome, execute
from research.runs.plan import Plan

if TYPE_CHECKING:
    from distributed import Client, Future

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
    """Connect to the scheduler at an address such as `tcp://10.0.0.5:8786`; runs not begun are withdrawn at the end.

    Raises:
        UserError: Dask is not installed, nobody answers, or the scheduler has no worker.
    """
    try:
        from distributed import Client
    except ImportError:
        raise UserError("--cluster needs Dask, which is not installed: `make extras` installs it") from None
    for name in ("distributed.client", "distributed.comm", "distributed.batched"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what they would say is said in one message
    ask_for_scheduler(address)
    client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    try:
        wait_for_worker(client, address)
        yield client
    finally:
        client.close(timeout=CONNECT_SECONDS)


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
    mark = folder.resolve() / ".run" / f"seen-{uuid.uuid4().hex}"
    mark.touch()
    try:
        plans = {name: replace(plan, out=plan.out.resolve()) for name, plan in runs.items()}
        settings = expected(plans, mark)
        check_workers(client, next(iter(plans.values())), mark, next(iter(settings.values())))
        ended: queue.Queue[Future] = queue.Queue()
        waiting: dict[Future, str] = {}
        for name, plan in plans.items():
            future = client.submit(
                work,
                plan,
                name,
                mark,
                settings[name],
                key=f"research-{name}-{uuid.uuid4().hex}",
                pure=False,
                retries=RETRIES,
            )
            waiting[future] = name
        for future in waiting:
            future.add_done_callback(ended.put)
        try:
            yield from collected(client, waiting, ended)
        finally:
            if waiting and client.status == "running":
                client.cancel(list(waiting))
    finally:
        mark.unlink(missing_ok=True)


def collected(client: Client, waiting: dict[Future, str], ended: queue.Queue[Future]) -> Iterator[Outcome]:
    """Yield the outcome of every task as it ends, and take it from those waited for."""
    alive = time.monotonic()
    while waiting:
        try:
            future = ended.get(timeout=1)
        except queue.Empty:
            if has_worker(client):
                alive = time.monotonic()
            elif time.monotonic() - alive > WORKER_SECONDS:
                yield from (Outcome(name, "failed", 0.0, LOST) for name in waiting.values())
                waiting.clear()
            continue
        alive = time.monotonic()
        yield outcome_of(future, waiting.pop(future))


def has_worker(client: Client) -> bool:
    """Return whether the scheduler answers and has a worker."""
    try:
        return bool(client.nthreads())
    except (OSError, RuntimeError, TimeoutError):
        return False


def outcome_of(future: Future, name: str) -> Outcome:
    """Return how a task ended. Raises UserError when its worker refused it."""
    from distributed.scheduler import KilledWorker

    if future.status in ("cancelled", "lost"):
        return Outcome(name, "failed", 0.0, CUT_OFF)
    if future.status == "error":
        error = future.exception()
        if isinstance(error, KilledWorker):
            told = "every worker that tried died; too little memory, or a crash in a library"
        else:
            told = " ".join(f"{type(error).__name__}: {error}".split())[:400]
        return Outcome(name, "failed", 0.0, told)
    ended = future.result()
    if isinstance(ended, Refusal):
        raise UserError(
            f"worker {ended.worker} cannot take part: {ended.reason}\n"
            "Runs that have ended are kept; start the batch again to go on"
        )
    return ended


def work(plan: Plan, name: str, mark: Path, wanted: Mapping[str, str]) -> Outcome | Refusal:
    """Carry out one run on a worker, unless the worker is unfit for it: it may have joined after the start."""
    from distributed import get_worker

    if reason := differences(setting(plan, mark), wanted):
        return Refusal(get_worker().address, reason)
    return execute(plan, name, patience=LOCK_SECONDS)


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
    """Return all that decides the bytes of a run besides its parameters, as it is in this process."""
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
        "the folder of the batch": f"{mark.parent.parent} {'seen' if mark.exists() else 'not seen'}",
    }


def differences(found: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """Return in words how a worker's setting differs from the one wanted; empty when it does not."""
    return "; ".join(
        f"{name}: found {found.get(name, 'nothing')}, expected {value}"
        for name, value in wanted.items()
        if found.get(name) != value
    )
