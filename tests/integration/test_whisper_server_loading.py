"""whisper-server while its model is being loaded: it answers, and says that it does not serve yet."""

import asyncio
import threading
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from whisper_server import server
from whisper_server.errors import StartError
from whisper_server.settings import load_settings

from tests.plain_asyncio import run_plain
from tests.ports import held_ports

pytestmark = pytest.mark.integration

STREAM = "/google.cloud.speech.v2.Speech/StreamingRecognize"
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def test_it_is_not_serving_and_refuses_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = threading.Event()

    def load_decoder(*_: object) -> Any:
        loaded.wait(300)
        raise StartError("it was loaded long enough")

    monkeypatch.setattr(server, "load_decoder", load_decoder)
    for name, value in (("DEVICE", "cpu"), ("METRICS_PORT", "off")):
        monkeypatch.setenv(f"WHISPER_{name}", value)

    async def ask(address: str) -> None:
        serving = asyncio.create_task(server.serve(load_settings()))
        try:
            async with grpc.aio.insecure_channel(address) as channel:
                await asyncio.wait_for(channel.channel_ready(), 60)
                for service in ("", "google.cloud.speech.v1.Speech", "google.cloud.speech.v2.Speech"):
                    request = health_pb2.HealthCheckRequest(service=service)
                    answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=60)
                    assert answer.status == NOT_SERVING
                stream: Any = channel.stream_stream(STREAM)(timeout=60)
                assert await stream.code() is grpc.StatusCode.UNAVAILABLE
                assert "being loaded" in await stream.details()
        finally:
            loaded.set()
        with pytest.raises(StartError, match="long enough"):
            await serving

    with held_ports(1) as (port,):
        monkeypatch.setenv("WHISPER_LISTEN", f"127.0.0.1:{port}")
        run_plain(ask(f"127.0.0.1:{port}"))
