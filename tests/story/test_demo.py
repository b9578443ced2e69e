"""`make demo` and `make up` as people run them: whole processes, one home, observed from outside."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from sandbox import systems
from sandbox.demo.command import INTERRUPTED
from sandbox.embedded.tryton import firm
from sandbox.embedded.tryton.server import TrytonAddress, admit
from sandbox.home import IDENTITY, KANTATA_TOKEN, SALESFORCE_CLIENT_SECRET, TRYTON_REST_KEY, Addresses, Home
from sandbox.stack import answers
from tests.harness.tryton import Books
from tests.harness.waiting import HANG_SECONDS, until

PROJECT = Path(__file__).parents[2]
DEALS = 5


class Cli:
    """The command line with a home of its own, and ports that no other test process uses."""

    def __init__(self, home: Path, worker: str) -> None:
        self.home = home
        number = int(worker.removeprefix("gw")) if worker.startswith("gw") else 99
        self.ports = ("--first-port", str(21_000 + 100 * number))
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
        self.environment = kept | {"OPPSYNC_HOME": str(home), "PYTHONUNBUFFERED": "1"}

    def demo(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sandbox", "demo", *self.ports, *arguments],
            cwd=PROJECT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    @contextmanager
    def up(self) -> Iterator[Addresses]:
        """Run `up` during the block; then Ctrl-C must end it cleanly."""
        with self.started("up", until="Ctrl-C") as process:
            addresses = Home(self.home).addresses()
            assert addresses is not None
            yield addresses
            process.send_signal(signal.SIGINT)
            assert process.stdout is not None
            assert process.stdout.read().endswith("`make up` comes back with the same data.\n")
            assert process.wait(HANG_SECONDS) == 0

    @contextmanager
    def started(self, command: str, until: str) -> Iterator[subprocess.Popen[str]]:
        """Run it until it has printed a line that begins with `until`."""
        with subprocess.Popen(
            [sys.executable, "-m", "sandbox", command, *self.ports],
            cwd=PROJECT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                lines = []
                for line in process.stdout:
                    lines.append(line)
                    if line.startswith(until):
                        break
                else:
                    pytest.fail("".join(lines))
                yield process
            finally:
                process.kill()

    def left_running(self) -> list[str]:
        """The processes started for this home, by their arguments or their environment."""
        return [line for line in map(_described, Path("/proc").glob("[0-9]*")) if str(self.home) in line]


def _described(process: Path) -> str:
    try:
        if (process / "stat").read_text().rpartition(") ")[2].startswith("Z"):
            return ""
        return (process / "cmdline").read_text() + (process / "environ").read_text(errors="replace")
    except OSError:
        return ""


@pytest.fixture
def cli(tmp_path: Path, worker_id: str) -> Cli:
    return Cli(tmp_path / "home", worker_id)


def project_numbers(said: str) -> list[str]:
    """The numbers of the deals that were compared; the repeated delivery's deal had its number before."""
    lines = [line for line in said.splitlines() if "delivered a second time" not in line]
    return re.findall(r"^ok .* project (\d+) .* as planned", "\n".join(lines), re.MULTILINE)


def erp(home: Home, addresses: Addresses) -> Books:
    return Books(
        TrytonAddress(
            url=addresses.tryton,
            database=firm.DATABASE,
            user=firm.DEVELOPMENT_SERVICE_LOGIN,
            rest_key=home.key(TRYTON_REST_KEY),
        )
    )


def test_two_demos_then_up_and_planted_differences(cli: Cli) -> None:
    first = cli.demo()
    assert first.returncode == 0, first.stdout + first.stderr
    assert len(project_numbers(first.stdout)) == DEALS
    assert "delivered a second time" in first.stdout
    assert "http://" not in first.stdout, "whatever answered there is gone"
    assert "field by field" not in first.stdout
    assert cli.left_running() == []

    as_the_release_before_left_it(Home(cli.home))
    second = cli.demo("--yes", "--details")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "delivered a second time" in second.stdout
    assert "field by field" in second.stdout
    numbers = {*project_numbers(first.stdout), *project_numbers(second.stdout)}
    assert len(numbers) == 2 * DEALS, "each run has projects of its own"
    assert cli.left_running() == []

    with cli.up() as addresses, erp(Home(cli.home), addresses) as books:
        parents = books.find("project.work", [["parent", "=", None]], "number", "name", "comment", "company")
        assert {str(parent["number"]) for parent in parents} == numbers, "nothing doubled, nothing lost"
        everything = cli.demo("--compare-only")
        assert everything.returncode == 0, everything.stdout + everything.stderr
        assert {*project_numbers(everything.stdout)} == numbers
        pages = re.findall(rf"{addresses.web}/opportunities/\S+", everything.stdout)
        assert len(pages) == 2 * DEALS
        assert all(answers(page) for page in pages)

        stage = books.find("project.work", [["name", "like", "%stage 2"]], "name")[0]
        books.write("project.work", stage["id"], {"name": "Renamed by hand"})
        assert "found Renamed by hand" in difference(cli)
        books.write("project.work", stage["id"], {"name": stage["name"]})

        crm = systems.salesforce(Home(cli.home), addresses)
        record = crm.records("Opportunity")[0]
        crm.edit(record["Id"], {"opportunity": {"oppsync_Project_Number__c": "4711"}})
        number = record["oppsync_Project_Number__c"]
        assert f"project number: planned {number}, found 4711" in difference(cli)
        crm.edit(record["Id"], {"opportunity": {"oppsync_Project_Number__c": number}})

        twin = {name: parents[0][name] for name in ("name", "comment", "company")} | {"type": "project"}
        books.create("project.work", twin, "number")
        assert "under this key: planned 1, found 2" in difference(cli)
    assert cli.left_running() == []


def as_the_release_before_left_it(home: Home) -> None:
    """In the release before every stack had the same keys, and none had an identity."""
    for name in (IDENTITY, TRYTON_REST_KEY, SALESFORCE_CLIENT_SECRET, KANTATA_TOKEN):
        (home.root / name).unlink()
    admit(home.tryton / f"{firm.DATABASE}.sqlite", "development-only-rest-key")


def difference(cli: Cli) -> str:
    """The differences that the comparison prints; it must end with 1."""
    done = cli.demo("--compare-only")
    assert done.returncode == 1, done.stdout + done.stderr
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("moment", ["Starting Postgres", "Starting web", "Won"])
def test_interrupted_half_way(moment: str, cli: Cli) -> None:
    with cli.started("demo", until=moment) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(HANG_SECONDS) == INTERRUPTED
    assert cli.left_running() == []


def test_two_demos_at_once_keep_to_themselves(tmp_path: Path, worker_id: str) -> None:
    both = [Cli(tmp_path / name, worker_id) for name in ("one", "other")]
    with ThreadPoolExecutor(len(both)) as pool:
        done = list(pool.map(lambda cli: cli.demo("--yes"), both))
    for each in done:
        assert each.returncode == 0, each.stdout + each.stderr
    assert [books_of(Home(cli.home)) for cli in both] == 2 * [{"crm": DEALS, "erp": DEALS, "psa": DEALS}]
    assert [cli.left_running() for cli in both] == [[], []]


def books_of(home: Home) -> dict[str, int]:
    """How many deals each of a home's outside systems has in its own books."""
    projects = "SELECT count(*) FROM project_work WHERE parent IS NULL AND comment LIKE 'oppsync:%'"
    return {
        "crm": counted(home.books("salesforce"), 'SELECT count(*) FROM "Opportunity"'),
        "erp": counted(home.tryton / f"{firm.DATABASE}.sqlite", projects),
        "psa": counted(home.books("kantata"), "SELECT count(*) FROM workspaces"),
    }


def counted(books: Path, query: str) -> int:
    with closing(sqlite3.connect(books)) as connection:
        return int(connection.execute(query).fetchone()[0])


def test_killed_and_started_again(cli: Cli) -> None:
    with cli.started("up", until="Ctrl-C") as process:
        keys = Home(cli.home).secret_keys()
        process.kill()
    until(lambda: not cli.left_running(), "everything ends with it", lambda: str(cli.left_running()))

    with cli.up() as addresses:
        assert Home(cli.home).secret_keys() == keys
        assert answers(f"{addresses.web}/health/ready")
    assert cli.left_running() == []
