"""The line before the model: urgent first, batches, what is given up, and no failure beyond the one utterance."""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from whisper_server.decoder import Prepared
from whisper_server.decoding import DecodeQueue
from whisper_server.errors import DecodeError
from whisper_server.schedule import Rules, Shape, Urgency
from whisper_server.transcript import Transcript, Utterance
from whisper_server.warmth import keep_warm

from tests.plain_asyncio import run_plain

FINAL, EARLY, INTERIM = Urgency.FINAL, Urgency.EARLY, Urgency.INTERIM
UNREADABLE, UNSPEAKABLE = 98, 99
GUARD_SECONDS = 60  # against hanging; nothing is timed by it


class Numbers:
    """A model that hears the value of the first sample; held until `release` is set."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.release = threading.Event()
        self.begun: list[list[int]] = []
        self.batches: list[list[int]] = []

    def prepare(self, utterance: Utterance) -> Prepared:
        if utterance.samples[0] == UNREADABLE:
            raise ValueError("not a sound")
        shape = Shape(8.0, 4, 1 if utterance.interim else 5)
        return Prepared(utterance, shape, 1.0, (), np.zeros((80, 800), np.float32))

    def decode(self, batch: Sequence[Prepared]) -> list[Transcript | None]:
        numbers = [int(one.utterance.samples[0]) for one in batch]
        self.begun.append(numbers)
        self.started.set()
        assert self.release.wait(GUARD_SECONDS)
        self.batches.append(numbers)
        if UNSPEAKABLE in numbers:
            raise RuntimeError("out of memory")
        return [Transcript(str(number), "ru", 1.0) for number in numbers]


class AtOnce(Executor):
    """Prepares in `submit` itself: whatever was submitted stands in line when the model is released."""

    def submit(self, work: Any, /, *arguments: Any, **_named: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(work(*arguments))
        except ValueError as error:
            done.set_exception(error)
        return done


def utterance(number: int, *, interim: bool = False) -> Utterance:
    return Utterance(np.full(1, number, np.int16), 8000, ("ru",), interim=interim)


def with_line(model: Numbers, rules: Rules, check: Any, workers: int = 1) -> None:
    """Run `check(queue)` beside the line."""

    async def run() -> None:
        with ThreadPoolExecutor(workers) as decoding:
            queue = DecodeQueue(model, rules, decoding, AtOnce())
            working = [asyncio.create_task(queue.run()) for _ in range(workers)]
            scenario: Coroutine[Any, Any, None] = check(queue)
            await scenario
            for worker in working:
                worker.cancel()

    run_plain(run())


async def busy(queue: DecodeQueue, model: Numbers) -> asyncio.Future[Transcript | None]:
    """Submit a final, number 1, and return once the model has it."""
    decoded = queue.submit(utterance(1), FINAL)
    assert await asyncio.to_thread(model.started.wait, GUARD_SECONDS)
    return decoded


def test_what_waits_goes_in_batches_finals_first_and_without_what_was_dropped() -> None:
    model = Numbers()

    async def check(queue: DecodeQueue) -> None:
        first = await busy(queue, model)
        interim = queue.submit(utterance(2, interim=True), INTERIM)
        early, unwanted = queue.submit(utterance(3), EARLY), queue.submit(utterance(4), EARLY)
        finals = [queue.submit(utterance(number), FINAL) for number in (5, 6)]
        queue.drop(unwanted)
        model.release.set()
        said = [await decoded for decoded in (first, interim, early, unwanted, *finals)]
        assert [transcript and transcript.text for transcript in said] == ["1", "2", "3", None, "5", "6"]

    with_line(model, Rules(most=2, interim_patience=60), check)
    assert model.batches == [[1], [5, 6], [3], [2]]


def test_a_confirmed_early_decode_goes_with_the_finals() -> None:
    model = Numbers()

    async def check(queue: DecodeQueue) -> None:
        first = await busy(queue, model)
        others = [queue.submit(utterance(number), EARLY) for number in (2, 3)]
        queue.confirm(others[1])
        assert queue.behind_seconds > 0
        model.release.set()
        await asyncio.gather(first, *others)

    with_line(model, Rules(most=1), check)
    assert model.batches == [[1], [3], [2]]


def test_an_interim_that_the_model_has_no_time_for_is_answered_with_nothing() -> None:
    model = Numbers()

    async def check(queue: DecodeQueue) -> None:
        first = await busy(queue, model)
        interim = queue.submit(utterance(2, interim=True), INTERIM)
        model.release.set()
        assert await interim is None
        assert await first is not None

    with_line(model, Rules(most=2, interim_patience=0), check)
    assert model.batches == [[1]]


def test_a_failure_hurts_only_its_own_utterance() -> None:
    model = Numbers()

    async def check(queue: DecodeQueue) -> None:
        first = await busy(queue, model)
        good, bad, damaged = (queue.submit(utterance(number), FINAL) for number in (2, UNSPEAKABLE, UNREADABLE))
        model.release.set()
        await first
        assert await good == Transcript("2", "ru", 1.0)
        with pytest.raises(DecodeError, match="out of memory"):
            await bad
        with pytest.raises(DecodeError, match="not a sound"):
            await damaged

    with_line(model, Rules(most=4), check)
    assert model.batches == [[1], [2, UNSPEAKABLE], [2], [UNSPEAKABLE]]


def test_a_model_that_rests_is_kept_warm() -> None:
    model = Numbers()
    model.release.set()

    async def check(queue: DecodeQueue) -> None:
        warming = asyncio.create_task(keep_warm(queue, rest_seconds=0.01))
        assert await asyncio.to_thread(model.started.wait, GUARD_SECONDS)
        warming.cancel()

    with_line(model, Rules(most=4), check)
    assert len(model.batches[0]) == 1


def test_an_interim_without_a_chance_is_shed_before_anything_is_computed_for_it() -> None:
    model, prepared = Numbers(), []
    prepare = model.prepare

    def counted(utterance: Utterance) -> Prepared:
        prepared.append(int(utterance.samples[0]))
        return prepare(utterance)

    model.prepare = counted  # type: ignore[method-assign]

    async def check(queue: DecodeQueue) -> None:
        first = await busy(queue, model)
        finals = [queue.submit(utterance(number), urgency) for number, urgency in ((2, FINAL), (3, EARLY))]
        hopeless = queue.submit(utterance(4, interim=True), INTERIM)
        assert hopeless.done()
        assert hopeless.result() is None
        model.release.set()
        texts = [one.text for one in await asyncio.gather(first, *finals) if one is not None]
        assert (texts, prepared) == (["1", "2", "3"], [1, 2, 3])
        heard = await queue.submit(utterance(5, interim=True), INTERIM)
        assert heard is not None

    with_line(model, Rules(most=2, interim_patience=60), check)


def test_two_workers_decode_beside_each_other_and_one_of_them_never_an_interim() -> None:
    model = Numbers()

    async def check(queue: DecodeQueue) -> None:
        interims = [queue.submit(utterance(1, interim=True), INTERIM)]
        assert await asyncio.to_thread(model.started.wait, GUARD_SECONDS)
        model.started.clear()
        interims.append(queue.submit(utterance(2, interim=True), INTERIM))
        final = queue.submit(utterance(3), FINAL)
        # The other worker has begun, and with the final.
        assert await asyncio.to_thread(model.started.wait, GUARD_SECONDS)
        assert sorted(model.begun) == [[1], [3]]
        model.release.set()
        assert await final is not None
        assert await asyncio.gather(*interims)

    with_line(model, Rules(most=2, interim_patience=60), check, workers=2)
    assert model.begun[2:] == [[2]]


def test_idle_workers_share_what_came_while_both_were_busy() -> None:
    model = Numbers()

    async def check(queue: DecodeQueue) -> None:
        finals = [queue.submit(utterance(number), FINAL) for number in (1, 2, 3, 4)]
        assert await asyncio.to_thread(model.started.wait, GUARD_SECONDS)
        model.release.set()
        await asyncio.gather(*finals)

    with_line(model, Rules(most=4), check, workers=2)
    assert sorted(model.batches) == [[1, 2], [3, 4]]
