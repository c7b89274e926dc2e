"""Accepting AudioSocket connections: whom, how many, and for how long without a name.

A connection is served silence from its first tick on, whatever becomes of it (asterisk/asterisk#2089)."""

import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from uuid import UUID

import structlog
import trio

from callengine import metrics
from callengine.errors import RemoteProtocolError
from callengine.logs import bound_call
from callengine.media.admission import Admission
from callengine.media.clock import MediaClock
from callengine.media.leg import Leg
from callengine.media.marks import Identified, LineEnded
from callengine.media.port import SocketPort
from callengine.media.proxied import read_source

UUID_SECONDS = 2.0
DRAIN_SECONDS = 2.0
ACCEPTS = 64  # per wake-up, so that a storm of connections leaves the clock its turn
STARVED_SECONDS = 0.1
KNOCK = UUID(int=0)  # no call: `callengine doctor` lets Asterisk send it, to see that it can reach us
NO_UUID = "closed without a UUID: AudioSocket() on a channel without Answer() (Progress() is none), or a port check"
DUPLICATE = (
    "this UUID is up in this process already: the dialplan must make one for each call, Set(CALL_UUID=${UUID()})"
)
REFUSALS = 64  # polite ones at a time; beyond that a connection over MAX_CALLS is just closed
HEADERS = 1024  # of a balancer, being read at a time: all the calls of a node that died may come at once

log = structlog.get_logger(__name__)

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class CallServer:
    """What accepting needs: the clock that serves legs, the places, the rules, and what to do with a call."""

    clock: MediaClock
    admission: Admission
    allowed_peers: tuple[Network, ...]
    no_media_seconds: float
    answer: Callable[[Leg, UUID], Awaitable[None]]
    turn_away: Callable[[UUID], None]  # a call there was no place for
    proxied: bool = False  # a balancer says first whose connection it is


@dataclass(frozen=True, slots=True)
class _Doors:
    """How many connections may be on their way in or out at once."""

    refusals: trio.CapacityLimiter
    headers: trio.CapacityLimiter


async def serve_calls(listener: socket.socket, server: CallServer, calls: trio.Nursery) -> None:
    """Accept until cancelled from a listening socket; closes it then. Calls live in `calls` and go on."""
    doors = _Doors(trio.CapacityLimiter(REFUSALS), trio.CapacityLimiter(HEADERS))
    with listener:
        while True:
            await trio.lowlevel.wait_readable(listener)
            if not _accept_some(listener, server, doors, calls):
                await trio.sleep(STARVED_SECONDS)


def _accept_some(listener: socket.socket, server: CallServer, doors: _Doors, calls: trio.Nursery) -> bool:
    """Take what waits. False when the process has run out of something: calls that end give some back."""
    for _ in range(ACCEPTS):
        try:
            sock, peer = listener.accept()
        except BlockingIOError:
            break
        except OSError as error:
            log.error("accept_failed", error=error.strerror)
            return False
        if server.proxied:
            _ask_for_whom(calls, server, doors, sock, str(peer[0]))
        else:
            _admit(calls, server, doors, sock, str(peer[0]))
    return True


def _ask_for_whom(nursery: trio.Nursery, server: CallServer, doors: _Doors, sock: socket.socket, peer: str) -> None:
    """Only of those who may come themselves is it believed for whom they come."""
    if not _allowed(peer, server.allowed_peers):
        sock.close()
        _refuse("peer", peer, "not in ALLOWED_PEERS")
    elif doors.headers.available_tokens > 0:
        nursery.start_soon(_admit_behind, nursery, server, doors, sock, peer)
    else:
        sock.close()
        _refuse("busy", peer, "too many connections without their PROXY protocol header already")


async def _admit_behind(
    nursery: trio.Nursery, server: CallServer, doors: _Doors, sock: socket.socket, balancer: str
) -> None:
    with ExitStack() as undo:
        undo.callback(sock.close)
        try:
            async with doors.headers:
                peer = await read_source(sock, balancer)
        except RemoteProtocolError as error:
            _refuse(error.reason, balancer, str(error))
        except OSError as error:
            _refuse("proxy_header", balancer, error.strerror or str(error))
        else:
            undo.pop_all()
            _admit(nursery, server, doors, sock, peer)


def _admit(nursery: trio.Nursery, server: CallServer, doors: _Doors, sock: socket.socket, peer: str) -> None:
    if not _allowed(peer, server.allowed_peers):
        sock.close()
        _refuse("peer", peer, "not in ALLOWED_PEERS")
    elif server.admission.enter():
        nursery.start_soon(_serve, server, sock, peer)
    elif doors.refusals.available_tokens > 0:
        nursery.start_soon(_turn_away, server, doors.refusals, sock, peer)
    else:
        sock.close()
        _refuse("busy", peer, "over MAX_CALLS, and too many are being turned away already")


async def _serve(server: CallServer, sock: socket.socket, peer: str) -> None:
    """One connection with a place: its leg joins the clock, its UUID makes it a call."""
    leg = Leg(SocketPort(sock), trio.current_time(), server.no_media_seconds)
    server.clock.add(leg)
    try:
        uuid = await _identify(leg, peer)
        if uuid is None:
            return
        if not server.admission.claim(uuid):
            _refuse("duplicate", peer, DUPLICATE)
            return
        try:
            with bound_call(str(uuid)):
                await server.answer(leg, uuid)
        finally:
            server.admission.release(uuid)
    finally:
        await _part(leg)  # noqa: ASYNC102 - shields itself
        server.admission.leave()


async def _turn_away(server: CallServer, refusals: trio.CapacityLimiter, sock: socket.socket, peer: str) -> None:
    """No place: hear the UUID, so that the dialplan can be told `busy`, and hang up."""
    async with refusals:
        leg = Leg(SocketPort(sock), trio.current_time(), server.no_media_seconds)
        server.clock.add(leg)
        try:
            if (uuid := await _identify(leg, peer)) is not None:
                server.turn_away(uuid)
                _refuse("busy", peer, "over MAX_CALLS")
        finally:
            await _part(leg)  # noqa: ASYNC102 - shields itself


async def _identify(leg: Leg, peer: str) -> UUID | None:
    with trio.move_on_after(UUID_SECONDS):
        async for mark in leg.marks:
            if isinstance(mark, Identified) and mark.uuid != KNOCK:
                return mark.uuid
            if isinstance(mark, Identified):
                _refuse("knock", peer, "the nil UUID: somebody asked whether we are here")
                return None
            if isinstance(mark, LineEnded):
                break
    ended = leg.ended
    if ended is None:
        _refuse("no_uuid", peer, f"no UUID within {UUID_SECONDS:.0f} s")
    else:
        hung_up = ended.reason == "hangup"
        _refuse("closed" if hung_up else ended.reason, peer, NO_UUID if hung_up else ended.detail)
    return None


async def _part(leg: Leg) -> None:
    """0x00 in place of the next frame, then read to the end of stream for at most 2 s.

    Never an abrupt close: unread bytes would make it a reset, which fails the dialplan's AudioSocket()."""
    leg.hang_up()
    with trio.move_on_after(DRAIN_SECONDS, shield=True), suppress(trio.EndOfChannel):
        while not isinstance(await leg.marks.receive(), LineEnded):
            pass
    leg.end("hangup")
    leg.marks.close()


def _allowed(peer: str, networks: tuple[Network, ...]) -> bool:
    address = ip_address(peer.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in networks)


def _refuse(reason: str, peer: str, detail: str) -> None:
    metrics.connections_refused_total.labels(reason).inc()
    log.info("connection_refused", reason=reason, peer=peer, detail=detail)
