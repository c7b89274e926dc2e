"""A stand-in recogniser's server: Google's streaming method on a free port, told on stdout, until stdin closes."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from google.cloud.speech_v2.types import cloud_speech

from tests.own_process import serve_grpc

SERVICE = "google.cloud.speech.v2.Speech"
Request: Any = cloud_speech.StreamingRecognizeRequest.pb()
Response: Any = cloud_speech.StreamingRecognizeResponse.pb()


async def serve_speech(recognize: Callable[[object, Any], Awaitable[None]]) -> None:
    """Serve `recognize(messages, context)` as StreamingRecognize."""
    server = grpc.aio.server()
    rpc = grpc.stream_stream_rpc_method_handler(recognize, Request.FromString, Response.SerializeToString)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"StreamingRecognize": rpc}),))
    await serve_grpc(server)
