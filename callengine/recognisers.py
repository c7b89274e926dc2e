"""A recogniser by its name, with what it needs: our own whisper-server is started where no WHISPER_URL is given."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from callengine.config import Settings
from callengine.errors import ConfigError, RecognizerError
from callengine.plugins import load_backend
from callengine.ports.bridge import Bridge
from callengine.ports.recognition import Recognizer
from callengine.services.own_parts import open_whisper

VARIABLES = {"whisper": "WHISPER_URL", "google": "GOOGLE_STT_ENDPOINT"}

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_recognizer(settings: Settings, name: str, bridge: Bridge) -> AsyncIterator[Recognizer]:
    """The backend `name` of the group `callengine.stt`. Raises ConfigError, ServiceError."""
    allow_recognizer(settings, name)
    open_backend = load_backend("callengine.stt", name)
    async with AsyncExitStack() as stack:
        if name == "whisper" and not settings.whisper_url:
            log.info("starting", part="whisper-server on the CPU")
            url = await stack.enter_async_context(open_whisper())
            settings = settings.model_copy(update={"whisper_url": url})
        yield await stack.enter_async_context(open_backend(settings, bridge))


def allow_recognizer(settings: Settings, name: str) -> None:
    """Raise ConfigError, before anything is started, where the backend is not installed or lacks its server."""
    load_backend("callengine.stt", name)
    if name == "whisper" and not settings.whisper_url:
        allow_own_part(settings, "WHISPER_URL", "grpcs://gpu-node:8443")


async def check_recognizer(recognizer: Recognizer, name: str) -> None:
    """What is not there at the start is a setting that cannot be used; later it is only away. Raises ConfigError."""
    try:
        await recognizer.check()
    except RecognizerError as error:
        raise ConfigError(error.setting or VARIABLES.get(name, "STT_BACKEND"), str(error)) from error


def allow_own_part(settings: Settings, variable: str, example: str) -> None:
    """Raise ConfigError where `EMBEDDED=off` forbids a part of our own in place of the missing setting."""
    if not settings.embedded:
        raise ConfigError(variable, f"is not set, and EMBEDDED=off allows no part of our own (for example {example})")
