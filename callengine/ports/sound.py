"""The sound of a recorded call, for whoever may hear it: read in parts, wherever it is kept."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from callengine.ports.journal import RecordingKept


@dataclass(frozen=True, slots=True)
class Sound:
    """A WAV file of `size` bytes. `read` gives so many of them from a place on, all within the file; it raises
    ServiceError. `where`: disk or s3."""

    size: int
    read: Callable[[int, int], Awaitable[bytes]]
    where: str


# None: it is not to be had here (any more). Raises ServiceError.
OpenSound = Callable[[RecordingKept], Awaitable[Sound | None]]
