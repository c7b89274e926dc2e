"""One line before the model for all streams; `schedule` says what goes next, and a worker decodes it.

A worker decodes one batch at a time; a model on a CPU has one a core. Features are computed beside the decoding, so
that the model never waits for them.
"""

import asyncio
import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

from whisper_server.decoder import Prepared
from whisper_server.errors import DecodeError
from whisper_server.metrics import BATCH_SIZE, INTERIMS_SHED, QUEUE_DEPTH
from whisper_server.schedule import Entry, Rules, Urgency, interims_resume, is_hopeless, next_step
from whisper_server.transcript import Transcript, Utterance

Decoded = asyncio.Future[Transcript | None]


class Model(Protocol):
    """What the line needs of a model; `prepare` may run in any thread, `decode` in one for each worker."""

    def prepare(self, utterance: Utterance) -> Prepared: ...
    def decode(self, batch: Sequence[Prepared]) -> list[Transcript | None]: ...


@dataclass(slots=True)
class _Place:
    """A place in the line, from `submit` on; it can be decoded once it has an entry."""

    number: int
    urgency: Urgency
    arrived: float
    decoded: Decoded
    prepared: Prepared | None = None

    @property
    def entry(self) -> Entry:
        assert self.prepared is not None
        return Entry(self.number, self.urgency, self.prepared.shape, self.arrived)


class DecodeQueue:
    """The line. Each `run` is a worker and decodes in a thread of `decoding`; `preparing` computes features."""

    def __init__(self, model: Model, rules: Rules, decoding: Executor, preparing: Executor) -> None:
        self._model = model
        self._rules = rules
        self._decoding = decoding
        self._preparing = preparing
        self._line: dict[int, _Place] = {}
        self._count = 0
        self._changed = asyncio.Event()
        self._interims_from = 0.0
        self._interim_batches = 0  # that workers decode just now
        self._resting = 0  # workers that have nothing to decode
        self._last_decode = asyncio.get_running_loop().time()

    def submit(self, utterance: Utterance, urgency: Urgency) -> Decoded:
        """Put an utterance in line.

        The future gives its transcript, None where nobody spoke or the decode was given up; it raises `DecodeError`.
        """
        loop = asyncio.get_running_loop()
        self._count += 1
        place = _Place(self._count, urgency, loop.time(), loop.create_future())
        before = sum(other.urgency is not Urgency.INTERIM for other in self._line.values())
        if is_hopeless(urgency, before, self._interims_from - place.arrived, self._rules):
            self._shed([place])
            return place.decoded
        self._line[place.number] = place
        QUEUE_DEPTH.set(len(self._line))
        preparing = loop.run_in_executor(self._preparing, self._model.prepare, utterance)
        preparing.add_done_callback(lambda done: self._enter(place, done))
        return place.decoded

    def confirm(self, decoded: Decoded) -> None:
        """An early decode is needed now: it goes ahead of those that may not be."""
        for place in self._line.values():
            if place.decoded is decoded:
                place.urgency = Urgency.FINAL

    def drop(self, decoded: Decoded) -> None:
        """Nobody needs this decode any more."""
        if not decoded.done():
            decoded.set_result(None)
            self._changed.set()

    @property
    def behind_seconds(self) -> float:
        """How long the oldest final has been waiting for the model."""
        arrived = [place.arrived for place in self._line.values() if place.urgency is Urgency.FINAL]
        return asyncio.get_running_loop().time() - min(arrived) if arrived else 0.0

    @property
    def rested_seconds(self) -> float:
        """How long the model has had nothing to do."""
        return asyncio.get_running_loop().time() - self._last_decode

    async def run(self) -> None:
        """Decode for ever, one batch at a time."""
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            self._leave([place for place in self._line.values() if place.decoded.done()])
            ready = {number: place for number, place in self._line.items() if place.prepared is not None}
            now = loop.time()
            held = self._interim_batches >= self._rules.interim_batches
            interims_from = math.inf if held else self._interims_from
            idle = 1 + self._resting
            step = next_step([place.entry for place in ready.values()], now, interims_from, self._rules, idle)
            self._shed([ready[entry.number] for entry in step.shed])
            if step.batch:
                await self._work(step.batch, [ready[entry.number] for entry in step.batch])
            else:
                await self._wait(step.wake)

    async def _work(self, batch: Sequence[Entry], places: list[_Place]) -> None:
        loop = asyncio.get_running_loop()
        began, interims = loop.time(), batch[0].urgency is Urgency.INTERIM
        self._leave(places)
        self._interim_batches += interims
        try:
            await self._decode(places)
        finally:
            self._interim_batches -= interims
        self._last_decode = loop.time()
        # Another worker's batch does not give interims back the time that they have to wait.
        resume = interims_resume(batch, began, self._last_decode, self._rules)
        self._interims_from = max(self._interims_from, resume)
        self._changed.set()

    def _enter(self, place: _Place, preparing: asyncio.Future[Prepared]) -> None:
        self._changed.set()
        if place.decoded.done():
            return
        if (fault := preparing.exception()) is not None:
            place.decoded.set_exception(_decode_error(fault))
        else:
            place.prepared = preparing.result()

    def _leave(self, places: list[_Place]) -> None:
        for place in places:
            self._line.pop(place.number, None)
        QUEUE_DEPTH.set(len(self._line))

    def _shed(self, places: list[_Place]) -> None:
        self._leave(places)
        for place in places:
            INTERIMS_SHED.inc()
            place.decoded.set_result(None)

    async def _wait(self, until: float | None) -> None:
        self._resting += 1
        try:
            async with asyncio.timeout_at(until):
                await self._changed.wait()
        except TimeoutError:
            return
        finally:
            self._resting -= 1

    async def _decode(self, places: list[_Place]) -> None:
        BATCH_SIZE.observe(len(places))
        batch = [place.prepared for place in places if place.prepared is not None]
        running = asyncio.get_running_loop().run_in_executor(self._decoding, self._model.decode, batch)
        await asyncio.wait([running])
        fault = running.exception()
        if fault is not None and len(places) > 1:
            # One utterance may be what the model fails on; the others should not suffer for it.
            for place in places:
                if not place.decoded.done():
                    await self._decode([place])
            return
        for index, place in enumerate(places):
            if place.decoded.done():
                continue
            if fault is not None:
                place.decoded.set_exception(_decode_error(fault))
            else:
                place.decoded.set_result(running.result()[index])


def _decode_error(fault: BaseException) -> DecodeError:
    return DecodeError(f"{type(fault).__name__}: {fault}")
