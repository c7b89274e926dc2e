"""A recogniser that says things twice: the caller's words are in the record once, in the agent's turn or over it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.dialog.fixed import ScriptedDialog
from backends.stt.scripted import LIMITS, ScriptedRecognizer
from callengine.ports.recognition import Final, Interim, RecognizerEvent, RecognizerStream, StreamLimits, StreamSpec
from tests.sim.call import Parts, open_stage, run_virtual
from tests.sim.checks import check_call, said
from tests.sim.plays import AGENT
from tests.sim.stamped import StampedVoice

ANSWER = "Это очень длинный ответ, который никто не дослушает до самого конца, и ещё немного о погоде за окном."


@dataclass(slots=True)
class RepeatingRecognizer:
    """Around each final of `inner`: an interim that reaches `early` samples into the silence behind it, and after it a
    late interim and the same final again, as a stream does that replayed it, `moved` samples later."""

    inner: ScriptedRecognizer
    early: int
    moved: int
    limits: StreamLimits = LIMITS

    async def check(self) -> None:
        await self.inner.check()

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        async with self.inner.open_stream(spec, hints) as stream:
            yield _Repeating(self, stream)


@dataclass(slots=True)
class _Repeating:
    recognizer: RepeatingRecognizer
    inner: RecognizerStream
    owed: list[RecognizerEvent] = field(default_factory=list)

    async def send(self, slin: bytes) -> None:
        await self.inner.send(slin)

    async def finish(self) -> None:
        await self.inner.finish()

    async def receive(self) -> RecognizerEvent | None:
        if not self.owed:
            event = await self.inner.receive()
            if not isinstance(event, Final):
                return event
            self.owed = self._around(event)
        await trio.sleep(0.01)
        return self.owed.pop(0)

    def _around(self, final: Final) -> list[RecognizerEvent]:
        moved = self.recognizer.moved
        again = replace(final, start=final.start + moved, end=final.end + moved)
        early = Interim(final.text, 0.9, final.end + self.recognizer.early)
        return [early, final, Interim(final.text, 0.9, final.end + moved), again]


async def play(early: int, moved: int, over: bool) -> None:
    voice, words = StampedVoice(), ("есть шины?", "Нет, спасибо, не надо.")
    parts = Parts(
        recognizer=RepeatingRecognizer(ScriptedRecognizer(words), early, moved),
        voice=voice,
        agent=AGENT,
        dialog=ScriptedDialog((ANSWER, "Хорошо.")),
    )
    async with open_stage(parts) as stage:
        await trio.sleep(1.0)
        await stage.asterisk.speak(0.8)
        await stage.asterisk.agent_speaks()
        if not over:
            await stage.asterisk.agent_silent()
        await trio.sleep(0.5)
        await stage.asterisk.speak(1.0)
        await trio.sleep(3.0)
        stage.asterisk.hang_up()
    check_call(stage, voice)
    assert [text for role, text, _ in said(stage) if role == "caller"] == list(words)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3000), st.integers(0, 1100), st.booleans())  # moved by less than NEW_SECONDS
def test_words_said_over_the_agent_are_recorded_once(early: int, moved: int, over: bool) -> None:
    run_virtual(play, early, moved, over)
