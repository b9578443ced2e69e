"""Ports that nobody uses, and children that do not outlive us."""

import signal
import socket
import threading

import pytest

from adapters.runtime.processes import die_with_parent, free_port, listen, port_of


def test_a_busy_port_gives_the_next_one() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        taken: int = busy.getsockname()[1]
        port = free_port(taken)
        assert taken < port <= taken + 200


def test_a_port_once_given_out_is_nobody_elses_before_its_server_runs() -> None:
    with listen(0) as first, listen(port_of(first)) as second:
        assert port_of(first) < port_of(second)
        with socket.create_connection(("127.0.0.1", port_of(first))):
            pass


def test_a_child_is_never_tied_to_a_passing_thread() -> None:
    raised: list[BaseException] = []

    def spawn() -> None:
        try:
            die_with_parent(signal.SIGTERM)
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=spawn)
    thread.start()
    thread.join()
    assert "main thread" in str(raised[0])


def test_ports_end_somewhere() -> None:
    with pytest.raises(OSError, match="no free port from 65536"):
        free_port(65536)
