"""whisper-server as the stand-in for Google: each fault as a Google client meets it."""

import itertools
import threading
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import speech_v1

from tests.conftest import ExpectErrorLog
from tests.google_clients import audio_v2, client_v1, client_v2, config_v1, opening_v2, sentences
from tests.servers import whisper_server

pytestmark = pytest.mark.integration

SPOKEN = sentences("ru")[0].slin
PAUSE = b"\0" * 16_000
LATE_SECONDS = 1.5


def recognize(channel: grpc.Channel, slin: bytes = SPOKEN + PAUSE, timeout: float = 60) -> list[Any]:
    requests = itertools.chain([opening_v2()], audio_v2(slin))
    return [
        result.alternatives[0].transcript
        for response in client_v2(channel).streaming_recognize(requests=requests, timeout=timeout)
        for result in response.results
    ]


def test_the_five_minutes_of_google_at_a_chosen_length_for_the_first_streams() -> None:
    with whisper_server(WHISPER_FAULTS="limit=1,streams=2") as address, grpc.insecure_channel(address) as channel:
        with pytest.raises(exceptions.Aborted, match=r"Max duration of 5 minutes reached for stream\."):
            recognize(channel)
        chunks = (speech_v1.StreamingRecognizeRequest(audio_content=request.audio) for request in audio_v2(SPOKEN))
        streaming = speech_v1.StreamingRecognitionConfig(config=config_v1())
        with pytest.raises(exceptions.OutOfRange, match="Exceeded maximum allowed stream duration of 305 seconds"):
            list(client_v1(channel).streaming_recognize(streaming, chunks, retry=None, timeout=60))
        assert len(recognize(channel)) == 1


def test_no_audio_for_a_chosen_time() -> None:
    with whisper_server(WHISPER_FAULTS="no_audio=0.2") as address, grpc.insecure_channel(address) as channel:
        ended = threading.Event()

        def stalling() -> Any:
            yield opening_v2()
            yield from audio_v2(PAUSE)
            assert ended.wait(60)

        with pytest.raises(exceptions.Aborted, match="Stream timed out after receiving no more client requests"):
            list(client_v2(channel).streaming_recognize(requests=stalling(), timeout=60))
        ended.set()


def test_a_stream_that_hangs_says_nothing_and_never_ends() -> None:
    with (
        whisper_server(WHISPER_FAULTS="hang=0") as address,
        grpc.insecure_channel(address) as channel,
        pytest.raises(exceptions.DeadlineExceeded),
    ):
        recognize(channel, timeout=3)


def test_unavailable_after_some_messages() -> None:
    with whisper_server(WHISPER_FAULTS="unavailable=5,streams=1") as address, grpc.insecure_channel(address) as channel:
        with pytest.raises(exceptions.ServiceUnavailable):
            recognize(channel)
        assert len(recognize(channel)) == 1


def test_a_response_that_is_no_message(expect_error_log: ExpectErrorLog) -> None:
    with (
        whisper_server(WHISPER_FAULTS="garbage=3") as address,
        grpc.insecure_channel(address) as channel,
        expect_error_log("Exception deserializing message"),
        pytest.raises(exceptions.InternalServerError, match="deserializing"),
    ):
        recognize(channel)


def test_finals_that_come_late() -> None:
    with whisper_server(WHISPER_FAULTS="slow_finals=600") as address, grpc.insecure_channel(address) as channel:
        requests = itertools.chain([opening_v2(enable_voice_activity_events=True)], audio_v2(SPOKEN + PAUSE))
        responses = client_v2(channel).streaming_recognize(requests=requests, timeout=60)
        seen = [next(responses).speech_event_type.name for _ in range(2)]
        assert seen == ["SPEECH_ACTIVITY_BEGIN", "SPEECH_ACTIVITY_END"]
        giving_up = threading.Timer(LATE_SECONDS, responses.cancel)
        giving_up.start()
        with pytest.raises(exceptions.Cancelled):
            next(responses)
        giving_up.join()
