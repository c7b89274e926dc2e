"""The client of Google Speech against our own server in Google's place, and against servers that misbehave."""

import asyncio
import gc
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio
import pytest
import trio

from backends.stt.recognizer import SpeechRecognizer
from callengine.errors import ConfigError, RecognizerError
from callengine.ports.recognition import Final, StreamSpec
from callengine.recognisers import check_recognizer
from tests.google_clients import plain, sentences
from tests.misbehaving_speech import misbehaving
from tests.recognizers import NOBODY_THERE, open_google

pytestmark = pytest.mark.integration

ENGLISH = StreamSpec("en-GB")
PATIENCE_SECONDS = 60


async def finals(recognizer: SpeechRecognizer, slin: bytes, hints: tuple[str, ...] = ()) -> str:
    found = []
    with trio.fail_after(PATIENCE_SECONDS):
        async with recognizer.open_stream(ENGLISH, hints) as stream:
            for at in range(0, len(slin), 1600):
                await stream.send(slin[at : at + 1600])
            await stream.finish()
            while (event := await stream.receive()) is not None:
                if isinstance(event, Final):
                    found.append(event.text)
    return " ".join(found)


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_hints_and_every_field_are_taken(version: str, whisper_address: str) -> None:
    clip = sentences("en")[0]
    async with open_google(whisper_address, GOOGLE_STT_API_VERSION=version, STT_ENDPOINTING="SUPERSHORT") as google:
        await google.check()
        text = await finals(google, clip.slin + bytes(16000), ("winter tyres", "Northern Tyres"))
    assert plain(text) != "-"


async def test_a_model_that_is_not_served_is_one_line_at_the_start(whisper_address: str) -> None:
    async with open_google(whisper_address, GOOGLE_STT_MODEL="chirp_9", CALL_LANGUAGE="ru-RU") as google:
        with pytest.raises(ConfigError) as caught:
            await check_recognizer(google, "google")
    assert caught.value.variable == "GOOGLE_STT_MODEL"
    line = str(caught.value)
    assert "\n" not in line
    assert 'INVALID_ARGUMENT: Invalid recognition config: the model "chirp_9" is not served here' in line
    assert "CALL_LANGUAGE=ru-RU, GOOGLE_STT_MODEL=chirp_9, GOOGLE_STT_LOCATION=eu" in line


async def test_a_language_that_is_not_served_is_named(whisper_address: str) -> None:
    async with open_google(whisper_address, CALL_LANGUAGE="qqq-QQ") as google:
        with pytest.raises(ConfigError, match=r'CALL_LANGUAGE=qqq-QQ.*bad language code "qqq-QQ"'):
            await check_recognizer(google, "google")


async def test_nobody_there_is_one_line() -> None:
    async with open_google(NOBODY_THERE) as google:
        with (
            trio.fail_after(PATIENCE_SECONDS),
            pytest.raises(ConfigError, match=r"^GOOGLE_STT_ENDPOINT: Google "),
        ):
            await check_recognizer(google, "google")


async def test_the_configuration_is_asked_for_once() -> None:
    with misbehaving("count") as address:
        async with open_google(address) as google:
            await google.check()
            await google.check()
            assert await answered(google) == "2"  # the trial was the first stream, and the second check opened none


async def test_a_service_that_is_full_has_let_us_in() -> None:
    with misbehaving("full") as address:
        async with open_google(address) as google:
            await google.check()


@pytest.mark.parametrize(
    ("fault", "reason", "retryable"),
    [
        ("duration_v2", "duration", True),
        ("no_audio_v2", "no_audio", True),
        ("full", "overloaded", True),
        ("internal", "broken", True),
        ("denied", "refused", False),
    ],
)
async def test_what_ends_a_stream_has_its_reason(fault: str, reason: str, retryable: bool) -> None:
    with misbehaving(fault) as address:
        async with open_google(address) as google, google.open_stream(ENGLISH) as stream:
            with trio.fail_after(PATIENCE_SECONDS), pytest.raises(RecognizerError) as caught:
                await stream.receive()
            assert (caught.value.reason, caught.value.retryable) == (reason, retryable)
            assert caught.value.ended == (reason in ("duration", "no_audio"))
            with pytest.raises(RecognizerError) as again:  # a sender that comes late learns the same
                await stream.send(bytes(1600))
            assert again.value.reason == reason


async def test_sending_into_a_stream_that_was_closed_in_good_order() -> None:
    with misbehaving("closes") as address:
        async with open_google(address) as google, google.open_stream(ENGLISH) as stream:
            assert await stream.receive() is None
            with pytest.raises(RecognizerError) as caught:
                await stream.send(bytes(1600))
    assert caught.value.ended


async def test_a_final_without_a_time_ends_where_the_audio_does() -> None:
    with misbehaving("timeless") as address:
        async with open_google(address) as google, google.open_stream(ENGLISH) as stream:
            for _ in range(3):
                await stream.send(bytes(1600))
            await stream.finish()
            event = await stream.receive()
    assert isinstance(event, Final)
    assert (event.start, event.end) == (0, 2400)


async def test_no_stream_outlives_its_block() -> None:
    """60 streams left in the middle, in every way there is: none is left on the wire, as an object or as a task."""
    with misbehaving("open_streams") as address:
        async with open_google(address) as google:
            before = await alive(google)
            for number in range(60):
                await leave_in_the_middle(google, number)
            # the server counts its streams; a cancelled one is gone once the cancellation has come over, there and here
            with trio.fail_after(PATIENCE_SECONDS):
                while await answered(google) != "1" or await alive(google) != before:
                    pass


async def leave_in_the_middle(recognizer: SpeechRecognizer, number: int) -> None:
    """Cancelled while it opens, while it receives, or by an error of the block's own."""
    with suppress(LookupError), trio.move_on_after(0.001 if number % 3 == 0 else PATIENCE_SECONDS):
        async with recognizer.open_stream(ENGLISH) as stream:
            await stream.send(bytes(1600))
            if number % 3 == 1:
                raise LookupError
            with trio.move_on_after(0.001):
                await stream.receive()


async def answered(recognizer: SpeechRecognizer) -> str:
    async with recognizer.open_stream(ENGLISH) as stream:
        await stream.send(bytes(1600))
        await stream.finish()
        event = await stream.receive()
    assert isinstance(event, Final)
    return event.text


async def alive(recognizer: SpeechRecognizer) -> tuple[int, int]:
    """Calls and tasks of asyncio that exist, once what is over has been let go."""
    bridge = recognizer.nodes[0].service.bridge
    for _ in range(20):
        await bridge.run(asyncio.sleep, 0)
    gc.collect()
    calls = [thing for thing in gc.get_objects() if isinstance(thing, grpc.aio.StreamStreamCall)]
    return len(calls), len(await bridge.run(_tasks))


async def _tasks() -> set[Any]:
    return asyncio.all_tasks()
