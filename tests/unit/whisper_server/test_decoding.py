"""The line before the model: one at a time, in order, and no failure beyond the one utterance."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from whisper_server.decoder import Transcript, Utterance
from whisper_server.decoding import DecodeQueue
from whisper_server.errors import DecodeError

from tests.plain_asyncio import run_plain


def utterance(number: int) -> Utterance:
    return Utterance(np.full(1, number, np.int16), 8000, ("ru",))


def test_one_at_a_time_in_order_and_cancelled_ones_are_skipped() -> None:
    release = threading.Event()
    decoded: list[int] = []

    def decode(given: Utterance) -> Transcript | None:
        assert release.wait(10)
        number = int(given.samples[0])
        decoded.append(number)
        if number == 2:
            raise RuntimeError("out of memory")
        return Transcript(str(number), "ru", 1.0)

    async def run() -> None:
        with ThreadPoolExecutor(4) as executor:
            queue = DecodeQueue(decode, executor)
            working = asyncio.create_task(queue.run())
            assert queue.idle
            first, second, third, fourth = (queue.submit(utterance(number)) for number in (1, 2, 3, 4))
            assert not queue.idle
            assert not queue.no_line
            third.cancel()
            release.set()
            assert await first == Transcript("1", "ru", 1.0)
            with pytest.raises(DecodeError, match="out of memory"):
                await second
            assert await fourth == Transcript("4", "ru", 1.0)
            working.cancel()

    run_plain(run())
    assert decoded == [1, 2, 4]
