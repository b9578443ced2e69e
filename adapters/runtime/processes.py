"""Ground rules for every process we start: it dies with us, and it gets a port that nobody else uses."""

import ctypes
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
PORTS_TO_TRY = 200


def die_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn` after which the kernel sends `death_signal` when we end, however we end.

    Linux only; None elsewhere. The kernel watches the *thread* that spawned, so this raises RuntimeError
    outside the main thread rather than let a child die with a passing one.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("start processes from the main thread: they die with the thread that started them")
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def before_exec() -> None:
        prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent ended before the kernel knew
            os._exit(1)

    return before_exec


def free_port(preferred: int) -> int:
    """`preferred`, or the first port after it on which nobody listens (0: any)."""
    for port in range(preferred, min(preferred + PORTS_TO_TRY, 65536)):
        if _can_listen("127.0.0.1", port) and _can_listen("", port):
            return port if port else _any_port()
    raise OSError(f"no free port from {preferred} on: end a program that listens there, or name another port")


def _can_listen(host: str, port: int) -> bool:
    with socket.socket() as listener:
        # As servers do: a port still lingering from a closed connection is free.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return False
        return True


def _any_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
