"""Poll the CRMs on a thread of the relay's own, since a slow CRM must not hold up messages."""

from __future__ import annotations

import threading

import sentry_sdk

from adapters.bootstrap import Application
from adapters.runtime.logs import log
from oppsync.kernel.errors import StoreUnavailable
from oppsync.services.intake.commands import PollCrm

LOOK_SECONDS = 1.0
# A shutdown waits this long for a poll: a vendor's call takes at most 15 seconds, and a platform kills after
# 30.
END_SECONDS = 18.0


class Poller:
    """Polls until it is stopped. Every relay may run one: the leases of the watermarks divide the work."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._stop = threading.Event()
        # A daemon thread does not keep the process alive; the lease of an unfinished poll runs out by itself.
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(END_SECONDS)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                while not self._stop.is_set() and self._application.dispatch(PollCrm()):
                    pass
            except StoreUnavailable as error:
                log.warning("poll_waits", reason=error.message)
            except Exception as error:
                # A bug must not end the polls. The lease that it leaves behind keeps the next poll from
                # following at once.
                log.error("poll_failed", exc_info=error)
                sentry_sdk.capture_exception(error)
