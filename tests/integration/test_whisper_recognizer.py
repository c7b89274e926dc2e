"""The engine's own client against a real whisper-server: recorded speech, and every way it can be refused."""

import jiwer
import pytest
import trio

from callengine.errors import ConfigError, RecognizerError
from callengine.ports.recognition import Final, Recognizer, RecognizerStream, StreamSpec
from callengine.recognisers import check_recognizer
from tests.google_clients import plain, sentences
from tests.recognizers import NOBODY_THERE, open_whisper
from tests.servers import listening, start_whisper_server, whisper_server

pytestmark = pytest.mark.integration

RATE = 8000
CHUNK = 1600
ENGLISH = StreamSpec("en-GB", RATE)
PAUSE = bytes(2 * RATE)
PATIENCE_SECONDS = 120


async def send(stream: RecognizerStream, slin: bytes) -> None:
    for at in range(0, len(slin), CHUNK):
        await stream.send(slin[at : at + CHUNK])


async def text_of(recognizer: Recognizer, language: str, slin: bytes) -> str:
    """What is recognised of one stream; sending and receiving at once, as a call does."""
    finals: list[str] = []
    with trio.fail_after(PATIENCE_SECONDS):
        async with recognizer.open_stream(StreamSpec(language, RATE)) as stream, trio.open_nursery() as nursery:

            async def speak() -> None:
                await send(stream, slin)
                await stream.finish()

            nursery.start_soon(speak)
            while (event := await stream.receive()) is not None:
                if isinstance(event, Final):
                    finals.append(event.text)
    return " ".join(finals)


# The base model measures 24 % and 0 %; a wrong rate, window or language gives 50 % and more.
@pytest.mark.parametrize(("language", "count", "most_wrong"), [("ru-RU", 15, 0.35), ("en-GB", 10, 0.15)])
async def test_recorded_speech_is_understood(
    language: str, count: int, most_wrong: float, whisper_address: str
) -> None:
    clips = sentences(language[:2])[:count]
    async with open_whisper(f"grpc://{whisper_address}") as recognizer:
        text = await text_of(recognizer, language, PAUSE + b"".join(clip.slin + PAUSE for clip in clips))
    wrong = jiwer.wer(plain(" ".join(clip.text for clip in clips)), plain(text))
    assert wrong < most_wrong


async def read_to_end(stream: RecognizerStream) -> None:
    with trio.fail_after(PATIENCE_SECONDS):
        while await stream.receive() is not None:
            pass


async def hear_nothing(recognizer: Recognizer) -> None:
    """A stream without audio: a refusal may meet its opening or the first look for a result."""
    async with recognizer.open_stream(ENGLISH) as stream:
        await read_to_end(stream)


async def test_a_server_killed_in_mid_stream_is_worth_another_try() -> None:
    with start_whisper_server() as process:
        async with open_whisper(f"grpc://{listening(process)}") as recognizer:
            async with recognizer.open_stream(ENGLISH) as stream:
                await send(stream, sentences("en")[0].slin)
                assert await stream.receive() is not None
                process.kill()
                with pytest.raises(RecognizerError, match="UNAVAILABLE") as caught:
                    await read_to_end(stream)
            assert caught.value.retryable
            with pytest.raises(RecognizerError) as caught:
                await recognizer.check()
            assert caught.value.retryable


async def test_a_wrong_token_is_not_worth_another_try() -> None:
    with whisper_server(WHISPER_TOKEN="right") as address:
        async with open_whisper(f"grpc://{address}", WHISPER_TOKEN="right") as recognizer:
            assert plain(await text_of(recognizer, "en-GB", sentences("en")[0].slin + PAUSE)) != "-"
        async with open_whisper(f"grpc://{address}", WHISPER_TOKEN="wrong") as recognizer:
            with pytest.raises(RecognizerError, match=r"^whisper-server at \S+: UNAUTHENTICATED: .*TOKEN") as caught:
                await hear_nothing(recognizer)
            assert not caught.value.retryable


async def test_a_wrong_token_ends_the_start() -> None:
    with whisper_server(WHISPER_TOKEN="right") as address:
        async with open_whisper(f"grpc://{address}", WHISPER_TOKEN="right") as recognizer:
            await recognizer.check()
        async with open_whisper(f"grpc://{address}") as recognizer:
            with pytest.raises(ConfigError, match=r"^WHISPER_TOKEN: .*UNAUTHENTICATED") as caught:
                await check_recognizer(recognizer, "whisper")
    assert "\n" not in str(caught.value)


async def test_of_two_servers_the_living_one_is_used(caplog: pytest.LogCaptureFixture) -> None:
    with start_whisper_server() as first, start_whisper_server() as second:
        addresses = [listening(first), listening(second)]
        async with open_whisper(",".join(f"grpc://{address}" for address in addresses)) as recognizer:
            await recognizer.check()
            async with recognizer.open_stream(ENGLISH), recognizer.open_stream(ENGLISH):
                assert [node.streams for node in recognizer.nodes] == [1, 1]
            second.kill()
            second.wait()
            await recognizer.check()
            assert "recogniser_node_away" in caplog.text
            clip = sentences("en")[0]
            texts = [await text_of(recognizer, "en-GB", clip.slin + PAUSE) for _ in range(3)]
            assert {plain(text) for text in texts} != {""}
            first.kill()
            with pytest.raises(RecognizerError, match="UNAVAILABLE"):
                await recognizer.check()


async def test_one_stream_too_many_is_worth_another_try() -> None:
    with whisper_server(WHISPER_MAX_STREAMS="1") as address:
        async with open_whisper(f"grpc://{address}") as recognizer, recognizer.open_stream(ENGLISH) as stream:
            await send(stream, sentences("en")[0].slin + PAUSE)
            assert await stream.receive() is not None
            with pytest.raises(RecognizerError, match="RESOURCE_EXHAUSTED") as caught:
                await hear_nothing(recognizer)
    assert caught.value.retryable


async def test_nobody_there_is_one_line() -> None:
    async with open_whisper(f"grpc://{NOBODY_THERE}") as recognizer:
        with pytest.raises(RecognizerError, match=f"^whisper-server at {NOBODY_THERE}: UNAVAILABLE: ") as caught:
            await recognizer.check()
        assert caught.value.retryable
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost:1", "grpc://localhost", "grpc://localhost:http", "localhost:8443"])
async def test_a_wrong_url_is_named(url: str) -> None:
    named = pytest.RaisesExc(ConfigError, match=r"^WHISPER_URL: must be grpc://host:port or grpcs://host:port, not ")
    with pytest.RaisesGroup(named, flatten_subgroups=True):
        async with open_whisper(url):
            pytest.fail("it was opened")
