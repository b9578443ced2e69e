"""Tryton for the contract suite: the embedded server, and its stand-in."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.contracts.harness import Access
from sandbox.embedded.tryton.server import TrytonAddress


@dataclass(frozen=True)
class TrytonHarness:
    access: Access


def of_server(address: TrytonAddress) -> TrytonHarness:
    settings = {"base_url": address.url, "database": address.database}
    return TrytonHarness(Access(settings, {"rest_key": address.rest_key}))


def of_standin(url: str) -> TrytonHarness:
    settings = {"base_url": url, "database": "erp"}
    return TrytonHarness(Access(settings, {"rest_key": "tryton-standin-rest-key"}))
