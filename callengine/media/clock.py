"""The media clock: one Trio task for all calls of the process, on an absolute 5 ms schedule.

A leg has one of four phases and is served every fourth tick, so every 20 ms; a process woken for each frame of each
call collapses at a few hundred (DESIGN 4.1). Nothing here waits but the clock's own sleep."""

from bisect import bisect_left
from collections import deque
from contextlib import suppress

import structlog
import trio

from callengine.errors import RemoteProtocolError
from callengine.media.leg import Leg

PHASES = 4
PHASE_SECONDS = 0.005
READS_A_LOOK = 8  # legs read between two looks at the time: 0.1 ms
LATENESS_BOUNDS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.010, 0.020, 0.040, 0.1, 0.5, 2.0)

log = structlog.get_logger(__name__)


class MediaClock:
    """Serves every leg's frames. `ticks` grows while it lives: the watchdog looks at it."""

    def __init__(self) -> None:
        self._phases: tuple[list[Leg], ...] = tuple([] for _ in range(PHASES))
        self._unread: deque[int] = deque()  # phases whose legs are to be read, the oldest first
        self._read = 0  # legs of the first of them that have been
        self._unfinished: set[Leg] = set()
        self.ticks = 0
        self.lateness_counts = [0] * (len(LATENESS_BOUNDS) + 1)  # frames by how late their tick was
        self.lateness_sum = 0.0
        self._dropped_before = 0

    def all_legs(self) -> list[Leg]:
        """The legs being served, in no order."""
        return [leg for phase in self._phases for leg in phase]

    @property
    def frames_dropped(self) -> int:
        """Frames that did not fit a peer's socket, of all legs served so far."""
        return self._dropped_before + sum(leg.frames_dropped for leg in self.all_legs())

    def add(self, leg: Leg) -> None:
        """Serve `leg` from the next tick of the emptiest phase until it has ended."""
        min(self._phases, key=len).append(leg)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Tick for ever."""
        began = trio.current_time()
        tick = 0
        task_status.started()
        while True:
            tick += 1
            await trio.sleep_until(began + tick * PHASE_SECONDS)
            now = trio.current_time()
            late = now - (began + tick * PHASE_SECONDS)
            missed = int(late / PHASE_SECONDS)
            self._finish_partial(now)
            # after a stall every phase passed over is served once, with the rounds it missed before this one
            passed = range(min(missed + 1, PHASES))
            for phase in passed:
                self._send((tick + missed - phase) % PHASES, now, (missed - phase) // PHASES)
                self._want_read((tick + missed - phase) % PHASES)
            self._count(late, min(missed + 1, PHASES), tick + missed)
            tick += missed
            self.ticks = tick
            self._receive(began + (tick + 1) * PHASE_SECONDS)

    def _send(self, phase: int, now: float, late_frames: int) -> None:
        """All sends before the first receive: what the peers have sent, much or little, moves no frame of ours."""
        for leg in self._phases[phase]:
            if leg.ended is None:
                try:
                    leg.send(now, late_frames)
                    if leg.unfinished:
                        self._unfinished.add(leg)
                except OSError as error:
                    _hear_the_rest(leg, now)
                    _end_by(leg, error)
                except Exception as error:  # noqa: BLE001 - one call's failure never stops the clock
                    _end_by(leg, error)

    def _want_read(self, phase: int) -> None:
        if phase not in self._unread:  # what it still waits for and what is due now come in one read
            self._unread.append(phase)

    def _receive(self, until: float) -> None:
        """Read what the peers have sent, until the next tick's frames are due.

        What is left then is read after those have gone out, several frames at once and so for less: a slow spell of the
        machine costs the caller's audio some milliseconds of the kernel's buffer, and the agent's none."""
        while self._unread:
            legs = self._phases[self._unread[0]]
            while self._read < len(legs):
                now = trio.current_time()
                for leg in legs[self._read : self._read + READS_A_LOOK]:
                    if leg.ended is None:
                        try:
                            leg.receive(now)
                        except Exception as error:  # noqa: BLE001 - one call's failure never stops the clock
                            _end_by(leg, error)
                self._read += READS_A_LOOK
                if trio.current_time() >= until:
                    return  # some were read, whatever the sends took: nobody is starved
            self._read = 0
            self._let_go(self._unread.popleft())

    def _let_go(self, phase: int) -> None:
        """Legs that have ended leave their phase."""
        if any(leg.ended is not None for leg in self._phases[phase]):
            self._dropped_before += sum(leg.frames_dropped for leg in self._phases[phase] if leg.ended is not None)
            self._phases[phase][:] = [leg for leg in self._phases[phase] if leg.ended is None]

    def _finish_partial(self, now: float) -> None:
        if not self._unfinished:
            return
        legs, self._unfinished = self._unfinished, set()
        for leg in legs:
            if leg.ended is None:
                try:
                    if not leg.finish(now):
                        self._unfinished.add(leg)
                except Exception as error:  # noqa: BLE001 - one call's failure never stops the clock
                    _end_by(leg, error)

    def _count(self, late: float, phases: int, newest: int) -> None:
        frames = sum(len(self._phases[(newest - phase) % PHASES]) for phase in range(phases))
        self.lateness_counts[bisect_left(LATENESS_BOUNDS, late)] += frames
        self.lateness_sum += late * frames


def _hear_the_rest(leg: Leg, now: float) -> None:
    """The wire takes no more, but what the peer said before it closed (a UUID, a key) was said."""
    with suppress(OSError, RemoteProtocolError):
        leg.receive(now)


def _end_by(leg: Leg, error: Exception) -> None:
    """One call's failure ends that call."""
    match error:
        case RemoteProtocolError(reason=reason):
            leg.end(reason, str(error))  # type: ignore[arg-type]  # reasons of the codec are LineEnds
        case BrokenPipeError() | ConnectionResetError():
            # Asterisk closes when the caller hangs up; a frame of ours that was on its way then makes the end a reset
            leg.end("hangup", "the peer closed")
        case OSError():
            leg.end("reset", error.strerror or "connection lost")
        case _:
            log.error("media_fault", exc_info=error)
            leg.end("fault", "an error in the engine")
