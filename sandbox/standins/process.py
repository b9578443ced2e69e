"""Start a stand-in as a process of its own and wait for its ready line (for the demo and the tests)."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY = " stand-in ready on "


class StandinFailed(Exception):
    """The process ended before it was ready; its own message is on standard error."""


def start(vendor: str, books: Path, *options: str, port: int = 0) -> tuple[subprocess.Popen[str], str]:
    """Start the process; returns it with its address. It ends with the *thread* that calls this, so call it
    from the main one.

    Raises StandinFailed.
    """
    command = [sys.executable, "-m", f"sandbox.standins.{vendor}", "--books", str(books), "--port", str(port)]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
    line = ""
    if process.stdout is not None:
        with process.stdout as lines:
            line = lines.readline()
    if READY not in line:
        process.wait()
        raise StandinFailed(f"{vendor} stand-in ended with exit code {process.returncode}")
    return process, line.partition(READY)[2].strip()


@contextmanager
def running(vendor: str, books: Path, *options: str, port: int = 0) -> Iterator[str]:
    """The address of a stand-in that lives as long as the block."""
    process, url = start(vendor, books, *options, port=port)
    try:
        yield url
    finally:
        process.terminate()
        process.wait()
