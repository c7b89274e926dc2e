"""A recogniser that hangs while the caller speaks: nobody is asked "are you there?", and the words are answered."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
import trio
import trio.testing

from backends.stt.scripted import LIMITS, ScriptedRecognizer
from callengine.ports.recognition import RecognizerStream, StreamLimits, StreamSpec
from tests.sim.call import Parts
from tests.sim.deaf import DeafStream
from tests.sim.exchange import ASKED, check_exchange
from tests.sim.plays import AGENT
from tests.sim.stamped import StampedVoice


@dataclass(slots=True)
class HangingRecognizer:
    """The first `hangs` streams take audio and say nothing; then `inner`'s, whose opening takes `opening` seconds."""

    inner: ScriptedRecognizer
    hangs: int
    opening: float
    limits: StreamLimits = LIMITS

    async def check(self) -> None:
        await self.inner.check()

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        if self.hangs > 0:
            self.hangs -= 1
            yield DeafStream()
            return
        await trio.sleep(self.opening)
        async with self.inner.open_stream(spec, hints) as stream:
            yield stream


@pytest.mark.parametrize(("hangs", "opening"), [(1, 0.0), (2, 0.0), (2, 4.0), (1, 4.9)])
async def test_the_caller_waits_and_is_not_asked(
    hangs: int, opening: float, autojump_clock: trio.testing.MockClock
) -> None:
    recognizer = HangingRecognizer(ScriptedRecognizer([ASKED]), hangs, opening)
    await check_exchange(replace(Parts(), recognizer=recognizer, voice=StampedVoice(), agent=AGENT), 1.5, 2.0)
