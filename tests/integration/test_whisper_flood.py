"""Ten thousand streams at once: more than whisper-server has places for, and quicker than any of them may time out."""

import asyncio
import itertools
from typing import Any

import grpc
import grpc.aio
import pytest

from tests.google_clients import sentences
from tests.integration.test_whisper_server_refusals import OpenStream
from tests.plain_asyncio import run_plain

# A stream that has a place and says nothing is let go after ten seconds, as Google's: all must have come before that.
pytestmark = [pytest.mark.integration, pytest.mark.quiet]


async def refusals_of_10_000_streams(address: str, places: int) -> set[grpc.StatusCode]:
    """Open so many at once, none of which says anything; return how all ended but as many as there are places."""
    async with grpc.aio.insecure_channel(address) as channel:
        open_one: Any = channel.stream_stream("/google.cloud.speech.v2.Speech/StreamingRecognize")
        calls = [open_one(timeout=60) for _ in range(10_000)]
        codes = [asyncio.create_task(call.code()) for call in calls]
        ended = {await code for code in itertools.islice(asyncio.as_completed(codes), len(codes) - places)}
        for call in calls:
            call.cancel()
        await asyncio.gather(*codes)
    return ended


def test_ten_thousand_streams_at_once_are_refused_and_the_one_before_them_goes_on(whisper_address: str) -> None:
    with grpc.insecure_channel(whisper_address) as channel:
        stream = OpenStream(channel, sentences("ru")[0].slin)
        refusals = run_plain(refusals_of_10_000_streams(whisper_address, places=3))
        # CANCELLED: while thousands wait, gRPC's own core turns some of them away before the server sees them.
        assert grpc.StatusCode.RESOURCE_EXHAUSTED in refusals
        assert refusals <= {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.CANCELLED}
        assert len(stream.end()) == 1
