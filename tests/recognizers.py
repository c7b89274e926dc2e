"""A recogniser as the engine opens it: the shipped entry point, settings from an environment, a bridge of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backends.stt import google, whisper
from backends.stt.recognizer import SpeechRecognizer
from callengine.config import load_settings
from tests.grpc_bridge import NOBODY_THERE as NOBODY_THERE
from tests.grpc_bridge import open_grpc_bridge


@asynccontextmanager
async def open_whisper(url: str, **environ: str) -> AsyncIterator[SpeechRecognizer]:
    """The client of the whisper-server at `url`; `environ` as in the environment, for instance WHISPER_TOKEN."""
    settings = load_settings({"WHISPER_URL": url, **environ})
    async with open_grpc_bridge() as bridge, whisper.open_recognizer(settings, bridge) as recognizer:
        yield recognizer


@asynccontextmanager
async def open_google(address: str, **environ: str) -> AsyncIterator[SpeechRecognizer]:
    """The client of Google Speech, for which the whisper-server at `address` stands in."""
    settings = load_settings({"GOOGLE_STT_ENDPOINT": f"grpc://{address}", **environ})
    async with open_grpc_bridge() as bridge, google.open_recognizer(settings, bridge) as recognizer:
        yield recognizer


@asynccontextmanager
async def open_whisper_and_google(url: str, address: str) -> AsyncIterator[tuple[SpeechRecognizer, SpeechRecognizer]]:
    """Both, as for STT_BACKEND and STT_FALLBACK: on one bridge, for a process has one."""
    settings = load_settings({"WHISPER_URL": url, "GOOGLE_STT_ENDPOINT": f"grpc://{address}"})
    async with (
        open_grpc_bridge() as bridge,
        whisper.open_recognizer(settings, bridge) as ours,
        google.open_recognizer(settings, bridge) as theirs,
    ):
        yield ours, theirs
