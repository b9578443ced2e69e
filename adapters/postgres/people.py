"""People, their sessions and tokens, connections with their encrypted secrets, and reference data."""

from __future__ import annotations

from typing import Any

from oppsync.domain.reference.book import ReferenceBook

# Tenant -> what its rows looked like, and the book made of them.
Books = dict[str, tuple[Any, ReferenceBook]]
