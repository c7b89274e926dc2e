"""The process that speaks, when it dies, hangs or cannot start."""

import os
import signal
import sys

import pytest
import trio
import trio.testing

from backends.tts.espeak import MOST_WAITING, EspeakVoice
from backends.tts.espeak_frames import SpeakRequest
from backends.tts.espeak_process import WorkerGoneError, open_speaking_process
from callengine.errors import SynthesisError
from callengine.ports.synthesis import Prompt
from callengine.voice.speech import speak_whole

PROMPT = Prompt("The order is ready.", "en-GB")


async def test_a_process_that_was_killed_is_started_again_and_no_prompt_is_lost() -> None:
    async with open_speaking_process() as process, trio.open_nursery() as nursery:
        voice = EspeakVoice(process)
        nursery.start_soon(voice.run)
        before = await speak_whole(voice, PROMPT)
        first = process.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        after = await speak_whole(voice, PROMPT)
        assert process.pid not in (None, first)
        assert len(after.slin) == pytest.approx(len(before.slin), rel=0.01)
        nursery.cancel_scope.cancel()


async def test_nothing_of_it_is_left_behind() -> None:
    async with open_speaking_process() as process:
        await process.ask(SpeakRequest("hello", "en-GB", "en", 1.0))
        pid = process.pid
    assert pid is not None
    assert process.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_process_that_cannot_start_is_a_named_error_for_every_prompt() -> None:
    command = (sys.executable, "-c", "raise SystemExit(3)")
    async with open_speaking_process(command) as process, trio.open_nursery() as nursery:
        voice = EspeakVoice(process)
        nursery.start_soon(voice.run)
        for _ in range(2):
            with pytest.raises(WorkerGoneError) as caught:
                await speak_whole(voice, PROMPT)
            assert caught.value.retryable
        nursery.cancel_scope.cancel()


async def test_the_queue_is_bounded() -> None:
    async with open_speaking_process() as process:
        voice = EspeakVoice(process)  # and nobody runs it

        async def wait(prompt: Prompt) -> None:
            async with voice.open_speech(prompt) as stream:
                await stream.receive()

        async with trio.open_nursery() as nursery:
            for _ in range(MOST_WAITING):
                nursery.start_soon(wait, PROMPT)
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(SynthesisError, match="waiting already"):
                await wait(PROMPT)
            nursery.cancel_scope.cancel()
