"""`google.cloud.speech.v1.Speech/StreamingRecognize`: field names and rules of its `cloud_speech.proto`
(google-cloud-speech 2.41). It has no endpointing sensitivity and no recognizer's name."""

from collections.abc import Sequence
from typing import Any

from google.cloud.speech_v1.types import cloud_speech

from backends.stt.wire import Dialect
from callengine.ports.recognition import StreamSpec

METHOD = "/google.cloud.speech.v1.Speech/StreamingRecognize"
Request = cloud_speech.StreamingRecognizeRequest.pb()
Response = cloud_speech.StreamingRecognizeResponse.pb()
_LINEAR16 = 1


def configuration(dialect: Dialect, spec: StreamSpec, hints: Sequence[str]) -> Any:
    """The first message of a stream."""
    request = Request()
    streaming = request.streaming_config
    config = streaming.config
    config.encoding = _LINEAR16
    config.sample_rate_hertz = spec.rate
    config.audio_channel_count = 1
    config.language_code = spec.language
    config.model = dialect.model
    config.use_enhanced = dialect.model == "phone_call"
    config.enable_automatic_punctuation = True
    if hints and dialect.hints:
        config.speech_contexts.add().phrases.extend(hints)
    streaming.interim_results = True
    streaming.enable_voice_activity_events = True
    return request


def audio(slin: bytes) -> Any:
    """Every later message."""
    return Request(audio_content=slin)


def event_time(response: Any) -> Any:
    """A response's protobuf Duration of a speech event."""
    return response.speech_event_time


def end_time(result: Any) -> Any | None:
    """A result's protobuf Duration, None where the service gave none."""
    return result.result_end_time if result.HasField("result_end_time") else None


def error(response: Any) -> Any | None:
    """The google.rpc.Status that a response carries instead of results."""
    return response.error if response.HasField("error") else None
