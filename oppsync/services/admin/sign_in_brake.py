"""Slow down the guessing of passwords, without locking out those who share an address or an account's name.

From one address, an account has ten failures in five minutes. An address as a whole, and an account from all
addresses together, are limited too; neither limit stops a person at an address where they signed in before.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from oppsync.ports.brake import Brake, Limit

PAIR = Limit("sign-in-pair", 10, 300)
ADDRESS = Limit("sign-in-address", 50, 300)
ACCOUNT = Limit("sign-in-account", 50, 3_600)
KNOWN = Limit("sign-in-known", 1, 30 * 24 * 3_600)


@dataclass(frozen=True)
class SignInBrake:
    brake: Brake

    def wait_seconds(self, account: str, address: str) -> int:
        """Until another attempt is accepted; 0 when one is accepted now, which is counted at once, so that
        attempts at the same moment are counted too."""
        near = neighbourhood(address)
        if not self.brake.counted(KNOWN, account, near):
            for limit, of in ((ADDRESS, near), (ACCOUNT, account)):
                if self.brake.counted(limit, of) >= limit.most:
                    return self.brake.wait_seconds(limit, of)
        if self.brake.count(PAIR, account, near) > PAIR.most:
            return self.brake.wait_seconds(PAIR, account, near)
        return 0

    def failed(self, account: str, address: str) -> None:
        self.brake.count(ADDRESS, neighbourhood(address))
        self.brake.count(ACCOUNT, account)

    def succeeded(self, account: str, address: str) -> None:
        near = neighbourhood(address)
        self.brake.forget(PAIR, account, near)
        self.brake.forget(KNOWN, account, near)
        self.brake.count(KNOWN, account, near)


def neighbourhood(address: str) -> str:
    """What one subscriber has: an address of IPv4, or all 2^64 of a network of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
