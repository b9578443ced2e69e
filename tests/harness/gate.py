"""A gate before Tryton: it passes calls through, and can close or lose answers at a chosen write."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.harness.tryton import NO_ROOTS
from tests.harness.waiting import HANG_SECONDS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "host"}


class Gate:
    """`writes` counts the creates that reached Tryton since the gate's last instruction, each call as one;
    `reads` has the paths of look-ups since then."""

    def __init__(self, behind: str) -> None:
        self._http = httpx2.Client(base_url=behind, timeout=HANG_SECONDS, verify=NO_ROOTS)
        self._lock = threading.Lock()
        self.open()

    def open(self) -> None:
        self._set()

    def shut(self) -> None:
        """Let nothing through, not even look-ups."""
        self._set(shut=True)

    def refuse_after(self, writes: int, status: int = 503, body: str = "") -> None:
        """Let so many creates through; answer further ones with `status` without passing them on."""
        self._set(passes=writes, status=status, body=body)

    def refuse_naming(self, text: str, body: str) -> None:
        """Answer creates that contain this text with a refusal, without passing them on."""
        self._set(naming=text, body=body)

    def lose_answer(self, to_write: int, *, then_shut: bool = False) -> None:
        """Lose the answer to that create (counted from 1), which Tryton has carried out."""
        self._set(loses=to_write, then_shut=then_shut)

    def at_write(self, number: int, happens: Callable[[], object]) -> None:
        """Call `meanwhile` while Tryton carries out that create (counted from 1)."""
        self._set(happens={number: happens})

    def _set(
        self,
        *,
        shut: bool = False,
        passes: int | None = None,
        status: int = 503,
        body: str = "",
        loses: int | None = None,
        then_shut: bool = False,
        happens: Mapping[int, Callable[[], object]] | None = None,
        naming: str | None = None,
    ) -> None:
        with self._lock:
            self.writes, self.reads = 0, list[str]()
            self._naming = naming
            self._shut, self._passes, self._refusal = shut, passes, (status, body)
            self._loses, self._then_shut, self._happens = loses, then_shut, happens or {}

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        response = self._answer(request)
        if response is None:
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            response = Response()
        return response(environ, start)

    def _answer(self, request: Request) -> Response | None:
        with self._lock:
            if self._shut:
                return None
            if not _creates(request):
                if request.method == "GET":
                    self.reads.append(request.path)
                return self._pass_on(request)
            if self._naming is not None and self._naming.encode() in request.get_data():
                return Response(self._refusal[1], 400)
            if self._passes is not None and self.writes >= self._passes:
                return Response(self._refusal[1], self._refusal[0])
            answer = self._pass_on(request)
            self.writes += 1
            self._happens.get(self.writes, lambda: None)()
            if self.writes == self._loses:
                self._shut = self._then_shut
                return None
            return answer

    def _pass_on(self, request: Request) -> Response:
        headers = {name: value for name, value in request.headers if name.lower() not in HOP_BY_HOP}
        path = request.environ["REQUEST_URI"]
        answer = self._http.request(request.method, path, content=request.get_data(), headers=headers)
        return Response(answer.content, answer.status_code, content_type=answer.headers.get("content-type"))


def _creates(request: Request) -> bool:
    """Also what is below a parent, as a write of that."""
    return request.method == "POST" or b'"children"' in request.get_data()


@contextmanager
def gate_before(behind: str) -> Iterator[tuple[Gate, str]]:
    """A gate and its address."""
    gate = Gate(behind)
    server = make_server("127.0.0.1", 0, gate, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield gate, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
