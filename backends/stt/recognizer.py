"""The port's `Recognizer` over Google's proto, at one server or several: Google's and our own alike."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import grpc
import grpc.aio
import structlog
import trio

from backends.stt.faults import fault
from backends.stt.nodes import Node, preferred
from backends.stt.stream import open_stream
from callengine.errors import RecognizerError
from callengine.ports.recognition import RecognizerStream, StreamLimits, StreamSpec

CHECK_SECONDS = 10.0
MORE_PAUSES_SECONDS = (0.3, 1.0, 1.0, 1.0)
_TRIAL = bytes(1600)  # 100 ms of silence: a stream without any audio is refused for its order of messages

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SpeechRecognizer:
    """`trial` is the stream that a node must accept at the start, and `blame` names the setting for an answer that
    refuses it; `reach` asks a node later whether it still serves."""

    nodes: Sequence[Node]
    limits: StreamLimits
    trial: StreamSpec
    reach: Callable[[Node], Awaitable[None]]
    blame: Callable[[RecognizerError], RecognizerError]

    async def check(self) -> None:
        """Ask every node, and the first time also for the language and the model: one that refuses them is an error,
        one that is away is left to its circuit while another serves. Raises RecognizerError."""
        away: list[RecognizerError] = []
        for node in self.nodes:
            try:
                await self._check(node)
            except RecognizerError as error:
                if not error.retryable:
                    raise self.blame(error) from error
                away.append(error)
        if len(away) == len(self.nodes):
            raise away[0]
        for absence in away:
            log.warning("recogniser_node_away", error=str(absence))

    @asynccontextmanager
    async def open_stream(self, spec: StreamSpec, hints: Sequence[str] = ()) -> AsyncIterator[RecognizerStream]:
        async with AsyncExitStack() as stack:
            yield await self._open(stack, spec, hints)

    async def _open(self, stack: AsyncExitStack, spec: StreamSpec, hints: Sequence[str]) -> RecognizerStream:
        errors: list[RecognizerError] = []
        for node in preferred(self.nodes):
            try:
                async with AsyncExitStack() as attempt:
                    channel = attempt.enter_context(node.borrow())
                    opened = open_stream(channel, node.service, spec, hints, node)
                    stream = await attempt.enter_async_context(opened)
                    stack.push_async_exit(attempt.pop_all())
            except RecognizerError as error:
                errors.append(error)
            else:
                return stream
        raise errors[0]

    async def _check(self, node: Node) -> None:
        with trio.move_on_after(CHECK_SECONDS) as patience:
            if node.asked:
                await self._reach(node)
            else:
                await self._ask(node)
                node.asked = True
        if patience.cancelled_caught:
            problem = f"{node.service.where}: no answer in {CHECK_SECONDS:.0f} s"
            raise RecognizerError(problem, retryable=True, reason="unavailable")

    async def _reach(self, node: Node) -> None:
        try:
            await self.reach(node)
        except grpc.RpcError as error:
            raise fault(error.code(), error.details(), node.service.where) from error

    async def _ask(self, node: Node) -> None:
        """A stream of a little silence, to its end. A node that is full has let us in, and that will do."""
        ended = await self._try(node, 0.0)
        for pause in MORE_PAUSES_SECONDS:
            if ended is None:
                return
            ended = await self._try(node, pause)
        if ended is not None:
            raise ended

    async def _try(self, node: Node, pause: float) -> RecognizerError | None:
        """None where all is well, or how the stream ended without a word of what it thinks of us: a refusal that meets
        a message on its way is not told by gRPC (one in six on a busy machine), so there are more trials, and audio
        gives a refusal time to come first."""
        with node.borrow() as channel:
            try:
                async with open_stream(channel, node.service, self.trial, (), node) as stream:
                    await trio.sleep(pause)
                    await stream.send(_TRIAL)
                    await stream.finish()
                    while await stream.receive() is not None:
                        pass
            except RecognizerError as error:
                if error.ended:
                    return error
                if error.reason != "overloaded":
                    raise
        return None


def blaming(error: RecognizerError, setting: str, problem: str) -> RecognizerError:
    """The same refusal, with the setting that is to be changed and a line that says so."""
    return RecognizerError(f"{problem}: {error}", retryable=error.retryable, reason=error.reason, setting=setting)
