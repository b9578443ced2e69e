"""How long a session lasts."""

from __future__ import annotations

from datetime import timedelta

SESSION_LASTS = timedelta(hours=12)
IDLE = timedelta(hours=1)
# How long a sign-in waits for the code of the second factor.
CODE_ASKED_FOR = timedelta(minutes=10)
