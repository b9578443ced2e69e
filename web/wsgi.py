"""The application that gunicorn serves. It connects on first use, so after the fork."""

from __future__ import annotations

from adapters.bootstrap import build
from adapters.runtime.environment import read_settings
from adapters.runtime.logs import configure_logs
from web.app import create_app

configure_logs()
app = create_app(build(read_settings()))
