"""Poll the CRMs, and read the ERPs' master data, each on a thread of the relay's own, since a slow system must
not hold up messages."""

from __future__ import annotations

import threading
from collections.abc import Callable

import sentry_sdk

from adapters.bootstrap import Application
from adapters.runtime.logs import log
from oppsync.kernel.errors import StoreUnavailable
from oppsync.services.intake.commands import PollCrm
from oppsync.services.mirror.commands import ReadMirror, Step

LOOK_SECONDS = 1.0
# A shutdown waits this long for a poll: a vendor's call takes at most 15 seconds, and a platform kills after
# 30.
END_SECONDS = 18.0


class Poller:
    """Repeats a step until it is stopped, at once while `step` says that there is more. Every relay may run
    one: the leases in Postgres divide the work."""

    def __init__(self, name: str, step: Callable[[], bool]) -> None:
        self._name, self._step = name, step
        self._stop = threading.Event()
        # A daemon thread does not keep the process alive; the lease of an unfinished poll runs out by itself.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(END_SECONDS)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                while not self._stop.is_set() and self._step():
                    pass
            except StoreUnavailable as error:
                log.warning(f"{self._name}_waits", reason=error.message)
            except Exception as error:
                # A bug must not end the polls. The lease that it leaves behind keeps the next poll from
                # following at once.
                log.error(f"{self._name}_failed", exc_info=error)
                sentry_sdk.capture_exception(error)


def crm_poller(application: Application) -> Poller:
    return Poller("poll", lambda: application.dispatch(PollCrm()))


def mirror_reader(application: Application) -> Poller:
    return Poller("mirror", lambda: application.dispatch(ReadMirror()) in (Step.MORE, Step.DONE))
