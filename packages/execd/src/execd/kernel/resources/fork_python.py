"""Forks kernels that have their modules from the start; each is a child of whoever has started this program.

A request is one datagram on the socket whose number is the only argument: JSON of the kernel's arguments and its mark,
with the descriptors of its output. The answer says its process, or why there is none.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import platform
import random
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import Any

if getattr(sys.flags, "safe_path", False):
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kernel_python
from adopt_python import carry, installed

PRELOADED = (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "IPython.utils.wildcard",
    "argcomplete",
    "email.parser",
    "encodings.idna",
    "faulthandler",
    "fractions",
    "http.server",
    "ipykernel.debugger",
    "mimetypes",
    "pexpect",
    "psutil",
    "pydoc",
    "pygments.formatters.terminal256",
    "resource",
    "sqlite3",
    "stack_data",
    "tornado.platform.asyncio",
    "traitlets.config.argcomplete_config",
    "xmlrpc.server",
)
"""What a kernel imports while it starts and with its first cells; what is not there is left out."""
CLONE_PARENT = 0x8000
CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220, "ppc64le": 120}
"""The system call's number, where its flags come first."""
PR_GET_TID_ADDRESS = 40
REQUEST_BYTES = 64 * 1024


class Refused(Exception):
    """This interpreter cannot be forked."""


class Cloning:
    """`fork`, but that the child's parent is this one's; raises `Refused` where that cannot be had.

    The daemon has to be the parent: it waits for its kernels, and a fork server that dies takes none of them along.
    The C library knows nothing of this fork, so what it does in a child is done here: it remembers the thread's number.
    """

    def __init__(self) -> None:
        self._number = CLONE.get(platform.machine())
        self._libc = ctypes.PyDLL(None, use_errno=True)
        address = ctypes.c_void_p()
        asked = self._libc.prctl(PR_GET_TID_ADDRESS, ctypes.byref(address), 0, 0, 0)
        if self._number is None or asked != 0 or not address.value:
            raise Refused("this system cannot say where a thread's number is kept")
        self._thread = ctypes.c_int.from_address(address.value)
        if self._thread.value != os.getpid():
            raise Refused("this C library keeps a thread's number elsewhere")

    def check(self) -> None:
        """Raise `Refused` where a child would lack something."""
        if len(os.listdir("/proc/self/task")) != 1:
            raise Refused("its interpreter has started threads")

    def fork(self) -> int:
        """Return the child's number in the parent, 0 in the child; raises `OSError`, `Refused`."""
        self.check()
        api = ctypes.pythonapi
        api.PyOS_BeforeFork()
        pid = int(self._libc.syscall(self._number, CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0))
        if pid == 0:
            self._thread.value = os.getpid()
            api.PyOS_AfterFork_Child()
            return 0
        api.PyOS_AfterFork_Parent()
        if pid < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return pid


def serve(requests: socket.socket) -> dict[str, Any] | None:
    """Fork until nobody asks any more; return None then, and in a fork what it was asked to be."""
    for name in PRELOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    kernel_python.freshness.add(())
    answer: dict[str, Any]
    try:
        cloning = Cloning()
        cloning.check()
    except Refused as error:
        requests.send(json.dumps({"refusal": str(error)}).encode())
        return None
    answer = {"installed": installed()}
    gc.collect()
    gc.freeze()
    while True:
        requests.send(json.dumps(answer).encode())
        data, descriptors, _, _ = socket.recv_fds(requests, REQUEST_BYTES, 2)
        if not data:
            return None
        request: dict[str, Any] = json.loads(data)
        answer = fork(cloning)
        if answer.get("pid") == 0:
            settle(requests, descriptors, request["mark"])
            return request
        for descriptor in descriptors:
            os.close(descriptor)


def fork(cloning: Cloning) -> dict[str, Any]:
    """Return the child's number, in the child 0; or why there is no child."""
    if not kernel_python.freshness.lasts():
        return {"refusal": "outdated"}
    try:
        return {"pid": cloning.fork()}
    except (OSError, Refused) as error:
        return {"refusal": str(error)}


def settle(requests: socket.socket, descriptors: list[int], mark: str) -> None:
    """Be a process of one's own: session, descriptors, mark, number, random numbers."""
    os.setsid()
    for target, descriptor in enumerate(descriptors, 1):
        os.dup2(descriptor, target)
        os.close(descriptor)
    requests.close()
    carry(mark)
    with suppress(AttributeError):  # Python itself leaves the parent's there.
        threading.main_thread()._set_native_id()  # type: ignore[attr-defined]
    scatter()


def scatter() -> None:
    """Give every source of random numbers that was there before the fork a start of its own."""
    random.seed()
    if "multiprocessing.process" in sys.modules:
        sys.modules["multiprocessing.process"].current_process().authkey = os.urandom(32)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()


if __name__ == "__main__":
    wanted = serve(socket.socket(fileno=int(sys.argv[1])))
    if wanted is not None:
        sys.argv = [kernel_python.__file__, *wanted["argv"]]
        kernel_python.KernelApp.launch_instance()
