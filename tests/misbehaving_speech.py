"""A speech service in a process of its own that does one thing wrong (or tells one thing), for clients to be tried on.

It says on its standard output where it listens, and ends with its standard input."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import grpc.aio
from google.cloud.speech_v2.types import cloud_speech

from tests.own_process import in_own_process, serve_grpc

SERVICE = "google.cloud.speech.v2.Speech"
Request = cloud_speech.StreamingRecognizeRequest.pb()
Response = cloud_speech.StreamingRecognizeResponse.pb()
ABORTS = {
    "duration_v2": (grpc.StatusCode.ABORTED, "Max duration of 5 minutes reached for stream."),
    "no_audio_v2": (grpc.StatusCode.ABORTED, "Stream timed out after receiving no more client requests."),
    "full": (grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded for quota metric 'Streaming requests'."),
    "internal": (grpc.StatusCode.INTERNAL, "Internal error encountered."),
    "denied": (grpc.StatusCode.PERMISSION_DENIED, "Permission 'speech.recognizers.recognize' denied."),
}


@contextmanager
def misbehaving(fault: str) -> Iterator[str]:
    """Run it; gives its `host:port`."""
    with in_own_process("tests.misbehaving_speech", fault) as address:
        yield address


class Service:
    """`count`: the number of the stream; `open_streams`: how many are open, this one among them."""

    def __init__(self, fault: str) -> None:
        self._fault = fault
        self._streams = 0
        self._open = 0

    async def recognize(self, _messages: object, context: Any) -> None:
        """One stream."""
        self._streams += 1
        self._open += 1
        try:
            await context.read()
            await self._answer(context)
        finally:
            self._open -= 1

    async def _answer(self, context: Any) -> None:
        if self._fault in ABORTS:
            await context.abort(*ABORTS[self._fault])
        if self._fault == "closes":
            return
        while await context.read() is not grpc.aio.EOF:
            pass
        said = {"count": self._streams, "open_streams": self._open}.get(self._fault, "words")
        response = Response()
        result = response.results.add(is_final=True)
        result.alternatives.add(transcript=str(said))
        if self._fault != "timeless":
            result.result_end_offset.nanos = 100_000_000
        await context.write(response)


async def serve(fault: str) -> None:
    """Serve until standard input closes."""
    server = grpc.aio.server()
    rpc = grpc.stream_stream_rpc_method_handler(
        Service(fault).recognize, Request.FromString, Response.SerializeToString
    )
    handlers = grpc.method_handlers_generic_handler(SERVICE, {"StreamingRecognize": rpc})
    server.add_generic_rpc_handlers((handlers,))
    await serve_grpc(server)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
