"""The engine behind its port, in this process: real sockets, real clock, real calls; scripted backends, no database.

Its voice speaks numbered frames, so that a listener can tell a lost or doubled one from a late one.
"""

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import trio
from prometheus_client import REGISTRY

from backends.tts.scripted import ScriptedVoice
from callengine.answering import Agents
from callengine.config import load_settings
from callengine.engine import Engine
from callengine.leaving import call_server
from callengine.listening import bound_socket, listen
from callengine.media.confirm import serve_confirmation
from callengine.media.server import serve_calls
from callengine.media.silero import LevelModel
from callengine.ports.journal import Journal
from callengine.ports.synthesis import Prompt, SpeechChunk
from callengine.services.memory import MemoryJournal
from tests.sim.call import Parts, services_of

PATIENCE_SECONDS = 120  # a test that waits longer hangs; nothing is timed by it
NUMBERED_FRAMES = 60 * 50
_NUMBERED = SpeechChunk(b"".join(struct.pack("<h", number + 1) * 160 for number in range(NUMBERED_FRAMES)))


@dataclass(frozen=True, slots=True)
class MediaEngine:
    """Where it listens, and what it counts."""

    host: str
    port: int
    engine: Engine

    def metrics(self) -> dict[str, float]:
        """Every sample of the process as `name{label}`: value; counters go on from test to test."""
        return {
            f"{sample.name}{{{','.join(sample.labels.values())}}}": sample.value
            for metric in REGISTRY.collect()
            for sample in metric.samples
        }


class NumberedVoice(ScriptedVoice):
    """Says 1, 2, 3 …: each frame of a prompt holds its own number in every sample."""

    def cached(self, prompt: Prompt) -> SpeechChunk | None:
        """The same minute for every prompt."""
        return _NUMBERED


@asynccontextmanager
async def open_media_engine(journal: Journal | None = None, /, **environ: str) -> AsyncIterator[MediaEngine]:
    """An engine on a free port of loopback, with its record in memory unless one is given; `environ` as in the
    environment, for instance MAX_CALLS."""
    settings = load_settings({"AUDIOSOCKET_HOST": "127.0.0.1", "AUDIOSOCKET_PORT": "0", **environ})
    parts = Parts(voice=NumberedVoice())
    services = services_of(parts, MemoryJournal())
    engine = Engine(settings, Agents(parts.agent), services if journal is None else replace(services, journal=journal))
    server = call_server(engine)
    listener = bound_socket("AUDIOSOCKET", settings.audiosocket_host, settings.audiosocket_port)
    listen("AUDIOSOCKET", listener)
    host, port = listener.getsockname()[:2]
    with trio.fail_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as clockwork:
            await clockwork.start(engine.clock.run)
            clockwork.start_soon(serve_confirmation, engine.clock.all_legs, LevelModel())
            async with trio.open_nursery() as calls:
                calls.start_soon(serve_calls, listener, server, calls)
                yield MediaEngine(host, port, engine)
                calls.cancel_scope.cancel("the test is over")
            # the clock outlives the calls: it writes their hang-ups
            clockwork.cancel_scope.cancel("the test is over")
