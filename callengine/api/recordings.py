"""`GET /api/v1/calls/{uuid}/recording`: the sound of a call, whole or in parts, and a line in the log of who had it."""

import re
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import StreamingResponse

from callengine.api.problems import described
from callengine.api.state import ApiState
from callengine.ports.sound import Sound

MEDIA_TYPE = "audio/wav"
PART_BYTES = 512 << 10  # sixteen seconds, read when the part before it has gone out
RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)

log = structlog.get_logger(__name__)


class SoundStream:
    """An async iterator over a part of a sound. The first bytes are read before anything is answered, so that what
    cannot be read is an error and not a broken answer."""

    def __init__(self, sound: Sound, start: int, end: int) -> None:
        """From byte `start` up to, without, `end`."""
        self._sound = sound
        self._at, self._end = start, end
        self._first = b""

    async def begin(self) -> None:
        """Read the first part. Raises ServiceError."""
        self._first = await self._read()

    def __aiter__(self) -> "SoundStream":
        return self

    async def __anext__(self) -> bytes:
        part, self._first = self._first or await self._read(), b""
        if not part:
            raise StopAsyncIteration
        return part

    async def _read(self) -> bytes:
        length = min(PART_BYTES, self._end - self._at)
        part = await self._sound.read(self._at, length) if length else b""
        self._at += len(part)
        return part


def recording_routes(state: ApiState) -> APIRouter:
    """The sound of calls."""
    router = APIRouter(prefix="/api/v1", responses=described(401, 404, 416, 422, 429, 503))
    sound: dict[str, Any] = {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
    parts: dict[int | str, dict[str, Any]] = {
        200: {"content": sound},
        206: {"description": "The part that the header Range (one range of bytes) asks for", "content": sound},
    }

    @router.get("/calls/{call_id}/recording", response_class=StreamingResponse, responses=parts)
    async def recording(
        call_id: UUID,
        request: Request,
        number: Annotated[int, Query(ge=1, le=1000, description="which of the call's `recordings`")] = 1,
    ) -> StreamingResponse:
        """The sound of a call as WAV, the caller left, the agent right. It needs API_TOKEN; the read token is not
        enough."""
        record = await state.journal.call(str(call_id))
        kept = record.recordings[number - 1 : number] if record is not None else ()
        if not kept:
            raise HTTPException(404, "no such recording: the call is unknown, was not recorded, or is forgotten")
        found = await state.open_sound(kept[0])
        if found is None:
            raise HTTPException(404, f"the recording is not here any more, or on the disk of the node {kept[0].node}")
        start, end, partial = wanted(request.headers.get("range", ""), found.size)
        stream = SoundStream(found, start, end)
        await stream.begin()
        peer = request.client.host if request.client else ""
        log.info("recording_served", call_id=str(call_id), number=number, where=found.where, peer=peer, start=start)
        headers = {"Accept-Ranges": "bytes", "Content-Length": str(end - start)}
        if partial:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.size}"
        return StreamingResponse(stream, 206 if partial else 200, headers, MEDIA_TYPE)

    return router


def wanted(text: str, size: int) -> tuple[int, int, bool]:
    """The bytes that a header Range asks for (RFC 9110, section 14), up to without the second, and whether they are a
    part. Several ranges and what is none are all of it. Raises HTTPException 416."""
    found = RANGE.fullmatch(text.strip())
    first, last = found.groups() if found else ("", "")
    if not first and not last:
        return 0, size, False
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if first and last and int(last) < int(first):
        return 0, size, False  # no range, by section 14.1.1
    if start >= size:
        raise HTTPException(416, f"the recording has {size} bytes", {"Content-Range": f"bytes */{size}"})
    return start, end, True
