"""Kernels for the notebooks of a run: in this interpreter, with steady settings, warm where that is safe.

Importing the scientific libraries takes a kernel several seconds. The fork server of Python's `multiprocessing` imports
them once; a kernel that it forks has them already, and shares their memory. Jupyter finds the kernel by its name:
its kernelspec lies in `jupyter/` beside this file, and names the provisioner below, an entry point of this package.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from multiprocessing import connection, forkserver, util
from multiprocessing.process import BaseProcess
from typing import Any, NoReturn

from filelock import FileLock, Timeout
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

KERNELSPECS = pathlib.Path(__file__).parent / "jupyter"
WARM, PLAIN = "research", "research-plain"  # the names of the kernelspecs
FOLDERS = "research-kernels-"
LONGEST_SOCKET = 100  # bytes in the path of a socket that every system takes; macOS allows 103, Linux 107


def kernel_name() -> str:
    """Return the kernel that notebooks run in; the plain one where the package was installed before it had another."""
    paths = [str(KERNELSPECS), *filter(None, [os.environ.get("JUPYTER_PATH")])]
    if str(KERNELSPECS) not in os.environ.get("JUPYTER_PATH", "").split(os.pathsep):
        os.environ["JUPYTER_PATH"] = os.pathsep.join(paths)
    metadata = {"kernel_provisioner": {"provisioner_name": "research-warm"}}
    known = KernelProvisionerFactory.instance().is_provisioner_available(KernelSpec(metadata=metadata))
    return WARM if known else PLAIN


CHANGING = threading.Lock()


def steady_environment() -> dict[str, str]:
    """Return the settings of every kernel: results must not depend on threads, hash order or a display."""
    # One thread per kernel: notebooks already run side by side, and sums then have one order.
    settings = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    settings |= {
        "PYTHONHASHSEED": "0",
        "MPLBACKEND": "agg",
        # Words and pictures are made when pages are written; the kernel need not draw.
        "RESEARCH_PAGES": "later",
        # tqdm misses its widgets in a kernel that has no browser.
        "PYTHONWARNINGS": "ignore:IProgress not found",
        # The debugger of kernels, imported once for all, would speak of files that Python has frozen.
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        # A process with a background thread should not fork.
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
    }
    return {name: os.environ.get(name, value) for name, value in settings.items()}


def warm() -> bool:
    """Return whether kernels are forked here.

    Libraries of macOS and Windows do not all survive a fork, and the fork server needs a socket of its own.
    """
    longest = pathlib.Path(tempfile.gettempdir()) / "pymp-12345678" / "listener-12345678"
    return sys.platform == "linux" and len(os.fsencode(longest)) <= LONGEST_SOCKET


def begin(modules: Iterable[str] = ()) -> None:
    """Start the fork server, unless it runs, and let it import these modules while this process goes on."""
    if warm():
        given = {"RESEARCH_PRELOAD": " ".join(modules), "RESEARCH_FORK_FOLDER": util.get_temp_dir()}
        with _settings(steady_environment() | given):
            multiprocessing.get_context("forkserver").set_forkserver_preload(["research.runs.preload"])
            forkserver.ensure_running()


@contextmanager
def _settings(settings: dict[str, str]) -> Iterator[None]:
    # of two threads at once, the second would take the settings of the first for what was there before
    with CHANGING:
        before = dict(os.environ)
        os.environ.update(settings)
        try:
            yield
        finally:
            for name in settings:
                if name in before:
                    os.environ[name] = before[name]
                else:
                    del os.environ[name]


class Forked:
    """A forked kernel as the started process that jupyter_client expects."""

    stdin = stdout = stderr = None

    def __init__(self, process: BaseProcess) -> None:
        self.process = process
        self.pid = process.pid

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self.process.exitcode

    def wait(self) -> int | None:
        """Wait for the end and return the exit code."""
        self.process.join()
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal while it runs."""
        if self.poll() is None and self.pid is not None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()

    def terminate(self) -> None:
        """Ask it to end."""
        self.process.terminate()


class WarmProvisioner(LocalProvisioner):
    """Starts kernels with steady settings, by a fork where that is safe; sockets are files, no port is opened."""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Choose where the kernel is reached."""
        if self.parent is not None and sys.platform != "win32":
            place = socket_folder() / uuid.uuid4().hex[:12]
            self.parent.transport, self.parent.ip = "ipc", str(place)
            self.parent.connection_file = f"{place}.json"
        kwargs["env"] = {**kwargs.get("env", os.environ), **steady_environment()}
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel of a command line `python -m ipykernel_launcher …`."""
        if not warm():
            return await super().launch_kernel(cmd, **kwargs)
        # a kernel watches its parent by the number of its process, which is the fork server's; it has its own way below
        environment = {name: str(value) for name, value in kwargs["env"].items() if name != "JPY_PARENT_PID"}
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        folder = str(kwargs.get("cwd") or pathlib.Path.cwd())
        process = forked(run_kernel, (arguments,), environment, folder)
        self.process = Forked(process)  # type: ignore[assignment]
        self.pid = self.pgid = process.pid
        return self.connection_info


RUNNING: list[BaseProcess] = []


def forked(
    what: Callable[..., object], given: tuple[Any, ...], environment: Mapping[str, str], folder: str
) -> BaseProcess:
    """Start a function in a process of its own that has the libraries already; where `warm` says so only."""
    begin()
    process = multiprocessing.get_context("forkserver").Process(
        target=become, args=(what, given, dict(environment), folder)
    )
    process.start()
    RUNNING.append(process)
    return process


@atexit.register
def end() -> None:
    """End the processes that are left."""
    while RUNNING:
        process = RUNNING.pop()
        if process.exitcode is None:
            process.kill()


def run_kernel(arguments: list[str]) -> None:
    """Be a kernel."""
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(arguments)


def become(
    what: Callable[..., object], given: tuple[Any, ...], environment: dict[str, str], folder: str
) -> NoReturn:
    """Turn a forked process to its work; it ends when that is done, or when the process that asked for it ends."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    code = 1
    try:
        threading.Thread(target=follow, daemon=True).start()
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        what(*given)
        code = 0
    except SystemExit as leave:
        code = leave.code if isinstance(leave.code, int) else 1
    finally:
        os._exit(code)  # taking two thousand modules apart would keep the run waiting


@cache
def socket_folder() -> pathlib.Path:
    """Return a private folder for the sockets and addresses of this process's kernels; socket paths must be short.

    It is removed when the process ends; those of processes that were killed are removed here.
    """
    place = short_place()
    remove_abandoned(place)
    folder = pathlib.Path(tempfile.mkdtemp(prefix=FOLDERS, dir=place))
    lock = FileLock(folder / "lock")
    lock.acquire()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(lock.release)
    return folder


def short_place() -> pathlib.Path:
    """Return the folder for temporary files, or the system's own where the user's is too deep.

    Connecting to a socket whose path is too long fails, and the process then hangs when it ends.
    """
    user = pathlib.Path(tempfile.gettempdir())
    longest = user / f"{FOLDERS}12345678" / "123456789012-5"
    fits = sys.platform == "win32" or len(os.fsencode(longest)) <= LONGEST_SOCKET
    return user if fits else pathlib.Path("/tmp")


def remove_abandoned(place: pathlib.Path, just_made: float = 10.0) -> None:
    """Remove folders of sockets whose process is gone; the system frees its lock.

    One that was made within the last `just_made` seconds may not be locked yet.
    """
    for folder in place.glob(f"{FOLDERS}*"):
        lock = FileLock(folder / "lock", timeout=0)
        try:
            if time.time() - folder.stat().st_mtime < just_made or not (folder / "lock").exists():
                continue
            with lock:
                shutil.rmtree(folder, ignore_errors=True)
        except (Timeout, OSError):
            continue
