"""What gunicorn serves when the web's processes are to die where they are told to."""

from tests.chaos.crashing import arm
from web.wsgi import app

arm()

__all__ = ["app"]
