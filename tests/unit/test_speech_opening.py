"""A stream that ends while its configuration is on its way: what gRPC says of it, and what we make of that."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import pytest

from backends.stt import wire_v2
from backends.stt.stream import Service, open_stream
from backends.stt.wire import Dialect
from callengine.errors import RecognizerError, RecognizerReason
from callengine.ports.recognition import StreamSpec

LOST = "Internal error from Core"  # of a write that meets the end of its RPC


def rpc_error(code: grpc.StatusCode, details: str) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details)


class Call:
    """An RPC whose first write fails, and which knows of itself how it ended."""

    def __init__(self, error: Exception, code: grpc.StatusCode, details: str) -> None:
        self._error = error
        self._code, self._details = code, details
        self.cancelled = False

    async def write(self, _message: object) -> None:
        raise self._error

    async def code(self) -> grpc.StatusCode:
        return self._code

    async def details(self) -> str:
        return self._details

    def cancel(self) -> None:
        self.cancelled = True


class Channel:
    """Opens that one call."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def stream_stream(self, _method: str, **_codec: object) -> Callable[..., Call]:
        return lambda **_options: self._call


class Here:
    """A bridge to nowhere else."""

    async def run(self, afn: Callable[..., Awaitable[Any]], /, *args: object) -> Any:
        return await afn(*args)


class Witness:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[RecognizerError] = []

    def failed(self, error: RecognizerError) -> None:
        self.told.append(error)

    def well(self) -> None:
        raise AssertionError("it was not")


FULL = grpc.StatusCode.RESOURCE_EXHAUSTED, "All 4 streams are in use."


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (rpc_error(*FULL), FULL, "overloaded"),
        (rpc_error(grpc.StatusCode.INTERNAL, LOST), FULL, "overloaded"),
        (rpc_error(grpc.StatusCode.INTERNAL, LOST), (grpc.StatusCode.INTERNAL, LOST), "ended"),
        (rpc_error(grpc.StatusCode.INTERNAL, "broken"), (grpc.StatusCode.INTERNAL, "broken"), "broken"),
    ],
)
async def test_a_write_that_meets_the_end_tells_how_it_ended_where_anybody_knows(
    error: Exception, status: tuple[grpc.StatusCode, str], reason: RecognizerReason
) -> None:
    call, witness = Call(error, *status), Witness()
    service = Service(Here(), wire_v2, Dialect("", "r"), "whisper-server at x")  # type: ignore[arg-type]
    channel: Any = Channel(call)
    with pytest.raises(RecognizerError) as caught:
        async with open_stream(channel, service, StreamSpec("ru-RU"), (), witness):
            pytest.fail("it was opened")
    assert caught.value.reason == reason
    assert caught.value.retryable
    assert witness.told == [caught.value]
    assert call.cancelled
