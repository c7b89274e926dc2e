"""An engine with a stand-in for everything around it, on loopback: the recogniser and the voice each a process of its
own over gRPC, the Messages API over HTTP in this one. Their delays are stated."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from callengine.agent import packaged_agent
from tests.bench.dialog.brain import Brain
from tests.bench.dialog.recogniser import recogniser
from tests.bench.dialog.sounds import Sound
from tests.bench.dialog.witness import witnessed
from tests.bench.engine import BenchEngine, open_bench_engine
from tests.google_voices import google_voices
from tests.messages_api import MessagesApi, open_messages_api
from tests.messages_api.server import KEY

LANGUAGE = "ru-RU"
CALLS = 32  # the most at once


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds: end of speech → final, request → first token, request → first audio."""

    final: float
    token: float
    audio: float


STATED = Delays(final=0.3, token=0.4, audio=0.15)
AT_ONCE = Delays(final=0.0, token=0.0, audio=0.0)


@dataclass(frozen=True, slots=True)
class Stage:
    """`folder`/speeches: what the voice gave the engine; `folder`/told: what Google's stand-in knows of its words."""

    engine: BenchEngine
    api: MessagesApi
    brain: Brain
    folder: Path

    @property
    def told(self) -> Path:
        return self.folder / "told"


@asynccontextmanager
async def open_stage(folder: Path, voice: str, delays: Delays, sounds: Sequence[Sound]) -> AsyncIterator[Stage]:
    """`voice` is `google` (its stand-in) or `espeak`; `sounds` are those that the recogniser knows."""
    told = folder / "told"
    told.mkdir(parents=True)
    with recogniser(sounds, delays.final) as ears, google_voices(f"delay={delays.audio}", told) as voices:
        brain = Brain(delays.token)
        async with open_messages_api() as api:
            api.choose = brain.choose
            settings = {
                "AGENT_FILE": str(packaged_agent(LANGUAGE)),
                "ANTHROPIC_API_KEY": KEY,
                "ANTHROPIC_BASE_URL": api.url,
                "DIALOG_BACKEND": "claude",
                "GOOGLE_STT_ENDPOINT": f"grpc://{ears}",
                "GOOGLE_TTS_ENDPOINT": f"grpc://{voices}",
                "MAX_CALLS": str(CALLS),
                "STT_BACKEND": "google",
                **witnessed(folder, voice),
            }
            async with open_bench_engine("", **settings) as engine:
                yield Stage(engine, api, brain, folder)
