"""The application that gunicorn serves when web processes are to die at chosen places."""

from tests.chaos.crashing import arm
from web.wsgi import app

arm()

__all__ = ["app"]
