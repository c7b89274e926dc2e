"""`google.cloud.texttospeech.v1.TextToSpeech`: its messages and its voices' names (google-cloud-texttospeech 2.38).

Raw protobuf messages on raw method paths, as for the recogniser: the generated client adds what a call must not
have."""

import io
import re
import wave
from collections.abc import Iterator, Sequence
from typing import Any

from google.cloud.texttospeech_v1.types import cloud_tts

from callengine.errors import SynthesisError
from callengine.ports.synthesis import Prompt

SERVICE = "/google.cloud.texttospeech.v1.TextToSpeech"
RATE = 8000
DEFAULT_VOICE = "Kore"
MOST_BYTES = 4800  # of one input; Google takes 5,000
_LINEAR16, _PCM = 1, 7
_SLOWEST, _FASTEST = 0.25, 2.0
_FULL_NAME = re.compile(r"^[a-z]{2,3}-[A-Z0-9]{2,3}-.+")
_FAMILY = "Chirp3-HD"
# StreamingSynthesize refuses all other voices with INVALID_ARGUMENT.
_STREAMING = ("-Chirp3-HD-", "-Chirp-HD-")

ListRequest = cloud_tts.ListVoicesRequest.pb()
ListResponse = cloud_tts.ListVoicesResponse.pb()
SynthesizeRequest = cloud_tts.SynthesizeSpeechRequest.pb()
SynthesizeResponse = cloud_tts.SynthesizeSpeechResponse.pb()
StreamRequest = cloud_tts.StreamingSynthesizeRequest.pb()
StreamResponse = cloud_tts.StreamingSynthesizeResponse.pb()


def voice_name(prompt_voice: str, language: str, setting: str) -> str:
    """Google's name of the voice for a prompt: the agent file's, else that of GOOGLE_TTS_VOICE for the language.

    A short name (`Kore`) is one of the family Chirp 3 HD, which speaks all languages."""
    named = [name.strip() for name in setting.split(",") if name.strip()]
    ours = [name for name in named if name.startswith(f"{language}-")]
    short = [name for name in named if not _FULL_NAME.match(name)]
    chosen = prompt_voice or (ours or short or [DEFAULT_VOICE])[0]
    return chosen if _FULL_NAME.match(chosen) else f"{language}-{_FAMILY}-{chosen}"


def product_of(voice: str) -> str:
    """The price table's name of a voice's family: `google/Chirp3-HD` of `ru-RU-Chirp3-HD-Kore`."""
    return f"google/{'-'.join(voice.split('-')[2:-1])}"


def can_stream(voice: str) -> bool:
    return any(family in voice for family in _STREAMING)


def inputs(text: str) -> list[str]:
    """A text in pieces that Google takes, cut behind a sentence, else at a space, else anywhere."""
    pieces: list[str] = []
    while len(text.encode()) > MOST_BYTES:
        window = text.encode()[:MOST_BYTES].decode(errors="ignore")
        cut = max(window.rfind(mark) for mark in (". ", "! ", "? ")) + 1 or window.rfind(" ") + 1 or len(window)
        pieces.append(text[:cut].strip())
        text = text[cut:].strip()
    return [piece for piece in (*pieces, text) if piece]


def synthesize_request(text: str, voice: str, prompt: Prompt) -> Any:
    """LINEAR16, which every voice has; it comes as a WAV file."""
    request = SynthesizeRequest()
    request.input.text = text
    _choose(request.voice, voice)
    request.audio_config.audio_encoding = _LINEAR16
    request.audio_config.sample_rate_hertz = RATE
    if prompt.rate != 1.0:
        request.audio_config.speaking_rate = _speaking_rate(prompt)
    return request


def stream_requests(texts: Sequence[str], voice: str, prompt: Prompt) -> Iterator[Any]:
    """The messages of a stream: the configuration alone, then the text. Headerless PCM comes back."""
    request = StreamRequest()
    _choose(request.streaming_config.voice, voice)
    audio = request.streaming_config.streaming_audio_config
    audio.audio_encoding = _PCM
    audio.sample_rate_hertz = RATE
    if prompt.rate != 1.0:
        audio.speaking_rate = _speaking_rate(prompt)
    yield request
    for text in texts:
        request = StreamRequest()
        request.input.text = text
        yield request


def pcm_of(content: bytes, where: str) -> bytes:
    """The samples of what came back for LINEAR16. Raises SynthesisError where it is no 8 kHz mono."""
    if not content.startswith(b"RIFF"):
        return content
    try:
        with wave.open(io.BytesIO(content)) as file:
            form = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            samples: bytes = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise SynthesisError(f"{where}: sent a WAV that cannot be read: {error}", retryable=False) from error
    if form != (1, 2, RATE):
        problem = (
            f"{where}: sent {form[0]} channels of {8 * form[1]} bits at {form[2]} Hz, not one of 16 bits at {RATE}"
        )
        raise SynthesisError(problem, retryable=False)
    return samples


def _choose(selection: Any, voice: str) -> None:
    selection.name = voice
    selection.language_code = "-".join(voice.split("-")[:2])


def _speaking_rate(prompt: Prompt) -> float:
    return min(max(prompt.rate, _SLOWEST), _FASTEST)
