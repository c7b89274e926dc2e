"""Streams over real gRPC, in turns of a question and its answer: a wake-up that is lost on the bridge ends the turns.

Some streams are left in the middle of a read, as a call that ends does, and others are open beside them."""

from functools import partial

import pytest
import trio

from callengine.ports.recognition import Interim, Recognizer, RecognizerStream, StreamSpec
from tests.bench.stand_in import RATE, stand_in_server
from tests.recognizers import open_google

pytestmark = pytest.mark.integration

STREAMS, TURNS = 20, 60
LEFT_AFTER = 15  # turns, by every fourth of the streams
HALF_A_SECOND = b"\1\1" * (RATE // 2)
PATIENCE_SECONDS = 120


async def test_every_question_is_answered_while_others_are_left() -> None:
    answered: list[int] = []
    with stand_in_server() as address:
        async with open_google(address) as recognizer:
            with trio.fail_after(PATIENCE_SECONDS):
                async with trio.open_nursery() as nursery:
                    for number in range(STREAMS):
                        caller = _leave_and_return if number % 4 == 0 else partial(_ask, turns=TURNS)
                        nursery.start_soon(caller, recognizer, answered)
    assert len(answered) == STREAMS * TURNS


async def _ask(recognizer: Recognizer, answered: list[int], turns: int) -> None:
    async with recognizer.open_stream(StreamSpec("ru-RU")) as stream:
        await _turns(stream, answered, turns)


async def _leave_and_return(recognizer: Recognizer, answered: list[int]) -> None:
    for _ in range(TURNS // LEFT_AFTER):
        async with recognizer.open_stream(StreamSpec("ru-RU")) as stream, trio.open_nursery() as reading:
            await _turns(stream, answered, LEFT_AFTER)
            reading.start_soon(stream.receive)  # nothing has been asked: it waits
            await stream.send(bytes(320))
            reading.cancel_scope.cancel("left")


async def _turns(stream: RecognizerStream, answered: list[int], turns: int) -> None:
    """A second of a voice is answered by an interim."""
    for turn in range(turns):
        await stream.send(HALF_A_SECOND)
        await stream.send(HALF_A_SECOND)
        while not isinstance(await stream.receive(), Interim):
            pass
        answered.append(turn)
