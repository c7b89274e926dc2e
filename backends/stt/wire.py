"""What the two versions of `google.cloud.speech` must each provide, so that one client speaks both.

Raw protobuf messages on a raw method path: the generated client adds retries, defaults and wrappers that a call must
not have, and the wrappers cost as much as the message."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from callengine.ports.recognition import StreamSpec

MAX_CHUNK_BYTES = 15_360  # the smaller of Google's two documented limits


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a service is asked for, besides the stream's own specification.

    `recognizer` is v2's resource name. `endpointing`, `hints`: whether the model knows such a field; one that does not
    refuses the stream."""

    model: str
    recognizer: str = ""
    endpointing: bool = True
    hints: bool = True


class Wire(Protocol):
    """One version of the service; implemented by the modules `wire_v1` and `wire_v2`."""

    METHOD: str
    Request: Any
    Response: Any

    def configuration(self, dialect: Dialect, spec: StreamSpec, hints: Sequence[str]) -> Any:
        """The first message of a stream."""
        ...

    def audio(self, slin: bytes) -> Any:
        """Every later message."""
        ...

    def event_time(self, response: Any) -> Any:
        """A response's protobuf Duration of a speech event."""
        ...

    def end_time(self, result: Any) -> Any | None:
        """A result's protobuf Duration, None where the service gave none."""
        ...

    def error(self, response: Any) -> Any | None:
        """The google.rpc.Status that a response carries instead of results."""
        ...
