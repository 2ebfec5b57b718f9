"""Kernels for the notebooks of a run: processes as in `processes`, which Jupyter finds by the name of their kernelspec.

It lies in `jupyter/` beside this file, and names the provisioner below, an entry point of this package.
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
import time
import uuid
from collections.abc import Mapping
from functools import cache
from multiprocessing.process import BaseProcess
from typing import Any

from filelock import FileLock, Timeout
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

from research.runs.processes import LONGEST_SOCKET, begin, settle, steady_environment, warm

KERNELSPECS = pathlib.Path(__file__).parent / "jupyter"
WARM, PLAIN = "research", "research-plain"  # the names of the kernelspecs
FOLDERS = "research-kernels-"


def kernel_name() -> str:
    """Return the kernel that notebooks run in; the plain one where the package was installed before it had another."""
    paths = [str(KERNELSPECS), *filter(None, [os.environ.get("JUPYTER_PATH")])]
    if str(KERNELSPECS) not in os.environ.get("JUPYTER_PATH", "").split(os.pathsep):
        os.environ["JUPYTER_PATH"] = os.pathsep.join(paths)
    metadata = {"kernel_provisioner": {"provisioner_name": "research-warm"}}
    known = KernelProvisionerFactory.instance().is_provisioner_available(KernelSpec(metadata=metadata))
    return WARM if known else PLAIN


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
        begin()
        process = multiprocessing.get_context("forkserver").Process(
            target=run_kernel, args=(arguments, environment, folder)
        )
        process.start()
        self.process = Forked(process)  # type: ignore[assignment]
        self.pid = self.pgid = process.pid
        return self.connection_info


def run_kernel(arguments: list[str], environment: Mapping[str, str], folder: str) -> None:
    """Be a kernel, in a process that was just started."""
    settle(environment, folder)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance(arguments)


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
