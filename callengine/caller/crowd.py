"""Many callers at once, as a measuring instrument: one epoll loop, outside Trio on purpose.

A scheduler between the wire and the stamp would be measured with the engine: Trio wakes a task in some 50 us, which at
600 calls (60,000 messages a second) is more than a core. Here a frame costs one system call and no object that lives,
and where the kernel stamps TCP segments (Linux 4.13 and later) the spacing of frames is the kernel's, so that a late
read of ours cannot be taken for a late frame of theirs. How late our own sends were is measured too.

Times are nanoseconds: those of frames on the wall clock, which the kernel stamps by, the schedule's on the steady one.
"""

import contextlib
import errno
import gc
import select
import socket
import struct
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

from callengine.caller import wire
from callengine.caller.ear import is_audible
from callengine.caller.line import CONNECT_SECONDS
from callengine.caller.phone import PAYLOAD_SECONDS

FRAME_NS = 20_000_000
SECOND_NS = 1_000_000_000
_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; Python has no name for it
_STAMP = struct.Struct("qq")
_STAMP_SPACE = socket.CMSG_SPACE(_STAMP.size) if hasattr(socket, "CMSG_SPACE") else 0
_AUDIO_HEADER = wire.encode_audio(wire.LINE_SILENCE)[:3]
_MESSAGE_BYTES = 3 + wire.FRAME_BYTES
_GOLDEN = 0.618033988749895  # spreads any number of phases evenly over 20 ms
_SENDS_BETWEEN_READS = 4
_REPORT_NS = SECOND_NS // 4


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is called, by how many, for how long. `speech`: whole 20 ms frames of 8 kHz slin said over and over."""

    address: tuple[int, tuple[object, ...]]  # family, address as getaddrinfo gives them
    calls: int
    seconds: float
    ramp_seconds: float = 0.0
    speech: bytes = wire.LINE_SILENCE


@dataclass(slots=True)
class CallLog:
    """What one call showed: when its frames came, and how it ended ("held": we ended it, on time)."""

    stamps: "array[int]"
    frames: int = 0
    connected: int = 0
    first_audible: int = 0
    outcome: str = "waiting"


@dataclass(slots=True)
class Measurement:
    """The raw result: one log a call, the lateness of each of our sends, and what the loop itself cost."""

    logs: list[CallLog]
    lateness: "array[int]"
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    kernel_stamps: bool = False


@dataclass(slots=True, eq=False)
class _Seat:
    """One caller: its place in the 20 ms round, and its connection while it has one."""

    phase: int
    first_round: int
    log: CallLog
    line: socket.socket | None = None
    messages: wire.ServerMessages = field(default_factory=wire.ServerMessages)
    calling_since: int = 0
    connecting: bool = False
    in_order: bool = True  # no part of a message is pending
    last_stamp: int = 0


class Crowd:
    """The loop and its callers; `measure` is the only use of it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._messages = [
            wire.encode_audio(plan.speech[at : at + wire.FRAME_BYTES])
            for at in range(0, len(plan.speech), wire.FRAME_BYTES)
        ]
        rounds = int((plan.ramp_seconds + plan.seconds) * 50) + 1
        seats = [self._seat(number, rounds) for number in range(plan.calls)]
        self._logs = [seat.log for seat in seats]
        self._wheel = sorted(seats, key=lambda seat: seat.phase)
        self._lateness = array("q", bytes(8 * plan.calls * rounds))
        self._sends = 0
        self._by_fd: dict[int, _Seat] = {}
        self._epoll = select.epoll()
        self._buffer = bytearray(65536)
        self._views = [memoryview(self._buffer)]
        self._kernel_stamps = False

    def measure(self, report: Callable[[int], None]) -> Measurement:
        """Place the calls and hold them; `report` is told four times a second how many are up."""
        wall, cpu = time.perf_counter(), time.process_time()
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            with contextlib.suppress(KeyboardInterrupt):  # figures of a run cut short are figures too
                self._run(report)
        finally:
            self._close_all()
            gc.enable()
            gc.unfreeze()
        return Measurement(
            self._logs,
            self._lateness[: self._sends],
            time.perf_counter() - wall,
            time.process_time() - cpu,
            self._kernel_stamps,
        )

    def _seat(self, number: int, rounds: int) -> _Seat:
        phase = int(number * _GOLDEN % 1 * FRAME_NS)
        first_round = int(self._plan.ramp_seconds * number / self._plan.calls * 50)
        # A server may send up to twice its due before the log is full; what comes after that is not timed.
        return _Seat(phase, first_round, CallLog(array("q", bytes(8 * 2 * (rounds + 50)))))

    def _run(self, report: Callable[[int], None]) -> None:
        start = time.monotonic_ns() + FRAME_NS
        end = start + int((self._plan.ramp_seconds + self._plan.seconds) * SECOND_NS)
        round_start, place, number = start, 0, 0
        next_report = start
        while (now := time.monotonic_ns()) < end:
            for _ in range(_SENDS_BETWEEN_READS):
                seat = self._wheel[place]
                late = now - round_start - seat.phase
                if late < 0:
                    break
                self._turn(seat, number, late)
                place += 1
                if place == len(self._wheel):
                    place, number, round_start = 0, number + 1, round_start + FRAME_NS
                now = time.monotonic_ns()
            wait = round_start + self._wheel[place].phase - time.monotonic_ns()
            for fd, mask in self._epoll.poll(max(0, wait) / SECOND_NS, 64):
                self._notice(self._by_fd[fd], mask)
            if now >= next_report:
                next_report += _REPORT_NS
                report(sum(seat.line is not None and not seat.connecting for seat in self._wheel))
                if all(seat.line is None and seat.log.outcome != "waiting" for seat in self._wheel):
                    return  # every call is over: nothing is left to measure

    def _turn(self, seat: _Seat, number: int, late: int) -> None:
        """A seat's 20 ms: send a frame, or place the call when its time has come."""
        if seat.line is not None and not seat.connecting:
            self._lateness[self._sends] = late
            self._sends += 1
            self._send(seat, self._messages[(number - seat.first_round) % len(self._messages)])
        elif seat.connecting and time.time_ns() - seat.calling_since > CONNECT_SECONDS * SECOND_NS:
            self._end(seat, "refused")
        elif seat.log.outcome == "waiting" and number >= seat.first_round:
            self._connect(seat)

    def _connect(self, seat: _Seat) -> None:
        family, address = self._plan.address
        line = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        seat.line, seat.connecting, seat.calling_since = line, True, time.time_ns()
        seat.log.outcome = "held"
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            line.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._by_fd[line.fileno()] = seat
        self._epoll.register(line.fileno(), select.EPOLLOUT)
        if line.connect_ex(address) not in (0, errno.EINPROGRESS):
            self._end(seat, "refused")

    def _notice(self, seat: _Seat, mask: int) -> None:
        if seat.line is None:
            return
        if not seat.connecting:
            self._read(seat, seat.line)
        elif seat.line.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or not mask & select.EPOLLOUT:
            self._end(seat, "refused")
        else:
            seat.connecting = False
            self._epoll.modify(seat.line.fileno(), select.EPOLLIN)
            seat.log.connected = time.time_ns()
            self._send(seat, wire.encode_uuid(uuid4()))

    def _send(self, seat: _Seat, message: bytes) -> None:
        assert seat.line is not None
        try:
            if seat.line.send(message) < len(message):
                self._end(seat, "write_blocked")
        except BlockingIOError:
            self._end(seat, "write_blocked")
        except OSError:
            # The server has gone; what it said before is still to be read, and says why.
            self._read(seat, seat.line)
            self._end(seat, "reset")

    def _read(self, seat: _Seat, line: socket.socket) -> None:
        try:
            size, notes, _flags, _peer = line.recvmsg_into(self._views, _STAMP_SPACE)
        except BlockingIOError:
            return
        except OSError:
            self._end(seat, "reset")
            return
        stamp = time.time_ns()
        if notes:
            seconds, nanoseconds = _STAMP.unpack(notes[0][2])
            stamp = seconds * SECOND_NS + nanoseconds
            self._kernel_stamps = True
        if size == _MESSAGE_BYTES and seat.in_order and self._buffer.startswith(_AUDIO_HEADER):
            self._log(seat.log, stamp, bytes(self._buffer[3:_MESSAGE_BYTES]) if not seat.log.first_audible else b"")
        else:
            self._take(seat, stamp, bytes(self._buffer[:size]))
        seat.last_stamp = stamp

    def _take(self, seat: _Seat, stamp: int, data: bytes) -> None:
        """The uncommon read: several messages at once, a part of one, or the end."""
        if seat.messages.awaits_payload and stamp - seat.last_stamp > PAYLOAD_SECONDS * SECOND_NS:
            self._end(seat, "late_payload")
            return
        messages = seat.messages.feed(data) if data else [seat.messages.close()]
        for message in messages:
            match message:
                case wire.Audio(slin=slin):
                    self._log(seat.log, stamp, slin)
                case wire.HungUp(by_close=by_close):
                    self._end(seat, "closed" if by_close else "hung_up")
                case wire.Dropped(reason=reason):
                    self._end(seat, reason)
        seat.in_order = seat.messages.empty

    def _log(self, log: CallLog, stamp: int, slin: bytes) -> None:
        if log.frames < len(log.stamps):
            log.stamps[log.frames] = stamp
            log.frames += 1
        if not log.first_audible and is_audible(slin):
            log.first_audible = stamp

    def _end(self, seat: _Seat, outcome: str) -> None:
        if seat.line is None:
            return
        seat.log.outcome = outcome if seat.log.frames else "refused"
        self._hang_up(seat)

    def _hang_up(self, seat: _Seat) -> None:
        if seat.line is not None:
            del self._by_fd[seat.line.fileno()]
            self._epoll.unregister(seat.line.fileno())
            seat.line.close()
            seat.line = None
            seat.connecting = False

    def _close_all(self) -> None:
        for seat in self._wheel:
            self._hang_up(seat)
        self._epoll.close()
