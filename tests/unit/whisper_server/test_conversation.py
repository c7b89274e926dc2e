"""The patience of a stream: with a client that sends nothing, and with one that reads nothing."""

import asyncio
from typing import Any

import grpc
import pytest
from whisper_server import conversation, dialect_v1, dialect_v2
from whisper_server.audio import Encoding
from whisper_server.conversation import Conversation, Wire
from whisper_server.dialect import Dialect
from whisper_server.errors import Refused
from whisper_server.faults import HEALTHY, Faults, StreamFaults
from whisper_server.request import Request
from whisper_server.session import Session
from whisper_server.vad import VoiceDetection

from tests.google_clients import sentences
from tests.plain_asyncio import run_plain


class Stuck:
    """A context whose client stops: reading gives `messages` and then waits for ever, as every write does."""

    def __init__(self, *messages: Any) -> None:
        self._messages = list(messages)

    async def read(self) -> Any:
        if self._messages:
            return self._messages.pop(0)
        return await asyncio.get_running_loop().create_future()

    async def write(self, _response: Any) -> None:
        await asyncio.get_running_loop().create_future()


class NoModel:
    """A line that never moves."""

    def submit(self, _utterance: Any, _urgency: Any) -> Any:
        return asyncio.get_running_loop().create_future()

    def confirm(self, _decoded: Any) -> None:
        """Nothing moves."""

    drop = confirm


@pytest.mark.parametrize(
    ("dialect", "code", "says"),
    [
        (dialect_v1, grpc.StatusCode.OUT_OF_RANGE, "Audio Timeout Error: Long duration elapsed without audio."),
        (dialect_v2, grpc.StatusCode.ABORTED, "Stream timed out after receiving no more client requests."),
    ],
)
def test_no_audio_ends_with_googles_words(dialect: Dialect, code: grpc.StatusCode, says: str) -> None:
    context: Any = Stuck()
    with pytest.raises(Refused) as refusal:
        run_plain(conversation.read(Wire(dialect, context, StreamFaults(Faults(no_audio=0), dialect.TOO_LONG, 0.0))))
    assert refusal.value.code == code
    assert refusal.value.text.startswith(says)


def test_results_that_nobody_reads_end_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "UNREAD_SECONDS", 0)

    async def run() -> None:
        slin = sentences("ru")[0].slin[:25_600]
        context: Any = Stuck(dialect_v2.StreamingRequest(audio=slin))
        request = Request(Encoding.LINEAR16, 8000, ("ru",), voice_events=True)
        wire = Wire(dialect_v2, context, StreamFaults(HEALTHY, dialect_v2.TOO_LONG, 0.0))
        await Conversation(wire, request, Session(request, NoModel()), VoiceDetection()).run()

    with pytest.raises(Refused, match="has not read its results") as refusal:
        run_plain(run())
    assert refusal.value.code == grpc.StatusCode.DEADLINE_EXCEEDED
