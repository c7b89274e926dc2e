"""What whisper-server refuses: the right status and text, and every other stream unharmed."""

import itertools
import json
import queue
import re
import signal
import socket
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import trustme
from google.api_core import exceptions
from google.cloud import speech_v1, speech_v2
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.google_clients import RECOGNIZER, audio_v2, client_v1, client_v2, config_v1, config_v2, opening_v2, sentences
from tests.plain_asyncio import run_plain
from tests.servers import listening, start_whisper_server, whisper_server

pytestmark = pytest.mark.integration

SILENCE = b"\0" * 1600


@pytest.fixture
def channel(whisper_address: str) -> Iterator[grpc.Channel]:
    """A channel of its own for each test."""
    with grpc.insecure_channel(whisper_address) as channel:
        yield channel


def audio(size: int) -> speech_v2.StreamingRecognizeRequest:
    return speech_v2.StreamingRecognizeRequest(audio=b"\0" * size)


BAD_STREAMS: dict[str, tuple[Callable[[], list[Any]], str]] = {
    "no message": (list, "Expected config none was set"),
    "audio first": (lambda: [audio(1600), opening_v2()], "Expected config none was set"),
    "no config": (lambda: [speech_v2.StreamingRecognizeRequest(recognizer=RECOGNIZER)], "Expected config none was set"),
    "config twice": (lambda: [opening_v2(), audio(1600), opening_v2()], "Send exactly one config"),
    "chunk": (lambda: [opening_v2(), audio(25_601)], "can be of a maximum of 25600 bytes. Received audio of 25601"),
    "rate": (lambda: [opening_v2(config_v2(rate=44_100))], "sample_rate_hertz 44100 is not supported; use 8000 or"),
    "model": (lambda: [opening_v2(config_v2(model="nova-3"))], 'the model "nova-3" is not served here; use "base"'),
    "language": (lambda: [opening_v2(config_v2(language="xx-YY"))], 'bad language code "xx-YY"'),
    "encoding": (lambda: [opening_v2(config_v2(encoding=8))], "encoding 8 is not supported; use LINEAR16, MULAW, ALAW"),
    "no decoding": (
        lambda: [opening_v2(speech_v2.RecognitionConfig(auto_decoding_config=speech_v2.AutoDetectDecodingConfig()))],
        "explicit_decoding_config is missing",
    ),
}


@pytest.mark.parametrize("case", BAD_STREAMS)
def test_a_bad_stream_is_an_invalid_argument(channel: grpc.Channel, case: str) -> None:
    requests, says = BAD_STREAMS[case]
    with pytest.raises(exceptions.InvalidArgument) as refusal:
        list(client_v2(channel).streaming_recognize(requests=iter(requests()), timeout=60))
    assert says in refusal.value.message


def test_no_bad_stream_harms_another(channel: grpc.Channel) -> None:
    other = OpenStream(channel, sentences("ru")[0].slin)
    for requests, _ in BAD_STREAMS.values():
        with pytest.raises(exceptions.InvalidArgument):
            list(client_v2(channel).streaming_recognize(requests=iter(requests()), timeout=60))
    assert len(other.end()) == 1


def test_v1_refuses_in_the_same_words(channel: grpc.Channel) -> None:
    streaming = speech_v1.StreamingRecognitionConfig(config=config_v1(sample_rate_hertz=44_100))
    with pytest.raises(exceptions.InvalidArgument, match="sample_rate_hertz 44100 is not supported"):
        list(client_v1(channel).streaming_recognize(streaming, iter([]), retry=None, timeout=60))


def test_the_largest_chunk_is_taken(channel: grpc.Channel) -> None:
    assert list(client_v2(channel).streaming_recognize(requests=iter([opening_v2(), audio(25_600)]), timeout=60)) == []


def test_a_message_beyond_grpcs_limit_is_refused_and_harms_nobody(channel: grpc.Channel) -> None:
    # 4 MB, before anything reads it; on the same connection as the stream that goes on.
    other = OpenStream(channel, sentences("ru")[0].slin)
    beyond = speech_v2.RecognizeRequest(recognizer=RECOGNIZER, config=config_v2(), content=b"\0" * 4_000_000)
    for send in (
        lambda: list(
            client_v2(channel).streaming_recognize(requests=iter([opening_v2(), audio(4_000_000)]), timeout=60)
        ),
        lambda: client_v2(channel).recognize(request=beyond, timeout=60),
    ):
        with pytest.raises(exceptions.ResourceExhausted, match="larger than max"):
            send()
    assert len(other.end()) == 1


class OpenStream:
    """A stream in which somebody spoke, and which stays open until told to end; known to have been admitted."""

    def __init__(self, channel: grpc.Channel, slin: bytes) -> None:
        self._requests: queue.Queue[Any] = queue.Queue()
        # Google's client returns from the call only with the first response: all this has to be under way before.
        for message in (opening_v2(enable_voice_activity_events=True), *audio_v2(slin)):
            self._requests.put(message)
        self._responses = client_v2(channel).streaming_recognize(requests=iter(self._requests.get, None), timeout=300)
        assert next(self._responses).speech_event_type

    def end(self) -> list[str]:
        """Half-close; return the texts of the finals."""
        self._requests.put(None)
        return [result.alternatives[0].transcript for response in self._responses for result in response.results]


def test_one_stream_too_many_is_refused_and_the_others_go_on(channel: grpc.Channel) -> None:
    clip = sentences("ru")[0]
    streams = [OpenStream(channel, clip.slin) for _ in range(4)]
    with pytest.raises(exceptions.ResourceExhausted, match="All 4 streams are in use"):
        list(client_v2(channel).streaming_recognize(requests=iter([opening_v2()]), timeout=60))
    texts = [text for stream in streams for text in stream.end()]
    assert len(texts) == 4
    assert len(set(texts)) == 1
    assert list(client_v2(channel).streaming_recognize(requests=iter([opening_v2()]), timeout=60)) == []


def test_a_client_that_does_not_read_harms_nobody(channel: grpc.Channel, whisper_address: str) -> None:
    clip = sentences("ru")[0]
    flood = itertools.cycle([clip.slin + SILENCE * 10])
    stopped = threading.Event()

    def endless() -> Iterator[speech_v2.StreamingRecognizeRequest]:
        yield opening_v2(interim_results=True, enable_voice_activity_events=True)
        for slin in flood:
            for message in audio_v2(slin):
                if stopped.is_set():
                    return
                yield message

    with grpc.insecure_channel(whisper_address) as other:
        deaf = client_v2(other).streaming_recognize(requests=endless(), timeout=60)
        next(iter(deaf))
        requests = itertools.chain([opening_v2()], audio_v2(clip.slin + SILENCE * 10))
        responses = list(client_v2(channel).streaming_recognize(requests=requests, timeout=60))
        assert [result.is_final for response in responses for result in response.results] == [True]
        stopped.set()
        deaf.cancel()


def test_the_token_guards_speech_and_not_health(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("right")
    (tmp_path / "token").chmod(0o600)
    with (
        whisper_server(WHISPER_TOKEN_FILE=str(tmp_path / "token")) as address,
        grpc.insecure_channel(address) as channel,
    ):
        client = client_v2(channel)
        for metadata in ((), (("authorization", "Bearer wrong"),), (("authorization", "right"),)):
            with pytest.raises(exceptions.Unauthenticated, match="bearer token is missing or wrong"):
                list(client.streaming_recognize(requests=iter([opening_v2()]), timeout=60, metadata=metadata))
        right = (("authorization", "Bearer right"),)
        assert list(client.streaming_recognize(requests=iter([opening_v2()]), timeout=60, metadata=right)) == []
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=60)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_plaintext_to_a_tls_port_is_unavailable_and_tls_is_served(tmp_path: Path) -> None:
    authority = trustme.CA()
    pair = authority.issue_cert("localhost")
    pair.private_key_pem.write_to_path(tmp_path / "key")
    (tmp_path / "key").chmod(0o600)
    pair.cert_chain_pems[0].write_to_path(tmp_path / "certificate")
    files = {"WHISPER_TLS_CERT": str(tmp_path / "certificate"), "WHISPER_TLS_KEY": str(tmp_path / "key")}
    with whisper_server(**files) as address:
        with grpc.insecure_channel(address) as plaintext, pytest.raises(exceptions.ServiceUnavailable):
            list(client_v2(plaintext).streaming_recognize(requests=iter([opening_v2()]), timeout=60))
        credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
        with grpc.secure_channel(f"localhost:{address.rpartition(':')[2]}", credentials) as secure:
            assert list(client_v2(secure).streaming_recognize(requests=iter([opening_v2()]), timeout=60)) == []


async def refusals_of_streams_at_once(address: str, count: int) -> Counter[grpc.StatusCode]:
    """Open so many in one moment, none of which says anything; return how they ended."""
    async with grpc.aio.insecure_channel(address) as channel:
        open_one: Any = channel.stream_stream("/google.cloud.speech.v2.Speech/StreamingRecognize")
        calls = [open_one(timeout=240) for _ in range(count)]
        return Counter([await call.code() for call in calls])


def test_thousands_of_streams_at_once_are_told_why_and_the_one_before_them_goes_on() -> None:
    # More than the 3,000 beyond which gRPC by itself cancels all that wait; the one before may be long without audio.
    many = 10_000
    with (
        whisper_server(WHISPER_MAX_STREAMS="1", WHISPER_FAULTS="no_audio=600") as address,
        grpc.insecure_channel(address) as channel,
    ):
        stream = OpenStream(channel, sentences("ru")[0].slin)
        refusals = run_plain(refusals_of_streams_at_once(address, many))
        assert refusals == {grpc.StatusCode.RESOURCE_EXHAUSTED: many}
        assert len(stream.end()) == 1


def test_sigterm_drains() -> None:
    with start_whisper_server(WHISPER_DRAIN_SECONDS="30") as process:
        with grpc.insecure_channel(listening(process)) as channel:
            stream = OpenStream(channel, sentences("ru")[0].slin)
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=60)
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
            process.send_signal(signal.SIGTERM)
            assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
            with pytest.raises(exceptions.ServiceUnavailable, match="shutting down"):
                list(client_v2(channel).streaming_recognize(requests=iter([opening_v2()]), timeout=60))
            assert len(stream.end()) == 1
        assert process.wait(timeout=60) == 0


def test_it_ends_with_its_parent() -> None:
    with start_whisper_server() as process:
        listening(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def test_a_port_in_use_is_one_line_and_status_2() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with start_whisper_server(WHISPER_LISTEN=f"127.0.0.1:{port}") as process:
            out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")


def test_metrics() -> None:
    with start_whisper_server(WHISPER_METRICS_PORT="0") as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        with grpc.insecure_channel(ready["listening"]) as channel:
            requests = itertools.chain([opening_v2()], audio_v2(sentences("ru")[0].slin))
            list(client_v2(channel).streaming_recognize(requests=requests, timeout=60))
        with urllib.request.urlopen(f"http://127.0.0.1:{ready['metrics']}/metrics", timeout=60) as answer:
            shown = answer.read().decode()
    assert "whisper_time_to_final_seconds_count 1.0" in shown
    assert "whisper_streams_active 0.0" in shown
    assert "whisper_queue_depth 0.0" in shown
    batches = re.search(r"^whisper_batch_size_count (\S+)", shown, re.MULTILINE)
    assert batches is not None
    assert float(batches.group(1)) >= 1
