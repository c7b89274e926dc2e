"""The way to each server, measured: TCP handshakes, by the kernel's own time of each, so that a busy process does not
lengthen them. Nothing is sent, nobody is asked for anything."""

import socket
import struct
from urllib.request import getproxies, proxy_bypass

import trio

from callengine.config import Settings
from callengine.doctor.checkup import Patient
from callengine.doctor.figures import shown_ms
from callengine.doctor.findings import Finding
from callengine.doctor.network_rules import CHECK, judge_round_trip, tell_uplink
from callengine.doctor.peers import Peer, peers_of

HANDSHAKES = 10
APART_SECONDS = 0.05
CONNECT_SECONDS, ALL_SECONDS = 3.0, 6.0
# tcpi_rtt in `struct tcp_info` (linux/tcp.h): the smoothed round trip in microseconds; after connect() the handshake's.
RTT_OFFSET, TCP_INFO_BYTES, MICRO = 68, 104, 1e-6


async def look_at_network(patient: Patient) -> list[Finding]:
    """The table: a line for each server, and one for the uplink."""
    settings = patient.settings
    peers = peers_of(settings)
    found: dict[Peer, Finding] = {}

    async def look(peer: Peer) -> None:
        found[peer] = await _look_at(peer)

    async with trio.open_nursery() as nursery:
        for peer in peers:
            nursery.start_soon(look, peer)
    return [*_not_looked_at(settings), *(found[peer] for peer in peers), *_uplink(settings)]


async def handshakes(host: str, port: int) -> list[float]:
    """The round trips of HANDSHAKES connections one after the other, in seconds. Raises OSError, TooSlowError."""
    found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, address = found[0]
    round_trips: list[float] = []
    for _ in range(HANDSHAKES):
        if round_trips:
            await trio.sleep(APART_SECONDS)
        with trio.socket.socket(family, kind, protocol) as connection:
            began = trio.current_time()
            with trio.fail_after(CONNECT_SECONDS):
                await connection.connect(address)
            seconds = trio.current_time() - began
            round_trips.append(_kernel_round_trip(connection) or seconds)
    return round_trips


def _kernel_round_trip(connection: trio.socket.SocketType) -> float:
    """0 where the kernel does not tell: another system, or a handshake that was lost and sent again."""
    option = getattr(socket, "TCP_INFO", None)
    if option is None:
        return 0.0
    info = connection.getsockopt(socket.IPPROTO_TCP, option, TCP_INFO_BYTES)
    return float(struct.unpack_from("I", info, RTT_OFFSET)[0]) * MICRO if len(info) >= RTT_OFFSET + 4 else 0.0


async def _look_at(peer: Peer) -> Finding:
    where = f"{peer.name} ({peer.host}:{peer.port})"
    if not peer.host or not peer.port:
        return Finding(CHECK, "fail", f"{peer.name}: {peer.variable} names no host and port", f"set {peer.variable}")
    if not peer.near and getproxies().get("https") and not proxy_bypass(peer.host):
        says = f"{where}: not measured, HTTPS_PROXY lies between; the checks of recogniser, voice and dialog go through"
        return Finding(CHECK, "note", says)
    try:
        with trio.fail_after(ALL_SECONDS):
            round_trips = await handshakes(peer.host, peer.port)
    except trio.TooSlowError:
        says = f"{where}: no answer in {shown_ms(CONNECT_SECONDS)}"
        return Finding(CHECK, "fail", says, f"a firewall drops the packets, or {peer.variable} is wrong")
    except OSError as error:
        problem = error.strerror or str(error)
        return Finding(CHECK, "fail", f"{where}: {problem}", f"is it up? is {peer.variable} right?")
    return judge_round_trip(where, round_trips, peer.limit_seconds, near=peer.near)


def _not_looked_at(settings: Settings) -> list[Finding]:
    if settings.asterisk_ari_url:
        return []
    return [Finding(CHECK, "note", "Asterisk: not measured, ASTERISK_ARI_URL is not given; wanted < 5 ms")]


def _uplink(settings: Settings) -> list[Finding]:
    chosen = dict.fromkeys(filter(None, (settings.stt_backend, settings.stt_fallback)))
    names = {"google": "Google's recogniser"} | ({"whisper": "the GPU nodes"} if settings.whisper_url else {})
    streams, chunk_ms = settings.max_calls, settings.stt_chunk_ms
    return [
        tell_uplink(names[name], streams, chunk_ms, gated=settings.stt_gate and name == "google")
        for name in chosen
        if name in names
    ]
