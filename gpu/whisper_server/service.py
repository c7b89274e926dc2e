"""Google's Speech service, in both versions, over one model: which RPC does what."""

import asyncio
from functools import partial

import grpc

from whisper_server.admission import Admission
from whisper_server.audio import SampleReader
from whisper_server.conversation import Context, Conversation, final, read_request
from whisper_server.decoding import DecodeQueue
from whisper_server.dialect import Dialect, Message
from whisper_server.errors import Refused, invalid
from whisper_server.events import Final
from whisper_server.request import Request
from whisper_server.session import FinalDecode, Session, Step
from whisper_server.vad import Silero
from whisper_server.wording import Wording

# Google's limit for the unary call.
MAX_UNARY_SECONDS = 60


class Service:
    """What all requests share: the model's queue, voice detection, admission and the model's name."""

    def __init__(self, admission: Admission, queue: DecodeQueue, served: str) -> None:
        self._admission = admission
        self._queue = queue
        self._silero = Silero()
        self._served = served

    def handler(self, dialect: Dialect) -> grpc.GenericRpcHandler:
        """Return the RPCs of one version; LongRunningRecognize and the like are left UNIMPLEMENTED."""
        rpcs = {
            "StreamingRecognize": grpc.stream_stream_rpc_method_handler(
                partial(self._streaming_recognize, dialect),
                dialect.StreamingRequest.FromString,
                dialect.StreamingResponse.SerializeToString,
            ),
            "Recognize": grpc.unary_unary_rpc_method_handler(
                partial(self._recognize, dialect),
                dialect.UnaryRequest.FromString,
                dialect.UnaryResponse.SerializeToString,
            ),
        }
        return grpc.method_handlers_generic_handler(dialect.SERVICE, rpcs)

    async def _streaming_recognize(self, dialect: Dialect, _messages: object, context: Context) -> None:
        try:
            with self._admission.admit(context.invocation_metadata() or ()):
                request = await read_request(context, dialect, self._served)
                await Conversation(dialect, context, request, self._session(request)).run()
        except Refused as refusal:
            await context.abort(refusal.code, refusal.text)

    async def _recognize(self, dialect: Dialect, message: Message, context: Context) -> Message:
        try:
            with self._admission.admit(context.invocation_metadata() or ()):
                request, audio = dialect.unary_request(message, self._served)
                return dialect.unary_response(await self._finals(request, audio))
        except Refused as refusal:
            await context.abort(refusal.code, refusal.text)

    def _session(self, request: Request) -> Session:
        return Session(request, self._silero.open_stream(request.rate), self._queue)

    async def _finals(self, request: Request, audio: bytes) -> list[Final]:
        samples = SampleReader(request.encoding).read(audio)
        if len(samples) > MAX_UNARY_SECONDS * request.rate:
            raise invalid(f"Sync input too long: at most {MAX_UNARY_SECONDS} seconds; use StreamingRecognize.")
        session = self._session(request)
        wording = Wording(request)
        finals: list[Final] = []
        for start in range(0, len(samples), request.rate):
            # One utterance after another: a minute of audio at once would stand before every caller in the line.
            finals += await self._said(session.feed(samples[start : start + request.rate]), wording, request.rate)
            # A second of audio holds the loop for about 3 ms; the streams get their turn in between.
            await asyncio.sleep(0)
        return finals + await self._said(session.finish(), wording, request.rate)

    async def _said(self, steps: list[Step], wording: Wording, rate: int) -> list[Final]:
        finals: list[Final] = []
        for step in steps:
            if isinstance(step, FinalDecode):
                finals += await final(wording, step, rate)
        return finals
