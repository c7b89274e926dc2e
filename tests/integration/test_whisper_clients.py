"""Google's async clients, v1 and v2, against whisper-server; each as Google documents it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc.aio
import jiwer
import pytest
from google.cloud import speech_v1

from tests.google_clients import async_client_v1, async_client_v2, audio_v2, config_v1, opening_v2, plain, sentences
from tests.plain_asyncio import run_plain

pytestmark = pytest.mark.integration

CLIP = sentences("ru")[0]
AUDIO = CLIP.slin + b"\0" * 16_000
MOST_WORDS_WRONG = 0.35


async def v1_requests() -> AsyncIterator[Any]:  # noqa: ASYNC900  (what the client takes)
    yield speech_v1.StreamingRecognizeRequest(
        streaming_config=speech_v1.StreamingRecognitionConfig(config=config_v1(), interim_results=True)
    )
    for request in audio_v2(AUDIO):
        yield speech_v1.StreamingRecognizeRequest(audio_content=request.audio)


async def v2_requests() -> AsyncIterator[Any]:  # noqa: ASYNC900  (as above)
    yield opening_v2(interim_results=True)
    for request in audio_v2(AUDIO):
        yield request


async def through_v1(channel: grpc.aio.Channel) -> Any:
    return await async_client_v1(channel).streaming_recognize(requests=v1_requests(), retry=None, timeout=60)


async def through_v2(channel: grpc.aio.Channel) -> Any:
    return await async_client_v2(channel).streaming_recognize(requests=v2_requests(), timeout=60)


@pytest.mark.parametrize("stream", [through_v1, through_v2])
def test_the_async_client_hears_what_was_said(
    whisper_address: str, stream: Callable[[grpc.aio.Channel], Awaitable[Any]]
) -> None:
    async def run() -> list[str]:
        async with grpc.aio.insecure_channel(whisper_address) as channel:
            responses = await stream(channel)
            return [
                result.alternatives[0].transcript
                async for response in responses
                for result in response.results
                if result.is_final
            ]

    [text] = run_plain(run())
    assert jiwer.wer(plain(CLIP.text), plain(text)) < MOST_WORDS_WRONG
