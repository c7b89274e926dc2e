"""One prompt's way through Google: requests, answers as raw samples, and what a status means for the caller.

`StreamingSynthesize` for voices that have it: the first sound comes before the last is made. Unary for the others."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc
import grpc.aio
import trio

from backends.tts import google_wire as wire
from callengine.errors import SynthesisError
from callengine.ports.bridge import Bridge
from callengine.ports.synthesis import Prompt

FIRST_SECONDS = 2.5  # without a sound: a caller is listening to nothing, and there is another voice
NEXT_SECONDS = 2.5
SECONDS_PER_CHARACTER = 0.01  # unary: the whole is made before any of it comes
TOLD_SECONDS = 0.3
DEADLINE_SECONDS = 60.0  # ends an RPC that everything else has forgotten
_LONGEST_TEXT = 300
_REFUSED = {
    grpc.StatusCode.UNAUTHENTICATED: "GOOGLE_APPLICATION_CREDENTIALS",
    grpc.StatusCode.PERMISSION_DENIED: "GOOGLE_APPLICATION_CREDENTIALS",
    grpc.StatusCode.INVALID_ARGUMENT: "GOOGLE_TTS_VOICE",
    grpc.StatusCode.NOT_FOUND: "GOOGLE_TTS_VOICE",
    grpc.StatusCode.OUT_OF_RANGE: "GOOGLE_TTS_VOICE",
    grpc.StatusCode.FAILED_PRECONDITION: "GOOGLE_TTS_VOICE",
    grpc.StatusCode.UNIMPLEMENTED: "GOOGLE_TTS_ENDPOINT",
}
# A connection that broke, a server that has just gone: the next attempt may meet another one.
_AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.ABORTED, grpc.StatusCode.UNKNOWN)


@dataclass(frozen=True)
class Service:
    """Where Google is: connections in turn, and its name for error texts."""

    bridge: Bridge
    channels: Sequence[grpc.aio.Channel]
    where: str
    _turn: Iterator[int] = field(default_factory=itertools.count)

    def channel(self) -> grpc.aio.Channel:
        return self.channels[next(self._turn) % len(self.channels)]


class Answers(Protocol):
    """The raw samples of one prompt, as they come."""

    async def receive(self) -> bytes | None:
        """More slin at 8 kHz, or None at the end. Raises SynthesisError."""
        ...

    def cancel(self) -> None:
        """Give up what has not come."""
        ...


class Unary:
    """`SynthesizeSpeech`, one piece of the text after the other."""

    def __init__(self, service: Service, voice: str, prompt: Prompt) -> None:
        self._service = service
        self._requests = [wire.synthesize_request(text, voice, prompt) for text in wire.inputs(prompt.text)]
        self._call: Any = None

    async def receive(self) -> bytes | None:
        if not self._requests:
            await trio.lowlevel.checkpoint()
            return None
        request = self._requests[0]
        patience = FIRST_SECONDS + SECONDS_PER_CHARACTER * len(request.input.text)
        response = await attempt(self._service, patience, lambda: self._service.bridge.run(self._ask, request))
        del self._requests[0]
        return wire.pcm_of(response.audio_content, self._service.where)

    def cancel(self) -> None:
        if self._call is not None:
            self._call.cancel()

    async def _ask(self, request: Any) -> Any:
        method = self._service.channel().unary_unary(
            f"{wire.SERVICE}/SynthesizeSpeech",
            request_serializer=wire.SynthesizeRequest.SerializeToString,
            response_deserializer=wire.SynthesizeResponse.FromString,
        )
        self._call = method(request, timeout=DEADLINE_SECONDS)
        return await self._call


class Streaming:
    """`StreamingSynthesize`: all of the text at once, its speech as it is made."""

    def __init__(self, service: Service, voice: str, prompt: Prompt) -> None:
        self._service = service
        self._messages = tuple(wire.stream_requests(wire.inputs(prompt.text), voice, prompt))
        self._call: Any = None
        self._responses: AsyncIterator[Any] | None = None
        self._begun = False
        self._pause = 0.0

    async def receive(self) -> bytes | None:
        if self._begun:
            response = await patiently(self._service, NEXT_SECONDS, self._next)
        else:
            response = await attempt(self._service, FIRST_SECONDS, self._first)
            self._begun = True
        return None if response is None else bytes(response.audio_content)

    def cancel(self) -> None:
        if self._call is not None:
            self._call.cancel()

    async def _first(self) -> Any:
        return await self._service.bridge.run(self._start)

    async def _next(self) -> Any:
        return await self._service.bridge.run(_following, self._responses)

    async def _start(self) -> Any:
        method = self._service.channel().stream_stream(
            f"{wire.SERVICE}/StreamingSynthesize",
            request_serializer=wire.StreamRequest.SerializeToString,
            response_deserializer=wire.StreamResponse.FromString,
        )
        self._call = method(_Sending(self._messages, self._pause), timeout=DEADLINE_SECONDS)
        self._pause = TOLD_SECONDS
        self._responses = aiter(self._call)
        return await _following(self._responses)


class _Sending:
    """The messages of a stream, as gRPC takes them, with a pause behind the first: of a refusal that meets a message on
    its way gRPC does not tell what it says, so another attempt gives it time to come."""

    def __init__(self, messages: Sequence[Any], pause: float) -> None:
        self._messages = messages
        self._pause = pause
        self._sent = 0

    def __aiter__(self) -> "_Sending":
        return self

    async def __anext__(self) -> Any:
        if self._sent == len(self._messages):
            raise StopAsyncIteration
        if self._sent == 1:
            await asyncio.sleep(self._pause)
        self._sent += 1
        return self._messages[self._sent - 1]


async def _following(responses: Any) -> Any:
    """The next response that has sound, None at the end."""
    while (response := await anext(responses, None)) is not None:
        if response.audio_content:
            return response
    return None


async def attempt(service: Service, seconds: float, ask: Callable[[], Any]) -> Any:
    """The answer to what can be asked once more as long as nothing has come. Raises SynthesisError."""
    try:
        return await _within(service, seconds, ask)
    except grpc.RpcError as error:
        if error.code() not in _AGAIN:
            raise fault(error, service.where) from error
    return await patiently(service, seconds, ask)


async def patiently(service: Service, seconds: float, ask: Callable[[], Any]) -> Any:
    """An answer within its time. Raises SynthesisError."""
    try:
        return await _within(service, seconds, ask)
    except grpc.RpcError as error:
        raise fault(error, service.where) from error


async def _within(service: Service, seconds: float, ask: Callable[[], Any]) -> Any:
    with trio.move_on_after(seconds):
        return await ask()
    problem = f"{service.where}: no answer in {seconds:.1f} s"
    raise SynthesisError(problem, retryable=True, setting="GOOGLE_TTS_ENDPOINT")


def fault(error: grpc.RpcError, where: str) -> SynthesisError:
    """Our error for a status. What is not known to be a refusal may go well another time; a quota is one of these."""
    code = error.code()
    text = " ".join((error.details() or "").split())[:_LONGEST_TEXT]
    setting = _REFUSED.get(code, "GOOGLE_TTS_ENDPOINT" if code is grpc.StatusCode.UNAVAILABLE else "")
    return SynthesisError(f"{where}: {code.name}: {text}", retryable=code not in _REFUSED, setting=setting)
