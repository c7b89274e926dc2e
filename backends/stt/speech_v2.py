"""Google's `google.cloud.speech.v2.Speech/StreamingRecognize` as a recogniser stream: every backend's wire format.

Raw protobuf messages on a raw method path: the generated client adds retries, defaults and wrappers that a call must
not have. Messages and limits: cloud.google.com/speech-to-text/v2, proto `google/cloud/speech/v2/cloud_speech.proto`."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from google.cloud.speech_v2.types import cloud_speech

from callengine.errors import RecognizerError
from callengine.ports.bridge import Bridge
from callengine.ports.recognition import Final, Interim, RecognizerEvent, SpeechEnded, SpeechStarted, StreamSpec

METHOD = "/google.cloud.speech.v2.Speech/StreamingRecognize"
MAX_CHUNK_BYTES = 15_360  # the smaller of Google's two documented limits

_Request = cloud_speech.StreamingRecognizeRequest.pb()
_Response = cloud_speech.StreamingRecognizeResponse.pb()
_ENDPOINTING = {"STANDARD": 1, "SHORT": 3, "SUPERSHORT": 2}
_BEGIN, _END = 2, 3  # SpeechEventType.SPEECH_ACTIVITY_BEGIN, _END
# What another stream may do better. Anything else is a wrong configuration or a wrong request.
_RETRYABLE = frozenset(
    {
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.UNKNOWN,
    }
)
# How a stream's longest life and a time without audio end: v1 with the one, v2 with the other.
_ENDED = frozenset({grpc.StatusCode.ABORTED, grpc.StatusCode.OUT_OF_RANGE})


@dataclass(frozen=True, slots=True)
class SpeechEndpoint:
    """Where streams are opened: a channel, the recognizer's resource name and model, what authorises us."""

    channel: grpc.aio.Channel
    recognizer: str
    model: str
    metadata: tuple[tuple[str, str], ...] = ()


def rpc_error(error: grpc.RpcError, where: str) -> RecognizerError:
    """Our error for gRPC's, with its status and text."""
    code = error.code()
    return RecognizerError(
        f"{where}: {code.name}: {error.details()}", retryable=code in _RETRYABLE, ended=code in _ENDED
    )


class SpeechV2Stream:
    """The port's `RecognizerStream` over one RPC."""

    def __init__(self, call: Any, bridge: Bridge, rate: int) -> None:
        self._call = call
        self._bridge = bridge
        self._rate = rate
        self._events: deque[RecognizerEvent] = deque()
        self._final_end = 0
        self._speech_start = 0

    async def send(self, slin: bytes) -> None:
        if len(slin) > MAX_CHUNK_BYTES:
            problem = f"speech recogniser: a chunk of {len(slin)} bytes; at most {MAX_CHUNK_BYTES} may be sent"
            raise RecognizerError(problem, retryable=False)
        await self._rpc(self._call.write, _Request(audio=slin))

    async def finish(self) -> None:
        await self._rpc(self._call.done_writing)

    async def receive(self) -> RecognizerEvent | None:
        while not self._events:
            response = await self._rpc(self._call.read)
            if response is grpc.aio.EOF:
                return None
            self._take(response)
        return self._events.popleft()

    async def _rpc(self, step: Callable[..., Awaitable[Any]], *args: object) -> Any:
        try:
            return await self._bridge.run(step, *args)
        except grpc.RpcError as error:
            raise rpc_error(error, "speech recogniser") from error

    def _take(self, response: Any) -> None:
        if response.speech_event_type == _BEGIN:
            self._speech_start = max(self._final_end, self._position(response.speech_event_offset))
            self._events.append(SpeechStarted(self._speech_start))
        elif response.speech_event_type == _END:
            self._events.append(SpeechEnded(self._position(response.speech_event_offset)))
        interims = []
        for result in response.results:
            if result.is_final and result.alternatives:
                self._events.append(self._final(result))
            elif result.alternatives:
                interims.append(result)
        if interims:
            # a stable prefix and an unstable tail are one hypothesis, as stable as its weaker part
            text = "".join(result.alternatives[0].transcript for result in interims)
            end = max(self._position(result.result_end_offset) for result in interims)
            self._events.append(Interim(text.strip(), min(result.stability for result in interims), end))

    def _final(self, result: Any) -> Final:
        best = result.alternatives[0]
        end = self._position(result.result_end_offset)
        start = min(max(self._speech_start, self._final_end), end)
        self._final_end = max(self._final_end, end)
        return Final(best.transcript.strip(), start, end, best.confidence)

    def _position(self, offset: Any) -> int:
        """Samples for a protobuf Duration."""
        return int(offset.seconds) * self._rate + round(int(offset.nanos) * self._rate / 1_000_000_000)


@asynccontextmanager
async def open_v2_stream(
    endpoint: SpeechEndpoint, bridge: Bridge, spec: StreamSpec, hints: Sequence[str]
) -> AsyncIterator[SpeechV2Stream]:
    """A stream whose configuration has been sent. Leaving the block cancels the RPC. Raises RecognizerError."""

    async def start() -> Any:
        method = endpoint.channel.stream_stream(
            METHOD, request_serializer=_Request.SerializeToString, response_deserializer=_Response.FromString
        )
        call = method(metadata=endpoint.metadata)
        await call.write(_configuration(endpoint, spec, hints))
        return call

    try:
        call = await bridge.run(start)
    except grpc.RpcError as error:
        raise rpc_error(error, "speech recogniser") from error
    try:
        yield SpeechV2Stream(call, bridge, spec.rate)
    finally:
        call.cancel()


def _configuration(endpoint: SpeechEndpoint, spec: StreamSpec, hints: Sequence[str]) -> Any:
    request = _Request(recognizer=endpoint.recognizer)
    streaming = request.streaming_config
    config = streaming.config
    config.model = endpoint.model
    config.language_codes.append(spec.language)
    config.explicit_decoding_config.encoding = 1  # LINEAR16
    config.explicit_decoding_config.sample_rate_hertz = spec.rate
    config.explicit_decoding_config.audio_channel_count = 1
    config.features.enable_automatic_punctuation = True
    if hints:
        phrases = config.adaptation.phrase_sets.add().inline_phrase_set.phrases
        for hint in hints:
            phrases.add().value = hint
    streaming.streaming_features.interim_results = True
    streaming.streaming_features.enable_voice_activity_events = True
    streaming.streaming_features.endpointing_sensitivity = _ENDPOINTING[spec.endpointing]
    return request
