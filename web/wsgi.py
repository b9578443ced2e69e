"""What gunicorn serves. Connections are made on first use, so after the fork."""

from __future__ import annotations

from adapters.bootstrap import build
from oppsync.settings import Settings
from web.app import create_app

app = create_app(build(Settings()))
