"""The supervisor with real processes: one ends, all end; one signal is passed on, once."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.operations.supervisor import Supervisor
from sandbox.embedded.daemon import command_line
from tests.harness.waiting import HANG_SECONDS, until

PROJECT = Path(__file__).parents[2]
FOREVER = "sleep 600"
DEAF = """python -c "
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('deaf', flush=True)
time.sleep(600)" """
DRAINING = """python -c "
import signal, time
def drain(*_):
    print('asked to stop', flush=True)
    global draining
    draining = True
draining = False
signal.signal(signal.SIGTERM, drain)
signal.signal(signal.SIGINT, drain)
print('ready', flush=True)
while not draining:
    time.sleep(0.01)
while not __import__('os').path.exists('$DONE'):
    time.sleep(0.01)
print('drained', flush=True)" """
RUN = """
import sys
from adapters.operations.supervisor import Supervisor
commands = dict(part.split("=", 1) for part in sys.argv[1:])
import os
with Supervisor(commands, os.environ) as supervisor:
    sys.exit(supervisor.wait())
"""


class Lines:
    """The lines that the processes have printed so far."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        self.all.append((name, line))

    def wait_for(self, name: str, line: str) -> None:
        until(lambda: (name, line) in self.all, f"{name} prints {line}", lambda: str(self.all))


def supervise(lines: Lines, grace_seconds: float = HANG_SECONDS, **commands: str) -> Supervisor:
    return Supervisor(commands, os.environ, lines, grace_seconds=grace_seconds)


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def run() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """A supervisor in a process of its own, whose first printed line has been read."""
    started: list[subprocess.Popen[str]] = []

    def start(**commands: str) -> subprocess.Popen[str]:
        arguments = [f"{name}={command}" for name, command in commands.items()]
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, *arguments],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def test_when_one_process_ends_the_rest_are_stopped_and_the_end_is_a_failure(lines: Lines) -> None:
    with supervise(lines, web="echo hello $GREETED; exit 0", worker=FOREVER, relay=FOREVER) as supervisor:
        children = [process.pid for process in supervisor._processes.values()]
        assert supervisor.wait() == 1
    assert ("web", "ended (exit code 0): stopping the rest") in lines.all
    assert not any(command_line(pid) for pid in children)


def test_the_exit_code_is_that_of_the_process_that_ended_first(lines: Lines) -> None:
    with supervise(lines, web="sh -c 'exit 7'", worker=FOREVER) as supervisor:
        assert supervisor.wait() == 7


def test_every_line_comes_with_its_process_name(lines: Lines) -> None:
    environment = {"GREETING": "hello", "PATH": os.environ["PATH"]}
    commands = {
        "web": """sh -c 'echo "$GREETING"; echo "unwell" >&2; printf "no newline"'""",
        "worker": FOREVER,
    }
    with Supervisor(commands, environment, lines) as supervisor:
        supervisor.wait()
    assert [line for name, line in lines.all if name == "web"][:2] == ["hello", "unwell"]
    assert ("web", "no newline") in lines.all


def test_commands_run_in_this_environment_without_activating_it(lines: Lines) -> None:
    commands = {"web": "python -c 'import sys; print(sys.executable)'"}
    with Supervisor(commands, {"PATH": "/usr/bin:/bin"}, lines) as supervisor:
        supervisor.wait()
    assert Path(lines.all[0][1]).parent == Path(sys.executable).parent


def test_a_command_that_does_not_exist_stops_the_rest(lines: Lines) -> None:
    with supervise(lines, web="no-such-program", worker=FOREVER) as supervisor:
        assert supervisor.wait() == 127
    assert any(name == "web" and "no-such-program" in line for name, line in lines.all)


def test_a_process_that_does_not_stop_in_time_is_killed(lines: Lines) -> None:
    supervisor = supervise(lines, grace_seconds=0.2, worker=DEAF, web=FOREVER)
    supervisor.start()
    lines.wait_for("worker", "deaf")
    assert supervisor.stop() == ["worker"]
    assert ("worker", "did not end within 0.2 s: killed") in lines.all
    assert supervisor.stop() == []


def test_children_of_a_process_do_not_outlive_it(lines: Lines) -> None:
    supervisor = supervise(lines, web="sh -c 'sleep 600 & echo $!; wait'")
    supervisor.start()
    until(lambda: lines.all, "it prints")
    grandchild = int(lines.all[0][1])
    assert command_line(grandchild)
    supervisor.stop()
    until(lambda: not command_line(grandchild), "the grandchild ends")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_only_the_first_signal_is_passed_on_and_the_work_is_drained(
    number: signal.Signals, run: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    done = tmp_path / "done"
    supervisor = run(worker=DRAINING.replace("$DONE", str(done)))
    assert supervisor.stdout
    assert supervisor.stdout.readline() == "worker     | ready\n"
    os.killpg(supervisor.pid, number)  # as a terminal's Ctrl-C does: to the whole group
    assert supervisor.stdout.readline() == "worker     | asked to stop\n"
    for _ in range(3):
        os.killpg(supervisor.pid, number)
    done.touch()
    assert supervisor.stdout.read() == "worker     | drained\n"
    assert supervisor.wait(HANG_SECONDS) == 0


if sys.platform == "linux":  # where children end with their parent

    def test_the_processes_end_with_a_killed_supervisor(run: Callable[..., subprocess.Popen[str]]) -> None:
        supervisor = run(web="sh -c 'echo $$; exec sleep 600'")
        assert supervisor.stdout
        child = int(supervisor.stdout.readline().rpartition(" ")[2])
        assert command_line(child)
        supervisor.kill()
        supervisor.wait()
        until(lambda: not command_line(child), "the child ends")


def test_it_cannot_be_started_from_a_passing_thread(lines: Lines) -> None:
    raised: list[str] = []

    def start() -> None:
        try:
            supervise(lines, web=FOREVER).start()
        except RuntimeError as error:
            raised.append(str(error))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in raised[0]
