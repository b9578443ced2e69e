"""Real Postgres and Redis for development, the demo and the tests, run from wheels under `.oppsync/`."""

from sandbox.embedded.daemon import EmbeddedServersError
from sandbox.embedded.servers import AlreadyRunning, EmbeddedServers, ServerAddresses, find_running

__all__ = ["AlreadyRunning", "EmbeddedServers", "EmbeddedServersError", "ServerAddresses", "find_running"]
