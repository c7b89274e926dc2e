"""Google's Speech service, in both versions, over one model: which RPC does what."""

import asyncio
import math
import random
from functools import partial

import grpc

from whisper_server.admission import Admission
from whisper_server.audio import SampleReader, Samples
from whisper_server.conversation import Context, Conversation, Wire, final, read_request
from whisper_server.decoding import DecodeQueue
from whisper_server.dialect import Dialect, Message, serialized
from whisper_server.errors import Refused, invalid
from whisper_server.events import Final
from whisper_server.faults import HEALTHY, Faults, StreamFaults
from whisper_server.request import Request
from whisper_server.session import FinalDecode, Session, Step
from whisper_server.vad import VoiceDetection, VoiceStream
from whisper_server.wording import Wording

# Google's limit for the unary call.
MAX_UNARY_SECONDS = 60


class Service:
    """What all requests share: the model's queue, voice detection, admission and the model's name."""

    def __init__(self, admission: Admission, queue: DecodeQueue, served: str, faults: Faults = HEALTHY) -> None:
        self._admission = admission
        self._queue = queue
        self._voices = VoiceDetection()
        self._served = served
        self._faults = faults
        self._streams = 0

    def handler(self, dialect: Dialect) -> grpc.GenericRpcHandler:
        """Return the RPCs of one version; LongRunningRecognize and the like are left UNIMPLEMENTED."""
        rpcs = {
            "StreamingRecognize": grpc.stream_stream_rpc_method_handler(
                partial(self._streaming_recognize, dialect),
                dialect.StreamingRequest.FromString,
                serialized,
            ),
            "Recognize": grpc.unary_unary_rpc_method_handler(
                partial(self._recognize, dialect),
                dialect.UnaryRequest.FromString,
                serialized,
            ),
        }
        return grpc.method_handlers_generic_handler(dialect.SERVICE, rpcs)

    async def _streaming_recognize(self, dialect: Dialect, _messages: object, context: Context) -> None:
        try:
            with self._admission.admit(context.invocation_metadata() or ()):
                wire = Wire(dialect, context, self._stream_faults(dialect))
                request = await read_request(wire, self._served)
                await Conversation(wire, request, Session(request, self._queue), self._voices).run()
        except Refused as refusal:
            await context.abort(refusal.code, refusal.text)

    async def _recognize(self, dialect: Dialect, message: Message, context: Context) -> Message:
        try:
            with self._admission.admit(context.invocation_metadata() or ()):
                request, audio = dialect.unary_request(message, self._served)
                samples = SampleReader(request.encoding).read(audio)
                response = dialect.unary_response(await self._finals(request, samples))
                dialect.sign(response, random.getrandbits(62), math.ceil(len(samples) / request.rate))
                return response
        except Refused as refusal:
            await context.abort(refusal.code, refusal.text)

    def _stream_faults(self, dialect: Dialect) -> StreamFaults:
        self._streams += 1
        spared = self._faults.streams is not None and self._streams > self._faults.streams
        faults = HEALTHY if spared else self._faults
        return StreamFaults(faults, dialect.TOO_LONG, asyncio.get_running_loop().time())

    async def _finals(self, request: Request, samples: Samples) -> list[Final]:
        if len(samples) > MAX_UNARY_SECONDS * request.rate:
            raise invalid(f"Sync input too long: at most {MAX_UNARY_SECONDS} seconds; use StreamingRecognize.")
        session, voice = Session(request, self._queue), VoiceStream(request.rate)
        wording = Wording(request)
        finals: list[Final] = []
        for start in range(0, len(samples), request.rate):
            # One utterance after another: a minute of audio at once would stand before every caller in the line.
            second = samples[start : start + request.rate]
            steps = session.feed(second, await self._voices.detect(voice, second))
            finals += await self._said(steps, wording, request.rate)
        return finals + await self._said(session.finish(), wording, request.rate)

    async def _said(self, steps: list[Step], wording: Wording, rate: int) -> list[Final]:
        finals: list[Final] = []
        for step in steps:
            if isinstance(step, FinalDecode):
                finals += await final(wording, step, rate)
        return finals
