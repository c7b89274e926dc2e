"""The machine's clock, by the kernel's word and beside the clocks of servers we talk to anyway; and its timer."""

import ctypes
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import psutil
import trio

from callengine.doctor.checkup import Patient
from callengine.doctor.clock_rules import Compared, TimerSeen, judge_compared, judge_synchronised, judge_timer
from callengine.doctor.findings import Finding
from callengine.doctor.peers import Peer, peers_of

WAKES = 125
PERIOD_SECONDS = 0.020
ANSWER_SECONDS = 5.0
HALF_A_SECOND = 0.5  # a Date header has whole seconds
CPU_STAT = Path("/sys/fs/cgroup/cpu.stat")
# linux/timex.h
STA_UNSYNC = 0x0040
MICRO = 1e-6


class _Timex(ctypes.Structure):
    """The beginning of `struct timex` (adjtimex(2)), with room for the rest of it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


async def look_at_clock(patient: Patient) -> list[Finding]:
    """Whether it tells the time."""
    found = [judge_synchronised(*kernel_clock())]
    compared: dict[str, Compared] = {}

    async def compare(peer: Peer) -> None:
        if seen := await _beside(peer):
            compared[peer.name] = seen

    peers = [peer for peer in peers_of(patient.settings) if peer.origin]
    async with trio.open_nursery() as nursery:
        for peer in peers:
            nursery.start_soon(compare, peer)
    return [*found, *(judge_compared(compared[peer.name]) for peer in peers if peer.name in compared)]


async def look_at_timer(_patient: Patient) -> list[Finding]:
    """Whether it wakes us on time; alone, for the other checks' work would be in the way of this one's."""
    before, throttled = psutil.cpu_times(), _throttled()
    late = await lateness(trio.current_time)
    after = psutil.cpu_times()
    stolen = getattr(after, "steal", 0.0) - getattr(before, "steal", 0.0)
    whole = sum(after) - sum(before)
    return [judge_timer(TimerSeen(late, stolen / whole if whole > 0 else 0.0, _throttled() - throttled))]


async def lateness(now: Callable[[], float]) -> list[float]:
    """How late each of WAKES was, of a schedule that is not moved by being late; in seconds."""
    late = []
    due = now()
    for _ in range(WAKES):
        due += PERIOD_SECONDS
        await trio.sleep_until(due)
        late.append(now() - due)
    return late


def kernel_clock() -> tuple[bool | None, float]:
    """Whether the kernel's clock is synchronised (None where it cannot be asked), and how many seconds off at most.

    Reading needs no right; a container's seccomp profile may forbid it all the same."""
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (AttributeError, OSError):  # no Linux
        return None, 0.0
    timex = _Timex()
    if adjtimex(ctypes.byref(timex)) < 0:
        return None, 0.0
    return not timex.status & STA_UNSYNC, timex.maxerror * MICRO


async def _beside(peer: Peer) -> Compared | None:
    """What its Date header says; None where it has none, or is away, which its own check tells."""
    async with httpx.AsyncClient(trust_env=not peer.near, timeout=ANSWER_SECONDS) as client:
        asked = time.time()
        try:
            answer = await client.head(peer.origin)
            answered = time.time()
            theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
        except (httpx.HTTPError, KeyError, ValueError):
            return None
    half = (answered - asked) / 2
    return Compared(peer.name, asked + half - (theirs + HALF_A_SECOND), HALF_A_SECOND + half)


def _throttled() -> int:
    """How often cgroup v2 has held this container back; 0 where it has no limit, or does not tell."""
    try:
        lines = CPU_STAT.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("nr_throttled "))
