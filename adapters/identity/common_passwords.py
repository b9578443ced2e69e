"""Passwords that are guessed early, by zxcvbn: https://github.com/dwolfhub/zxcvbn-python"""

from __future__ import annotations

from collections.abc import Sequence

from zxcvbn import zxcvbn

# Of 0 to 4. Below 3 a leaked hash, and some below even a sign-in page, gives it away.
_LEAST_SCORE = 3
# What comes after these would make it only harder to guess, and takes long to judge.
_JUDGED = 72


class CommonPasswords:
    """Implements `oppsync.ports.identity.PasswordCheck`."""

    def is_common(self, password: str, about: Sequence[str]) -> bool:
        judged = zxcvbn(password[:_JUDGED], user_inputs=list(about))
        return int(judged["score"]) < _LEAST_SCORE
