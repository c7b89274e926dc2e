"""A recogniser as the engine opens it: the shipped entry point, settings from an environment, a bridge of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from backends.stt import google, whisper
from backends.stt.recognizer import SpeechRecognizer
from callengine.config import load_settings
from callengine.services.bridge import open_bridge

NOBODY_THERE = "127.0.0.1:1"  # a privileged port that nothing serves


@asynccontextmanager
async def open_whisper(url: str, **environ: str) -> AsyncIterator[SpeechRecognizer]:
    """The client of the whisper-server at `url`; `environ` as in the environment, for instance WHISPER_TOKEN."""
    settings = load_settings({"WHISPER_URL": url, **environ})
    async with open_bridge() as bridge:
        async with whisper.open_recognizer(settings, bridge) as recognizer:
            yield recognizer
        await bridge.run(_pass_through_the_queue)


@asynccontextmanager
async def open_google(address: str, **environ: str) -> AsyncIterator[SpeechRecognizer]:
    """The client of Google Speech, for which the whisper-server at `address` stands in."""
    settings = load_settings({"GOOGLE_STT_ENDPOINT": f"grpc://{address}", **environ})
    async with open_bridge() as bridge:
        async with google.open_recognizer(settings, bridge) as recognizer:
            yield recognizer
        await bridge.run(_pass_through_the_queue)


@asynccontextmanager
async def open_whisper_and_google(url: str, address: str) -> AsyncIterator[tuple[SpeechRecognizer, SpeechRecognizer]]:
    """Both, as for STT_BACKEND and STT_FALLBACK: on one bridge, for a process has one."""
    settings = load_settings({"WHISPER_URL": url, "GOOGLE_STT_ENDPOINT": f"grpc://{address}"})
    async with open_bridge() as bridge:
        async with (
            whisper.open_recognizer(settings, bridge) as ours,
            google.open_recognizer(settings, bridge) as theirs,
        ):
            yield ours, theirs
        await bridge.run(_pass_through_the_queue)


async def _pass_through_the_queue() -> None:
    """gRPC has one queue of events for the process: those of cancelled streams must be out of it before the loop that
    they are for is closed, or the next test's loop meets them. They come in order, so one call that ends is enough."""
    async with grpc.aio.insecure_channel(NOBODY_THERE) as channel:
        with suppress(grpc.RpcError):
            await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
