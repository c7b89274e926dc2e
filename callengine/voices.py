"""The voice by its name, with what is around every voice: a text that can be spoken, speech at hand, a spare voice."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from callengine.config import NO_SPARE, Settings
from callengine.errors import ConfigError, SynthesisError
from callengine.plugins import load_backend
from callengine.ports.bridge import Bridge
from callengine.ports.synthesis import Prompt, SpeechStore, Spoken, Synthesizer, Voice
from callengine.services.speech_store import open_speech_store
from callengine.voice.keeping import KeepingVoice
from callengine.voice.reading import ReadingVoice
from callengine.voice.spare import SparedVoice

AT_HAND = ("espeak", "scripted")  # sooner made anew than fetched

log = structlog.get_logger(__name__)


def named_voices(settings: Settings) -> tuple[str, str]:
    """The names of TTS_BACKEND and TTS_FALLBACK, the latter perhaps empty. Raises ConfigError for one there is not."""
    chosen, spare = settings.tts_backend, settings.tts_fallback
    load_backend("callengine.tts", chosen)
    if spare == NO_SPARE:
        return chosen, ""
    load_backend("callengine.tts", spare, "TTS_FALLBACK")
    if spare == chosen:
        raise ConfigError("TTS_FALLBACK", f"is {spare!r}, the same as TTS_BACKEND: name another one")
    return chosen, spare


@asynccontextmanager
async def open_voice(
    settings: Settings, bridge: Bridge, warmed: Callable[[Spoken], None] | None = None
) -> AsyncIterator[Voice]:
    """The voice of the settings; speech is shared with other nodes at REDIS_URL. `warmed` is told what warming costs.
    Raises ConfigError.

    Google's voice that nobody has named, where the credentials serve its recogniser alone, gives way to the spare."""
    chosen, spare = named_voices(settings)
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        backend = await enter(load_backend("callengine.tts", chosen)(settings, bridge))
        if spare and "tts_backend" not in settings.model_fields_set and await _is_forbidden(backend, spare):
            backend, chosen, spare = await enter(load_backend("callengine.tts", spare)(settings, bridge)), spare, ""
        store: SpeechStore | None = None
        if settings.redis_url is not None and chosen not in AT_HAND:
            store = await enter(open_speech_store(settings.redis_url.get_secret_value(), bridge))
        other = await enter(load_backend("callengine.tts", spare)(settings, bridge)) if spare else None
        yield compose_voice(backend, other, store, f"{chosen} {settings.google_tts_voice}", warmed)


async def _is_forbidden(backend: Synthesizer, spare: str) -> bool:
    """Our credentials are good for something, but not for this voice (its API is off in the project)."""
    try:
        await backend.check()
    except SynthesisError as error:
        if error.retryable or error.setting != "GOOGLE_APPLICATION_CREDENTIALS":
            return False  # `check_voice` will say it
        log.warning("voice_forbidden", problem=str(error), serving_with=f"TTS_BACKEND={spare}")
        return True
    return False


def compose_voice(
    backend: Synthesizer,
    spare: Synthesizer | None = None,
    store: SpeechStore | None = None,
    maker: str = "",
    warmed: Callable[[Spoken], None] | None = None,
) -> Voice:
    """A backend as calls have it. `maker` tells speech in the store apart that other settings would make otherwise."""
    voice: Voice = KeepingVoice(backend, store, maker, warmed)
    return ReadingVoice(voice if spare is None else SparedVoice(voice, spare))


async def check_voice(voice: Voice) -> None:
    """What cannot speak at the start is a setting that cannot be used. Raises ConfigError."""
    try:
        await voice.check()
    except SynthesisError as error:
        raise _blamed(error) from error


async def warm_voice(voice: Voice, prompts: tuple[Prompt, ...]) -> None:
    """Have the fixed phrases at hand. Raises ConfigError."""
    try:
        await voice.warm(prompts)
    except SynthesisError as error:
        raise _blamed(error) from error


def _blamed(error: SynthesisError) -> ConfigError:
    return ConfigError(error.setting or "TTS_BACKEND", str(error))
