"""Faults of a stand-in: a list of rules; the first that matches a call applies to it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from sandbox.standins.wire import Call, Json, Reply


class Fault(BaseModel):
    """One rule. `method`: one, several with commas between, or `*` for any. `count`: how many calls it spoils,
    None until it is cleared; `share`: which part of the matching calls; times are seconds.

    Without `status`, `drop_connection`, `hang`, `away` or `commit_late_seconds` the call is answered as usual,
    only later (`delay_seconds`) or blind to new records (`search_lag_seconds`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = "*"
    path: str = "/"
    count: int | None = Field(default=1, ge=1)
    share: float = Field(default=1, gt=0, le=1)
    status: int | None = Field(default=None, ge=400, le=599)
    code: str | None = None
    retry_after: int | None = Field(default=None, ge=0)
    after_commit: bool = False
    delay_seconds: float = Field(default=0, ge=0)
    drop_connection: bool = False
    hang: bool = False
    commit_late_seconds: float = Field(default=0, ge=0)
    search_lag_seconds: float = Field(default=0, ge=0)
    away: bool = False

    def matches(self, call: Call) -> bool:
        methods = self.method.split(",")
        return ("*" in methods or call.method in methods) and call.path.startswith(self.path)

    def refusal(self, body: Json) -> Reply:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return Reply(self.status or 503, body, headers)


class _Armed:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.matched = 0
        self.hits = 0

    @property
    def is_spent(self) -> bool:
        return self.fault.count is not None and self.hits >= self.fault.count

    def takes(self, call: Call) -> bool:
        """Whether to spoil this call. The share is spread evenly: of 0.3 the fourth call, the seventh, the
        tenth."""
        if self.is_spent or not self.fault.matches(call):
            return False
        before, self.matched = int(self.matched * self.fault.share), self.matched + 1
        taken = int(self.matched * self.fault.share) > before
        self.hits += taken
        return taken


class Faults:
    """The rules in force. Replacing or clearing them ends every wait that they caused."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[_Armed] = []
        self._released = threading.Event()

    def put(self, faults: Sequence[Fault]) -> None:
        with self._lock:
            self._rules = [_Armed(fault) for fault in faults]
            self._released.set()
            self._released = threading.Event()

    def report(self) -> list[Json]:
        """Each rule as it was set, with `hits`: how many calls it has spoilt."""
        with self._lock:
            return [{**rule.fault.model_dump(mode="json"), "hits": rule.hits} for rule in self._rules]

    def take(self, call: Call) -> tuple[Fault | None, threading.Event]:
        with self._lock:
            for rule in self._rules:
                if rule.takes(call):
                    return rule.fault, self._released
            return None, self._released


def answer_through(
    fault: Fault,
    released: threading.Event,
    call: Call,
    work: Callable[[Call], Reply],
    refuse: Callable[[Fault], Reply],
) -> Reply | None:
    """Answer a call under its fault; None when the connection has to break without an answer."""
    call = replace(call, lag_seconds=fault.search_lag_seconds)
    done = work(call) if fault.after_commit else None
    if fault.commit_late_seconds:
        _work_later(fault.commit_late_seconds, released, call, work)
    if fault.delay_seconds:
        released.wait(fault.delay_seconds)
    if fault.hang:
        released.wait()
    if fault.status or fault.away:
        return refuse(fault)
    if fault.hang or fault.drop_connection or fault.commit_late_seconds:
        return None
    return done or work(call)


def _work_later(seconds: float, released: threading.Event, call: Call, work: Callable[[Call], Reply]) -> None:
    def wait_and_work() -> None:
        released.wait(seconds)
        work(call)

    threading.Thread(target=wait_and_work, daemon=True).start()
