"""A stand-in recogniser's server: Google's streaming method on a free port, told on stdout, until stdin closes."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from google.cloud.speech_v2.types import cloud_speech

SERVICE = "google.cloud.speech.v2.Speech"
Request: Any = cloud_speech.StreamingRecognizeRequest.pb()
Response: Any = cloud_speech.StreamingRecognizeResponse.pb()


async def serve_speech(recognize: Callable[[object, Any], Awaitable[None]]) -> None:
    """Serve `recognize(messages, context)` as StreamingRecognize."""
    server = grpc.aio.server()
    rpc = grpc.stream_stream_rpc_method_handler(recognize, Request.FromString, Response.SerializeToString)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"StreamingRecognize": rpc}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)  # noqa: T201
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop(None)
