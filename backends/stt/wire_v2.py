"""`google.cloud.speech.v2.Speech/StreamingRecognize`: field names and rules of its `cloud_speech.proto`
(google-cloud-speech 2.41)."""

from collections.abc import Sequence
from typing import Any

from google.cloud.speech_v2.types import cloud_speech

from backends.stt.wire import Dialect
from callengine.ports.recognition import StreamSpec

METHOD = "/google.cloud.speech.v2.Speech/StreamingRecognize"
Request = cloud_speech.StreamingRecognizeRequest.pb()
Response = cloud_speech.StreamingRecognizeResponse.pb()
_ENDPOINTING = {"STANDARD": 1, "SUPERSHORT": 2, "SHORT": 3}
_LINEAR16 = 1


def configuration(dialect: Dialect, spec: StreamSpec, hints: Sequence[str]) -> Any:
    """The first message of a stream."""
    request = Request(recognizer=dialect.recognizer)
    streaming = request.streaming_config
    config = streaming.config
    config.model = dialect.model
    config.language_codes.append(spec.language)
    config.explicit_decoding_config.encoding = _LINEAR16
    config.explicit_decoding_config.sample_rate_hertz = spec.rate
    config.explicit_decoding_config.audio_channel_count = 1
    config.features.enable_automatic_punctuation = True
    if hints and dialect.hints:
        phrases = config.adaptation.phrase_sets.add().inline_phrase_set.phrases
        for hint in hints:
            phrases.add().value = hint
    streaming.streaming_features.interim_results = True
    streaming.streaming_features.enable_voice_activity_events = True
    if dialect.endpointing:
        streaming.streaming_features.endpointing_sensitivity = _ENDPOINTING[spec.endpointing]
    return request


def audio(slin: bytes) -> Any:
    """Every later message."""
    return Request(audio=slin)


def event_time(response: Any) -> Any:
    """A response's protobuf Duration of a speech event."""
    return response.speech_event_offset


def end_time(result: Any) -> Any | None:
    """A result's protobuf Duration, None where the service gave none."""
    return result.result_end_offset if result.HasField("result_end_offset") else None


def error(response: Any) -> Any | None:
    """v2 has no such field."""
    return None
