"""Wrong bearer tokens, counted by peer: who guesses is made to wait, in bounded memory.

A peer that has never had a right token here is refused that one too, or nothing would be limited; others are not:
a script with an old token must not cut off the dialplan of the same machine, nor all who come through a balancer."""

from collections import OrderedDict
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from math import ceil

BURST = 10.0  # wrong tokens a peer may send at once
RECOVER_SECONDS = 6.0  # and then one in so many seconds
PEERS = 4096


@dataclass(slots=True)
class FailedTokens:
    """`now` is seconds on one clock. The peers that failed last, and those known for a right token, PEERS of each."""

    _failures: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)  # peer: how many, when
    _known: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def wait_seconds(self, peer: str, now: float) -> int:
        """For how long a peer's tokens are not looked at; 0 when they are."""
        return max(0, ceil((self._count(_network(peer), now) - BURST + 1.0) * RECOVER_SECONDS))

    def fail(self, peer: str, now: float) -> None:
        """A peer sent a wrong token."""
        network = _network(peer)
        self._failures[network] = (min(self._count(network, now) + 1.0, BURST), now)
        self._failures.move_to_end(network)
        if len(self._failures) > PEERS:
            self._failures.popitem(last=False)

    def succeed(self, peer: str) -> None:
        """A peer sent a right token."""
        network = _network(peer)
        self._known[network] = None
        self._known.move_to_end(network)
        if len(self._known) > PEERS:
            self._known.popitem(last=False)

    def knows(self, peer: str) -> bool:
        """A right token has come from this peer."""
        return _network(peer) in self._known

    def _count(self, network: str, now: float) -> float:
        count, at = self._failures.get(network, (0.0, now))
        return max(0.0, count - (now - at) / RECOVER_SECONDS)


def _network(peer: str) -> str:
    """One host has a whole /64 of IPv6 addresses (RFC 4291, section 2.5.4); an IPv4 address stands for itself."""
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(IPv6Address(int(address) >> 64 << 64))
    return str(address)
