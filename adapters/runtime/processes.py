"""For every process we start: it dies with us, and it gets a port that nobody else uses."""

import ctypes
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
PORTS_TO_TRY = 200
BACKLOG = 128


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


def listen(preferred: int) -> socket.socket:
    """A socket that listens on loopback: on `preferred`, or on the first port after it that is free (0: any).

    Hand it to the server that is to answer on it. The port is taken from now on, however long that server needs
    to start.
    """
    for port in range(preferred, min(preferred + PORTS_TO_TRY, 65536)):
        listener = _listening(port)
        if listener:
            return listener
    raise OSError(f"no free port from {preferred} on: end a program that listens there, or name another port")


def port_of(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def free_port(preferred: int) -> int:
    """A port that is free now, found as `listen` does. Somebody else may take it the moment after."""
    with listen(preferred) as listener:
        return port_of(listener)


def _listening(port: int) -> socket.socket | None:
    """A listening socket; None when somebody listens on the port already, on loopback or on every address."""
    with _reusable_socket() as everywhere:
        listener = _reusable_socket()
        try:
            everywhere.bind(("", port))
            listener.bind(("127.0.0.1", port))
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            return None
        return listener


def _reusable_socket() -> socket.socket:
    """A socket with the options that servers set: a port still lingering from a closed connection counts as
    free."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made
