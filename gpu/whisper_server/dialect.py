"""What the two versions of Google's proto must each provide, so that one service can speak both."""

from datetime import timedelta
from typing import Any, Protocol

from google.protobuf.duration_pb2 import Duration

from whisper_server.errors import Refused
from whisper_server.events import Event, Final
from whisper_server.request import Request

# A protobuf message; the classes are built at run time and have no static types.
Message = Any


class Dialect(Protocol):
    """One version of `google.cloud.speech`; implemented by the modules `dialect_v1` and `dialect_v2`."""

    SERVICE: str
    StreamingRequest: Message
    StreamingResponse: Message
    UnaryRequest: Message
    UnaryResponse: Message
    NO_AUDIO: Refused
    TOO_LONG: Refused
    TELLS_TIMEOUT: bool

    def has_config(self, message: Message) -> bool:
        """Tell whether a streaming message carries a configuration."""

    def audio(self, message: Message) -> bytes:
        """Return the audio of a streaming message, empty if it has none."""

    def streaming_request(self, message: Message, served: str) -> Request:
        """Read the first message; `served` is the model's name. Raises `Refused`."""

    def unary_request(self, message: Message, served: str) -> tuple[Request, bytes]:
        """Read a Recognize request and its audio. Raises `Refused`."""

    def streaming_response(self, event: Event) -> Message:
        """Say one event."""

    def unary_response(self, finals: list[Final]) -> Message:
        """Say all finals of a Recognize request."""

    def sign(self, response: Message, request_id: int, billed_seconds: int | None) -> None:
        """Write into a response which request it answers, and, into the last one, how much audio there was."""


def serialized(response: Message) -> bytes:
    """Return the bytes that go out; bytes, which only a fault on purpose sends, go as they are."""
    return response if isinstance(response, bytes) else bytes(response.SerializeToString())


def optional_seconds(message: Message, name: str) -> float | None:
    """Return a duration field in seconds, None where it is not set."""
    return float(getattr(message, name).ToTimedelta().total_seconds()) if message.HasField(name) else None


def duration(seconds: float) -> Duration:
    """Return the time as protobuf has it."""
    result = Duration()
    result.FromTimedelta(timedelta(seconds=seconds))
    return result
