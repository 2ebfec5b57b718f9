"""Kernels for the notebooks of a run: in this interpreter, with steady settings, forked where that is safe."""

from __future__ import annotations

import atexit
import os
import pathlib
import shutil
import sys
import tempfile
import time
import uuid
from functools import cache
from typing import Any

from filelock import FileLock, Timeout
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner
from traitlets import default

from research.report.forks import SERVER, forks, steady_environment

FOLDERS = "research-kernels-"
LONGEST_SOCKET = 100  # bytes in the path of a socket that every system takes; macOS allows 103, Linux 107


class ThisInterpreter(KernelSpecManager):
    """Kernels run in the interpreter that runs the study, whatever is registered as 'python3' elsewhere."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the ipykernel of `sys.executable`."""
        return KernelSpec(resource_dir="", **{**get_kernel_dict(), "env": steady_environment()})


class Forked:
    """A forked kernel with the interface of a started process."""

    stdin = stdout = stderr = None

    def __init__(self, process: int) -> None:
        self.pid = process

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        try:
            return SERVER.ask({"do": "poll", "process": self.pid})["code"]
        except RuntimeError:
            return 1

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        while (code := self.poll()) is None:
            time.sleep(0.02)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal while it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(9)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(15)


class ForkProvisioner(LocalProvisioner):
    """Starts kernels by forking the server instead of starting Python anew."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Start the kernel of a command line `python -m ipykernel_launcher …`."""
        request = {
            "do": "start",
            "arguments": cmd[cmd.index("ipykernel_launcher") + 1 :],
            "environment": {name: str(value) for name, value in kwargs["env"].items()},
            "folder": str(kwargs.get("cwd") or pathlib.Path.cwd()),
        }
        self.process = Forked(SERVER.ask(request)["process"])  # type: ignore[assignment]
        self.pid = self.process.pid
        self.pgid = self.process.pid
        self.cwd = request["folder"]
        return self.connection_info


class Kernel(AsyncKernelManager):
    """The kernel of a run; sockets are files, so that no port of the machine is opened."""

    async def _async_pre_start_kernel(self, **kwargs: Any) -> Any:
        if self.provisioner is None and forks():
            self.kernel_id = self.kernel_id or str(uuid.uuid4())
            self.provisioner = ForkProvisioner(
                kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self
            )
        return await super()._async_pre_start_kernel(**kwargs)

    pre_start_kernel = _async_pre_start_kernel

    @default("kernel_spec_manager")
    def _this_interpreter(self) -> KernelSpecManager:
        return ThisInterpreter(parent=self)

    @default("connection_file")
    def _beside_the_sockets(self) -> str:
        return str(socket_folder() / f"{uuid.uuid4().hex[:12]}.json")

    @default("transport")
    def _files_where_possible(self) -> str:
        return "tcp" if sys.platform == "win32" else "ipc"

    @default("ip")
    def _absolute_place(self) -> str:
        if self.transport == "tcp":
            return "127.0.0.1"
        # jupyter_client's own choice is relative, and the kernel works in another folder.
        return str(socket_folder() / uuid.uuid4().hex[:12])


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
