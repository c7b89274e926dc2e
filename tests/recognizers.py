"""A recogniser as the engine opens it: the shipped entry point, settings from an environment, a bridge of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backends.stt.whisper import WhisperRecognizer, open_recognizer
from callengine.config import load_settings
from callengine.services.bridge import open_bridge


@asynccontextmanager
async def open_whisper(url: str, **environ: str) -> AsyncIterator[WhisperRecognizer]:
    """The client of the whisper-server at `url`; `environ` as in the environment, for instance WHISPER_TOKEN."""
    settings = load_settings({"WHISPER_URL": url, **environ})
    async with open_bridge() as bridge, open_recognizer(settings, bridge) as recognizer:
        yield recognizer
