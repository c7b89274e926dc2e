"""Everything slow at once: the stream has no gap, the answer is whole, and the dialog is told what was heard."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace

import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.dialog.fixed import ScriptedDialog
from backends.stt.scripted import ScriptedRecognizer
from callengine.ports.reasoning import AgentSaid, CallerSaid, Dialog, HistoryItem, Reply, ReplyRequest
from callengine.ports.tools import ToolCall, ToolResult
from tests.sim.call import Parts, Stage, open_stage, run_virtual
from tests.sim.checks import check_call, said, spoken_frames
from tests.sim.plays import AGENT, Delays, rich_parts, speak_all
from tests.sim.stamped import StampedVoice, read_stamp

ANSWER = "Да, есть зимние шины на любой вкус. Какой вам нужен размер? Посмотрю на складе."
slow = st.builds(
    Delays,
    recognizer=st.floats(0.0, 1.0),  # TurnTimes.final_wait bounds what a caller is made to wait
    interims=st.sampled_from((0.0, 0.2)),
    dialog=st.floats(0.0, 15.0),
    words=st.floats(0.0, 0.4),
    voice=st.floats(0.0, 8.0),
    chunks=st.floats(0.0, 1.0),  # five times slower than it is heard
)


@dataclass
class Listening:
    """A dialog backend that keeps what it was asked."""

    inner: Dialog
    asked: list[tuple[HistoryItem, ...]] = field(default_factory=list)

    async def check(self) -> None:
        await self.inner.check()

    def open_reply(self, request: ReplyRequest) -> AbstractAsyncContextManager[Reply]:
        self.asked.append(request.history)
        return self.inner.open_reply(request)


async def heard_to_its_end(stage: Stage, voice: StampedVoice, end: str) -> None:
    """Wait until a prompt that ends so has been heard to its last frame."""
    seen = 0
    while True:
        for message in stage.asterisk.sent[seen:]:
            stamp = read_stamp(message.payload)
            if stamp and voice.texts[stamp.number].endswith(end) and stamp.index == len(voice.texts[stamp.number]) - 1:
                return
        seen = len(stage.asterisk.sent)
        await trio.sleep(0.5)


async def wait_for_the_answer(parts: Parts, voice: StampedVoice) -> None:
    async with open_stage(parts) as stage:
        await trio.sleep(1.0)
        await stage.asterisk.speak(0.5)
        await heard_to_its_end(stage, voice, "складе.")
        await trio.sleep(voice.chunk_delay_seconds + 0.1)  # until the voice has said that this was all
        stage.asterisk.hang_up()
    check_call(stage, voice)
    assert [part.whole for part in spoken_frames(stage, voice)] == [True] * len(spoken_frames(stage, voice))
    assert said(stage)[1:] == [("caller", "есть зимние шины?", False), ("agent", ANSWER, False)]


@settings(max_examples=25, deadline=None)
@given(slow)
def test_the_whole_answer_is_heard_however_slow_it_is(delays: Delays) -> None:
    voice = StampedVoice(first_delay_seconds=delays.voice, chunk_samples=1600, chunk_delay_seconds=delays.chunks)
    parts = replace(rich_parts(delays), voice=voice)
    dialog = ScriptedDialog((ANSWER,), first_delay_seconds=delays.dialog, delta_delay_seconds=delays.words)
    run_virtual(wait_for_the_answer, replace(parts, dialog=dialog), voice)


async def ask_on(patience: float, thinks: float) -> None:
    """The caller asks, waits for so long, and asks on before the dialog has said a word."""
    dialog = Listening(ScriptedDialog(("Отвечаю на всё сразу.",), first_delay_seconds=thinks))
    voice = StampedVoice()
    recognizer = ScriptedRecognizer(["есть зимние шины", "на семнадцать?"])
    parts = Parts(recognizer=recognizer, dialog=dialog, voice=voice, agent=AGENT)
    async with open_stage(parts) as stage:
        await trio.sleep(1.0)
        await stage.asterisk.speak(0.5)
        await trio.sleep(patience)
        await stage.asterisk.speak(0.5)
        await stage.asterisk.agent_speaks()
        await stage.asterisk.agent_silent()
        stage.asterisk.hang_up()
    check_call(stage, voice)
    whole = "есть зимние шины на семнадцать?"
    assert said(stage)[1:] == [("caller", whole, False), ("agent", "Отвечаю на всё сразу.", False)]
    assert dialog.asked[-1] == (AgentSaid(AGENT.greeting), CallerSaid(whole))


@settings(max_examples=25, deadline=None)
@given(st.floats(0.6, 4.0), st.floats(0.5, 6.0))
def test_a_dialog_slower_than_the_caller_is_asked_everything_at_once(patience: float, slower: float) -> None:
    run_virtual(ask_on, patience, patience + slower)


async def converse(delays: Delays) -> None:
    parts = rich_parts(delays)
    dialog = Listening(parts.dialog)
    async with open_stage(replace(parts, dialog=dialog)) as stage, trio.open_nursery() as caller:
        caller.start_soon(speak_all, stage.asterisk)
        with trio.move_on_after(60.0):
            await stage.ended.wait()
        caller.cancel_scope.cancel("the play is over")
        if not stage.ended.is_set():
            stage.asterisk.hang_up()
    assert isinstance(parts.voice, StampedVoice)
    check_call(stage, parts.voice)
    recorded = [turn[1:] for turn in said(stage) if turn[0] == "agent"]
    for history in dialog.asked:
        assert isinstance(history[0], AgentSaid)
        # what was drafted of the answer being made may stand behind its tool results; it is not heard yet
        settled = history[:-1] if isinstance(history[-1], AgentSaid) else history
        told = [(item.text, item.interrupted) for item in settled if isinstance(item, AgentSaid)]
        assert told == recorded[: len(told)], "the dialog was told what nobody heard"
        calls = [item.id for item in history if isinstance(item, ToolCall)]
        assert calls == [item.id for item in history if isinstance(item, ToolResult)]


@settings(max_examples=25, deadline=None)
@given(slow)
def test_the_dialog_is_told_what_was_heard(delays: Delays) -> None:
    run_virtual(converse, delays)
