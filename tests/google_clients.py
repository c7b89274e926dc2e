"""The stock google-cloud-speech clients pointed at our server, and what tests send and compare."""

import re
from collections.abc import Iterator
from typing import Any

import grpc
import grpc.aio
from google.cloud import speech_v1, speech_v2
from google.cloud.speech_v1.services.speech.transports import SpeechGrpcAsyncIOTransport as AsyncTransportV1
from google.cloud.speech_v1.services.speech.transports import SpeechGrpcTransport as TransportV1
from google.cloud.speech_v2.services.speech.transports import SpeechGrpcAsyncIOTransport as AsyncTransportV2
from google.cloud.speech_v2.services.speech.transports import SpeechGrpcTransport as TransportV2

from tests.speech import FIXTURES, Clip, load

RECOGNIZER = "projects/p/locations/l/recognizers/_"
CHUNK = 1600
SECOND = 16_000


def client_v1(channel: grpc.Channel) -> Any:  # its annotations know neither the helper's arguments nor what comes back
    """Return Google's v1 client over a channel."""
    return speech_v1.SpeechClient(transport=TransportV1(channel=channel))


def client_v2(channel: grpc.Channel) -> Any:  # as above
    """Return Google's v2 client over a channel."""
    return speech_v2.SpeechClient(transport=TransportV2(channel=channel))


def async_client_v1(channel: grpc.aio.Channel) -> Any:  # as above
    """Return Google's async v1 client over a channel."""
    return speech_v1.SpeechAsyncClient(transport=AsyncTransportV1(channel=channel))


def async_client_v2(channel: grpc.aio.Channel) -> Any:  # as above
    """Return Google's async v2 client over a channel."""
    return speech_v2.SpeechAsyncClient(transport=AsyncTransportV2(channel=channel))


def config_v1(**changes: Any) -> speech_v1.RecognitionConfig:
    """Return a v1 configuration: Russian, 8 kHz, punctuation."""
    defaults = {
        "encoding": 1,
        "sample_rate_hertz": 8000,
        "language_code": "ru-RU",
        "enable_automatic_punctuation": True,
    }
    return speech_v1.RecognitionConfig(**{**defaults, **changes})


def config_v2(*, rate: int = 8000, encoding: int = 1, language: str = "ru-RU", **changes: Any) -> Any:
    """Return a v2 configuration: Russian, 8 kHz, punctuation."""
    decoding = speech_v2.ExplicitDecodingConfig(encoding=encoding, sample_rate_hertz=rate, audio_channel_count=1)
    features = changes.pop("features", speech_v2.RecognitionFeatures(enable_automatic_punctuation=True))
    return speech_v2.RecognitionConfig(
        explicit_decoding_config=decoding, language_codes=[language], features=features, **changes
    )


def opening_v2(config: Any = None, **features: Any) -> speech_v2.StreamingRecognizeRequest:
    """Return the first message of a v2 stream; `features` are StreamingRecognitionFeatures."""
    streaming = speech_v2.StreamingRecognitionConfig(
        config=config_v2() if config is None else config,
        streaming_features=speech_v2.StreamingRecognitionFeatures(**features),
    )
    return speech_v2.StreamingRecognizeRequest(recognizer=RECOGNIZER, streaming_config=streaming)


def audio_v2(slin: bytes, size: int = CHUNK) -> Iterator[speech_v2.StreamingRecognizeRequest]:
    """Cut audio into the messages that follow, as fast as they are taken."""
    for start in range(0, len(slin), size):
        yield speech_v2.StreamingRecognizeRequest(audio=slin[start : start + size])


def sentences(language: str) -> list[Clip]:
    """Return the recordings over 1.5 s of a language (`ru`, `en`), by name."""
    return [clip for clip in load(FIXTURES / language) if len(clip.slin) > 1.5 * SECOND]


def plain(text: str) -> str:
    """Return the words alone, as jiwer should compare them; never empty."""
    return " ".join(re.findall(r"\w+", text.lower().replace("ё", "е"))) or "-"
