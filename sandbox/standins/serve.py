"""Run one stand-in in the foreground: one ready line, a clean end on SIGTERM, never outliving its parent."""

import argparse
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

PR_SET_PDEATHSIG = 1


class _Handler(WSGIRequestHandler):
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Calls are kept for the control surface, not printed."""


def arguments(vendor: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=f"A stand-in that speaks {vendor}'s wire format. @FILE stands for what FILE holds.",
        fromfile_prefix_chars="@",
    )
    parser.add_argument("--books", type=Path, required=True, help="the SQLite file that keeps everything")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--fd", type=int, help="a descriptor that listens on this port already")
    parser.add_argument("--identity", default="", help="of the stack whose orders are taken; without one: all")
    return parser


def run(name: str, app: Flask, options: argparse.Namespace, close: Callable[[], None]) -> None:
    """Serve on 127.0.0.1 until SIGTERM or SIGINT; call it from the main thread."""
    die_with_parent()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, _leave)
    server = make_server("127.0.0.1", options.port, app, threaded=True, request_handler=_Handler, fd=options.fd)
    sys.stdout.write(f"{name} stand-in ready on http://127.0.0.1:{server.port}\n")
    sys.stdout.flush()
    try:
        server.serve_forever()
    finally:
        server.server_close()
        close()


def die_with_parent() -> None:
    """Linux only; elsewhere whoever started the process has to end it."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit(0)


def _leave(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(0)
