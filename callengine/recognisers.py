"""A recogniser by its name, with what it needs: our own whisper-server is started where no WHISPER_URL is given."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
import trio

from callengine.call.sources import Sources
from callengine.config import Settings
from callengine.errors import ConfigError, RecognizerError
from callengine.plugins import load_backend
from callengine.ports.bridge import Bridge
from callengine.ports.recognition import Recognizer
from callengine.services.own_parts import open_whisper

SETTINGS = ("STT_BACKEND", "STT_FALLBACK")
VARIABLES = {"whisper": "WHISPER_URL", "google": "GOOGLE_STT_ENDPOINT"}

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_recognizer(settings: Settings, name: str, bridge: Bridge) -> AsyncIterator[Recognizer]:
    """The backend `name` of the group `callengine.stt`. Raises ConfigError, ServiceError."""
    open_backend = load_backend("callengine.stt", name)
    async with AsyncExitStack() as stack:
        if name == "whisper" and not settings.whisper_url:
            allow_own_part(settings, "WHISPER_URL", "grpcs://gpu-node:8443")
            log.info("starting", part="whisper-server on the CPU")
            url = await stack.enter_async_context(open_whisper())
            settings = settings.model_copy(update={"whisper_url": url})
        yield await stack.enter_async_context(open_backend(settings, bridge))


def named_recognizers(settings: Settings) -> tuple[str, str]:
    """The names of STT_BACKEND and STT_FALLBACK, the latter perhaps empty. Raises ConfigError for one there is not, or
    whose server neither is given nor may be started."""
    chosen, spare = settings.stt_backend, settings.stt_fallback
    load_backend("callengine.stt", chosen)
    if spare:
        load_backend("callengine.stt", spare, "STT_FALLBACK")
    if spare == chosen:
        raise ConfigError("STT_FALLBACK", f"is {spare!r}, the same as STT_BACKEND: name another one")
    if "whisper" in (chosen, spare) and not settings.whisper_url:
        allow_own_part(settings, "WHISPER_URL", "grpcs://gpu-node:8443")
    return chosen, spare


async def check_recognizer(recognizer: Recognizer, name: str) -> None:
    """What is not there at the start is a setting that cannot be used; later it is only away. Raises ConfigError."""
    try:
        await recognizer.check()
    except RecognizerError as error:
        raise _blamed(error, name, "STT_BACKEND") from error


async def check_recognizers(sources: Sources, names: tuple[str, str]) -> None:
    """One of two that is away is no reason not to serve: it is told, and tried again after a while. Raises ConfigError
    where all are away, and for one that would refuse every call."""
    away: dict[int, RecognizerError] = {}
    for at, recognizer in enumerate(sources.recognizers):
        try:
            await recognizer.check()
        except RecognizerError as error:
            if not error.retryable:
                raise _blamed(error, names[at], SETTINGS[at]) from error
            away[at] = error
    if len(away) == len(sources.recognizers):
        raise _all_away(away, names)
    for at, error in away.items():
        sources.failover.circuits[at].fail(trio.current_time(), for_good=True)
        other = f"{SETTINGS[1 - at]}={names[1 - at]}"
        log.warning("recognizer_away", setting=SETTINGS[at], name=names[at], problem=str(error), serving_with=other)


def _all_away(away: dict[int, RecognizerError], names: tuple[str, str]) -> ConfigError:
    blamed = _blamed(away[0], names[0], SETTINGS[0])
    others = "".join(f"; {SETTINGS[at]}={names[at]} is away as well: {away[at]}" for at in list(away)[1:])
    return ConfigError(blamed.variable, blamed.problem + others)


def _blamed(error: RecognizerError, name: str, variable: str) -> ConfigError:
    return ConfigError(error.setting or VARIABLES.get(name, variable), str(error))


def allow_own_part(settings: Settings, variable: str, example: str) -> None:
    """Raise ConfigError where `EMBEDDED=off` forbids a part of our own in place of the missing setting."""
    if not settings.embedded:
        raise ConfigError(variable, f"is not set, and EMBEDDED=off allows no part of our own (for example {example})")
