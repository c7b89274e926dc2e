"""A voice as the engine opens it: entry points by name, settings from an environment, a bridge of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from backends.tts import google, google_speech
from backends.tts.google import GoogleVoice
from callengine.config import load_settings
from callengine.ports.synthesis import Voice
from callengine.services.bridge import open_bridge
from callengine.voices import open_voice
from tests.google_voices import google_voices
from tests.grpc_bridge import open_grpc_bridge

PATIENCE_SECONDS = 60.0  # a guard against hanging; nothing is timed by it


@pytest.fixture(autouse=True)
def patient_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine's stand-in for Google speaks late, and is waited for: in each module that names this."""
    for name in ("FIRST_SECONDS", "NEXT_SECONDS"):
        monkeypatch.setattr(google_speech, name, PATIENCE_SECONDS)


@asynccontextmanager
async def open_named(backend: str, **environ: str) -> AsyncIterator[Voice]:
    """The voice `backend` with all that is around it; "" is the one that is taken where nobody names any."""
    settings = load_settings({"TTS_BACKEND": backend, **environ})
    open_own = open_grpc_bridge if settings.tts_backend == "google" else open_bridge
    async with open_own() as bridge, open_voice(settings, bridge) as voice:
        yield voice


@asynccontextmanager
async def open_google_voice(faults: str = "", **environ: str) -> AsyncIterator[Voice]:
    """Google's voice, for which a stand-in speaks; without a spare voice unless `TTS_FALLBACK` says so."""
    with google_voices(faults) as address:
        spare = {"TTS_FALLBACK": "off", "GOOGLE_TTS_ENDPOINT": f"grpc://{address}", **environ}
        async with open_named("google", **spare) as voice:
            yield voice


@asynccontextmanager
async def open_synthesizer(address: str, **environ: str) -> AsyncIterator[GoogleVoice]:
    """Google's backend alone, without what is around it."""
    settings = load_settings({"GOOGLE_TTS_ENDPOINT": f"grpc://{address}", **environ})
    async with open_grpc_bridge() as bridge, google.open_voice(settings, bridge) as voice:
        yield voice


async def told(voice: GoogleVoice) -> dict[str, str]:
    """What the stand-in was asked so far: how often, how much is open, the largest input, the last one."""
    service = voice._service
    listed = await service.bridge.run(GoogleVoice(service, "x-told", "")._list)
    return dict(name.name.split("=", 1) for name in listed.voices)
