"""What a client asked for, free of protocol versions, and the rules that a request must keep.

Limits and error codes follow Google Cloud Speech (quotas page and observed server texts), so that a client
written for Google meets nothing new here.
"""

from dataclasses import dataclass

from faster_whisper.tokenizer import _LANGUAGE_CODES

from whisper_server.audio import Encoding
from whisper_server.errors import invalid

MAX_CHUNK_BYTES = 25_600
RATES = (8000, 16000)
# Trailing silence that ends an utterance, by Google's EndpointingSensitivity.
SILENCE_MS = {"STANDARD": 700, "SHORT": 500, "SUPERSHORT": 300}
# Google's model names are taken as "whatever this server runs": a client need not be reconfigured.
GOOGLE_MODELS = frozenset(
    {"default", "long", "short", "latest_long", "latest_short", "phone_call", "video", "command_and_search"}
    | {"telephony", "telephony_short", "chirp", "chirp_2", "chirp_3", "chirp_telephony"}
)


@dataclass(frozen=True, slots=True)
class Request:
    """One recognition as asked for: `languages` are Whisper's codes, empty means detect; rate in Hz.

    `hints` are phrases likely to be said. `start_timeout` and `end_timeout` end a stream in which nobody begins to
    speak, or goes on, for so many seconds.
    """

    encoding: Encoding
    rate: int
    languages: tuple[str, ...]
    interim: bool = False
    voice_events: bool = False
    silence_ms: int = SILENCE_MS["STANDARD"]
    punctuation: bool = True
    word_times: bool = False
    word_confidence: bool = False
    single_utterance: bool = False
    hints: tuple[str, ...] = ()
    start_timeout: float | None = None
    end_timeout: float | None = None


def checked_rate(rate: int) -> int:
    """Return the rate; raise `Refused` for one that the telephone network does not carry."""
    if rate not in RATES:
        raise invalid(f"Invalid recognition config: sample_rate_hertz {rate} is not supported; use 8000 or 16000.")
    return rate


def checked_channels(count: int) -> None:
    """Raise `Refused` unless the audio is mono (0 is Google's "not set")."""
    if count not in (0, 1):
        raise invalid(f"Invalid recognition config: audio_channel_count {count} is not supported; send one channel.")


def checked_encoding(number: int, known: dict[int, Encoding]) -> Encoding:
    """Return the encoding for a proto's enum number; raise `Refused` for one that this server cannot decode."""
    if number not in known:
        names = ", ".join(encoding.name for encoding in known.values())
        raise invalid(f"Invalid recognition config: encoding {number} is not supported; use {names}.")
    return known[number]


def checked_languages(codes: list[str]) -> tuple[str, ...]:
    """Turn BCP-47 codes into Whisper's by their prefix; `auto` or none detects. Raise `Refused` for an unknown one."""
    wanted = [code for code in codes if code]
    if "auto" in wanted:
        return ()
    return tuple(dict.fromkeys(_language(code) for code in wanted))


def _language(code: str) -> str:
    prefix = code.replace("_", "-").split("-")[0].lower()
    if prefix not in _LANGUAGE_CODES:
        raise invalid(f'Invalid recognition config: bad language code "{code[:40]}"; use one like ru-RU, or auto.')
    return prefix


def checked_model(name: str, served: str) -> None:
    """Raise `Refused` unless the name is empty, one of Google's, or the model that is served."""
    if name and name != served and name not in GOOGLE_MODELS:
        raise invalid(f'Invalid recognition config: the model "{name[:60]}" is not served here; use "{served}".')


def checked_chunk(audio: bytes) -> bytes:
    """Return the audio; raise `Refused` with Google's text when it is over Google's size."""
    if len(audio) > MAX_CHUNK_BYTES:
        raise invalid(f"Audio chunk can be of a maximum of {MAX_CHUNK_BYTES} bytes. Received audio of {len(audio)}")
    return audio
