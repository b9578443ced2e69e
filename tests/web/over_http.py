"""Pages of a server that runs, for a browser: what Flask's test client does in memory, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2

from tests.harness.tryton import NO_ROOTS
from tests.harness.waiting import HANG_SECONDS


class Reply:
    def __init__(self, answer: httpx2.Response) -> None:
        self._answer = answer
        self.status_code = answer.status_code
        self.headers: Mapping[str, str] = answer.headers

    def get_data(self, *, as_text: bool) -> str:
        assert as_text
        return self._answer.text


class Client:
    """Keeps its cookies. A field that is a pair of a file and its name is sent as a file."""

    def __init__(self, address: str) -> None:
        limits = httpx2.Limits(max_keepalive_connections=0)  # nobody closes it
        self._http = httpx2.Client(
            base_url=address, timeout=HANG_SECONDS, trust_env=False, verify=NO_ROOTS, limits=limits
        )

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Reply:
        return Reply(self._http.get(path, headers=headers))

    def post(self, path: str, data: Mapping[str, Any]) -> Reply:
        files = {name: (value[1], value[0]) for name, value in data.items() if isinstance(value, tuple)}
        fields = {name: value for name, value in data.items() if name not in files}
        return Reply(self._http.post(path, data=fields, files=files or None))


class Server:
    """The product on this address; each browser has a client of its own."""

    def __init__(self, address: str) -> None:
        self._address = address

    def test_client(self) -> Client:
        return Client(self._address)
