"""Calls to disk while they are up: one task for all calls of a process, one thread, a second of sound or more at once.

A call never waits for any of it. A disk that takes no more ends the recordings of the moment, loudly; calls go on."""

import errno
import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

import structlog
import trio

from callengine.media.leg import Leg
from callengine.media.tape import Second, Tape
from callengine.metrics import recording_lost_seconds_total, recordings_total
from callengine.ports.journal import RecordingKept
from callengine.recording.files import PART, Place, file_of, finish
from callengine.recording.wav import FRAME_BYTES, HEADER_BYTES, header, stereo

ROUND_SECONDS = 0.5
CHUNK_SECONDS = 2  # of each call, so that a quarter of the calls is written in a round
CLOSE_SECONDS = 5.0

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Take:
    """One call's recording. The task owns it; the thread has it while a round is written."""

    tape: Tape
    file: str
    over: bool = False
    open: BinaryIO | None = None
    samples: int = 0
    kept: RecordingKept | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Work:
    """What a round has for one recording; with `last` it is whole then."""

    take: _Take
    seconds: Sequence[Second]
    last: bool


class Recorder:
    """Records the calls it is given while `run` runs. `note` takes what is to be in the record of a call: it neither
    blocks nor raises."""

    def __init__(self, place: Place, least_free_bytes: int, note: Callable[[RecordingKept], None]) -> None:
        self._place = place
        self._least_free_bytes = least_free_bytes
        self._note = note
        self.stop = trio.Event()
        self._takes: list[_Take] = []
        self._failing = False
        self._thread = trio.CapacityLimiter(1)

    @contextmanager
    def taping(self, leg: Leg, call_id: str, epoch: int) -> Iterator[None]:
        """Record a line until the block ends; `epoch` numbers the call's connections. Never waits, never raises."""
        leg.tape = tape = Tape(leg.ring, leg.began)
        began = datetime.now(UTC) - timedelta(seconds=trio.current_time() - leg.began)
        take = _Take(tape, file_of(call_id, epoch, began))
        self._takes.append(take)
        try:
            yield
        finally:
            leg.tape = None
            take.over = True

    async def run(self) -> None:
        """Write what there is until `stop` is set; then what is left, for every recording ends there."""
        began, rounds = trio.current_time(), 0
        while not self.stop.is_set():
            await self.write_round(CHUNK_SECONDS)
            rounds = max(rounds + 1, int((trio.current_time() - began) / ROUND_SECONDS))
            with trio.move_on_at(began + rounds * ROUND_SECONDS):
                await self.stop.wait()
        for take in self._takes:
            take.over = True
        await self.write_round(0)

    async def write_round(self, least_seconds: int) -> None:
        """Write recordings that have so many seconds, or are over."""
        work = []
        for take in tuple(self._takes):
            if take.over:
                work.append(_Work(take, take.tape.finish(), last=True))
                self._takes.remove(take)
            elif take.tape.waiting >= least_seconds and (seconds := take.tape.take(trio.current_time())):
                work.append(_Work(take, seconds, last=False))
        if work:
            # a disk that hangs must not hold up the engine's end
            await trio.to_thread.run_sync(self._write_all, work, limiter=self._thread, abandon_on_cancel=True)
            self._tell(work)

    def _tell(self, work: Sequence[_Work]) -> None:
        for done in work:
            take = done.take
            if done.last:
                recording_lost_seconds_total.inc(take.tape.lost_seconds)
            if take.kept is not None:
                recordings_total.labels("cut_short" if take.problem else "kept").inc()
                self._note(take.kept)
                take.kept = None
            elif take.problem and done.last and not take.samples:
                recordings_total.labels("failed").inc()
        problems = [done.take.problem for done in work if done.take.problem]
        if problems and not self._failing:
            log.error("recordings are cut short: the disk does not take them; calls go on", problem=problems[0])
        elif self._failing and not problems:
            log.info("calls are recorded again")
        self._failing = bool(problems)

    # In the thread

    def _write_all(self, work: Sequence[_Work]) -> None:
        full = self._no_room()
        for one in work:
            take = one.take
            try:
                if not take.problem:
                    if full:
                        raise OSError(errno.ENOSPC, full)
                    self._write(take, one.seconds)
                if one.last and take.open is not None:
                    self._finish(take)
            except OSError as error:
                take.problem = error.strerror or type(error).__name__
                self._cut_short(take)

    def _no_room(self) -> str:
        """The record of calls and what waits for the database are worth more than recordings: room is left for them."""
        self._place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = os.statvfs(self._place.folder)
        free = found.f_bavail * found.f_frsize
        return "less than RECORDING_LEAST_FREE_MB is free" if free < self._least_free_bytes else ""

    def _write(self, take: _Take, seconds: Sequence[Second]) -> None:
        if take.open is None:
            if not seconds:
                return
            take.open = self._opened(take.file)
        _write_whole(take.open, HEADER_BYTES + take.samples * FRAME_BYTES, stereo(seconds))
        samples = take.samples + sum(second.samples for second in seconds)
        _write_whole(take.open, 0, header(samples))
        take.samples = samples  # of a recording that is cut short, what its header says

    def _opened(self, file: str) -> BinaryIO:
        path = self._place.folder / (file + PART)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fdopen(descriptor, "r+b", buffering=0)

    def _finish(self, take: _Take) -> None:
        assert take.open is not None
        take.kept = finish(self._place, take.file, take.samples)
        take.open.close()
        take.open = None

    def _cut_short(self, take: _Take) -> None:
        """What is on disk so far is all there will be."""
        if take.open is None:
            return
        try:
            os.ftruncate(take.open.fileno(), HEADER_BYTES + take.samples * FRAME_BYTES)
            self._finish(take)
        except OSError:
            take.open.close()  # mended at the next start
            take.open = None


@asynccontextmanager
async def open_recorder(
    place: Place, least_free_bytes: int, note: Callable[[RecordingKept], None]
) -> AsyncIterator[Recorder]:
    """A recorder at work. Leaving ends what is being recorded, within CLOSE_SECONDS."""
    recorder = Recorder(place, least_free_bytes, note)
    async with trio.open_nursery() as nursery:
        # The writing outlives a cancelled body by the time that the last round is given.
        working = trio.CancelScope(shield=True)
        nursery.start_soon(_work_within, working, recorder)
        try:
            yield recorder
        finally:
            recorder.stop.set()
            working.deadline = trio.current_time() + CLOSE_SECONDS


async def _work_within(working: trio.CancelScope, recorder: Recorder) -> None:
    with working:
        await recorder.run()


def _write_whole(file: BinaryIO, place: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(file.fileno(), view, place)
        view, place = view[written:], place + written
