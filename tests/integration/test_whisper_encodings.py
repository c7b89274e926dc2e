"""What a client may send for sound: every encoding at every rate, through Google's own clients, is heard alike."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt
import pytest
import soxr
from google.cloud import speech_v1

from tests.asterisk import alaw
from tests.google_clients import audio_v2, client_v1, client_v2, config_v1, config_v2, opening_v2, plain, sentences

pytestmark = pytest.mark.integration

CLIP = next(clip for clip in sentences("ru") if clip.name == "please-try-again")
RATES = (8000, 16_000)
Samples = npt.NDArray[np.int16]


def linear16(samples: Samples) -> bytes:
    return samples.astype("<i2").tobytes()


def mulaw(samples: Samples) -> bytes:
    """ITU-T G.711, table 2: a bias of 132, then sign, three bits of exponent, four of mantissa, all inverted."""
    magnitude = np.minimum(np.abs(samples.astype(np.int32)), 32_635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    codes: npt.NDArray[np.int32] = ~(np.where(samples < 0, 0x80, 0) | exponent << 4 | mantissa) & 0xFF
    return codes.astype(np.uint8).tobytes()


# Google's numbers: v1 has no A-law.
V1: dict[str, tuple[int, Callable[[Samples], bytes]]] = {"LINEAR16": (1, linear16), "MULAW": (3, mulaw)}
V2 = {"LINEAR16": (1, linear16), "MULAW": (2, mulaw), "ALAW": (3, alaw.encode)}


@pytest.fixture
def channel(whisper_address: str) -> Iterator[grpc.Channel]:
    """A channel of its own for each test."""
    with grpc.insecure_channel(whisper_address) as channel:
        yield channel


@pytest.fixture(scope="module")
def heard_first(whisper_address: str) -> str:
    """The text of the clip as it was recorded: LINEAR16 at 8 kHz."""
    with grpc.insecure_channel(whisper_address) as channel:
        return through_v2(channel, 1, 8000, sound(8000, linear16))


def sound(rate: int, encode: Callable[[Samples], bytes]) -> bytes:
    """The clip and a second of silence, as a client with such a line has them."""
    recorded = np.concatenate([np.frombuffer(CLIP.slin, "<i2"), np.zeros(8000, np.int16)])
    return encode(recorded if rate == 8000 else soxr.resample(recorded, 8000, rate))


def through_v2(channel: grpc.Channel, encoding: int, rate: int, data: bytes) -> str:
    requests = itertools.chain([opening_v2(config_v2(encoding=encoding, rate=rate))], audio_v2(data))
    return said(client_v2(channel).streaming_recognize(requests=requests, timeout=60))


def through_v1(channel: grpc.Channel, encoding: int, rate: int, data: bytes) -> str:
    config = config_v1(encoding=encoding, sample_rate_hertz=rate)
    streaming = speech_v1.StreamingRecognitionConfig(config=config)
    chunks = (speech_v1.StreamingRecognizeRequest(audio_content=message.audio) for message in audio_v2(data))
    return said(client_v1(channel).streaming_recognize(streaming, chunks, retry=None, timeout=60))


def said(responses: Any) -> str:
    """The words of the finals."""
    results = (result for response in responses for result in response.results if result.is_final)
    return plain("".join(result.alternatives[0].transcript for result in results))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", V2)
def test_v2_hears_each_encoding_alike(channel: grpc.Channel, heard_first: str, name: str, rate: int) -> None:
    number, encode = V2[name]
    assert heard_first == plain(CLIP.text)
    assert through_v2(channel, number, rate, sound(rate, encode)) == heard_first


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", V1)
def test_v1_hears_each_encoding_alike(channel: grpc.Channel, heard_first: str, name: str, rate: int) -> None:
    number, encode = V1[name]
    assert through_v1(channel, number, rate, sound(rate, encode)) == heard_first
