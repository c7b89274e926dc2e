"""One `StreamingRecognize` RPC as the port's `RecognizerStream`, of either version of the service."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc
import grpc.aio
import trio

from backends.stt.faults import fault
from backends.stt.wire import MAX_CHUNK_BYTES, Dialect, Wire
from callengine.errors import RecognizerError
from callengine.ports.bridge import CANCELLED_HERE, Bridge
from callengine.ports.recognition import Final, Interim, RecognizerEvent, SpeechEnded, SpeechStarted, StreamSpec

OPEN_SECONDS = 5.0
SEND_SECONDS = 10.0  # a service that has taken no audio for so long is stuck
_BEGIN, _END = 2, 3  # SpeechEventType.SPEECH_ACTIVITY_BEGIN, _END: the same in both versions
_WRITE_FAILED = "Internal error from Core"  # grpc.aio's words where a message could not be written
_CODES = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True)
class Service:
    """Where and how streams are opened. `where` is for error texts.

    `deadline_seconds` ends an RPC that everything else has forgotten."""

    bridge: Bridge
    wire: Wire
    dialect: Dialect
    where: str
    metadata: tuple[tuple[str, str], ...] = ()
    deadline_seconds: float = 3600.0


class Witness(Protocol):
    """Who learns how a service's streams fare: its node."""

    def failed(self, error: RecognizerError) -> None:
        """A stream failed; the error is raised next."""
        ...

    def well(self) -> None:
        """The service has answered."""
        ...


@dataclass(slots=True)
class SpeechStream:
    """An open stream."""

    call: Any
    service: Service
    rate: int
    witness: Witness
    _events: deque[RecognizerEvent] = field(default_factory=deque)
    _sent: int = 0
    _final_end: int = 0
    _speech_start: int = 0

    async def send(self, slin: bytes) -> None:
        if len(slin) > MAX_CHUNK_BYTES:
            problem = f"{self.service.where}: a chunk of {len(slin)} bytes; at most {MAX_CHUNK_BYTES} may be sent"
            raise RecognizerError(problem, retryable=False, reason="refused")
        with trio.move_on_after(SEND_SECONDS) as patience:
            await self._rpc(self.call.write, self.service.wire.audio(slin))
            self._sent += len(slin) // 2
        if patience.cancelled_caught:
            raise self.failure(grpc.StatusCode.DEADLINE_EXCEEDED, f"it took no audio for {SEND_SECONDS:.0f} s")

    async def finish(self) -> None:
        await self._rpc(self.call.done_writing)

    async def receive(self) -> RecognizerEvent | None:
        while not self._events:
            response = await self._rpc(self.call.read)
            if response is grpc.aio.EOF:
                return None
            self._take(response)
        return self._events.popleft()

    async def _rpc(self, step: Callable[..., Awaitable[Any]], *args: object) -> Any:
        try:
            return await self.service.bridge.step(_step, self.call, step, *args)
        except grpc.RpcError as error:
            raise self.failure(error.code(), error.details()) from error
        except _Over as over:
            raise self.failure(over.code, over.details) from over

    def failure(self, code: grpc.StatusCode, details: str | None) -> RecognizerError:
        """The error for a status; the witness has been told."""
        error = fault(code, details, self.service.where)
        self.witness.failed(error)
        return error

    def _take(self, response: Any) -> None:
        wire = self.service.wire
        if (status := wire.error(response)) is not None:
            raise self.failure(_CODES.get(status.code, grpc.StatusCode.UNKNOWN), status.message)
        self.witness.well()
        if response.speech_event_type == _BEGIN:
            self._speech_start = max(self._final_end, self._position(wire.event_time(response)))
            self._events.append(SpeechStarted(self._speech_start))
        elif response.speech_event_type == _END:
            self._events.append(SpeechEnded(self._position(wire.event_time(response))))
        interims = []
        for result in response.results:
            if result.is_final and result.alternatives:
                self._events.append(self._final(result))
            elif result.alternatives:
                interims.append(result)
        if interims:
            # a stable prefix and an unstable tail are one hypothesis, as stable as its weaker part
            text = "".join(result.alternatives[0].transcript for result in interims)
            end = max(self._end(result) for result in interims)
            self._events.append(Interim(text.strip(), min(result.stability for result in interims), end))

    def _final(self, result: Any) -> Final:
        best = result.alternatives[0]
        end = self._end(result)
        start = min(max(self._speech_start, self._final_end), end)
        self._final_end = max(self._final_end, end)
        return Final(best.transcript.strip(), start, end, best.confidence)

    def _end(self, result: Any) -> int:
        """Where a result ends; one without a time ends where the audio does, or its words would be taken for old."""
        offset = self.service.wire.end_time(result)
        return self._sent if offset is None else self._position(offset)

    def _position(self, offset: Any) -> int:
        """Samples for a protobuf Duration."""
        return int(offset.seconds) * self.rate + round(int(offset.nanos) * self.rate / 1_000_000_000)


class _Over(Exception):  # noqa: N818  (it carries a status from asyncio's side to ours)
    """The RPC had ended before this step of it."""

    def __init__(self, code: grpc.StatusCode, details: str | None) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


async def _step(call: Any, step: Callable[..., Awaitable[Any]], *args: object) -> Any:
    """One step of the RPC; gRPC's ways of saying that the RPC is over are made one."""
    try:
        return await step(*args)
    except asyncio.InvalidStateError:
        pass  # the RPC has ended; how, is told below
    except grpc.RpcError as error:
        if error.details() != _WRITE_FAILED:
            raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()  # of `run`; `step` has none
        if CANCELLED_HERE in error.args or (task is not None and task.cancelling()):
            raise
        raise _Over(grpc.StatusCode.CANCELLED, "another step of the stream was cancelled") from None  # noqa: ASYNC104
    code, details = await call.code(), await call.details()
    if code is grpc.StatusCode.OK or details == _WRITE_FAILED:
        # For audio that was on its way an end in good order is an end like any other; of a write that meets the end,
        # grpc.aio does not tell how it ended. The next stream will.
        code, details = grpc.StatusCode.ABORTED, "the stream ended while audio was on its way"
    raise _Over(code, details)


@asynccontextmanager
async def open_stream(
    channel: grpc.aio.Channel,
    service: Service,
    spec: StreamSpec,
    hints: Sequence[str],
    witness: Witness,
) -> AsyncIterator[SpeechStream]:
    """A stream whose configuration has been sent. Leaving the block cancels the RPC. Raises RecognizerError."""
    stream = SpeechStream(None, service, spec.rate, witness)
    configuration = service.wire.configuration(service.dialect, spec, hints)
    try:
        with trio.move_on_after(OPEN_SECONDS) as patience:
            stream.call = await service.bridge.run(_start, channel, service, configuration)
    except grpc.RpcError as error:
        raise stream.failure(error.code(), error.details()) from error
    except _Over as over:
        raise stream.failure(over.code, over.details) from over
    if stream.call is None or patience.cancelled_caught:
        raise stream.failure(grpc.StatusCode.UNAVAILABLE, f"no connection in {OPEN_SECONDS:.0f} s")
    try:
        yield stream
    finally:
        stream.call.cancel()


async def _start(channel: grpc.aio.Channel, service: Service, configuration: Any) -> Any:
    wire = service.wire
    method = channel.stream_stream(
        wire.METHOD,
        request_serializer=wire.Request.SerializeToString,
        response_deserializer=wire.Response.FromString,
    )
    call = method(metadata=service.metadata, timeout=service.deadline_seconds)
    try:
        await _step(call, call.write, configuration)
    except BaseException:
        call.cancel()  # or a stream nobody holds would be open on the wire
        raise
    return call
