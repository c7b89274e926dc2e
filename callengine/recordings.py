"""Recordings and what becomes of them: leftovers mended, calls recorded, files sent and deleted. Put together here."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
import trio

from callengine.config import Settings
from callengine.housekeeping import House, Limits, serve_housekeeping
from callengine.metrics import recordings_total
from callengine.ports.journal import RecordingKept
from callengine.recording.files import Place, mend_leftovers
from callengine.recording.recorder import Recorder, open_recorder
from callengine.recording.uploads import Uploads

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_recordings(
    settings: Settings, house: House, note: Callable[[RecordingKept], None]
) -> AsyncIterator[Recorder | None]:
    """The recorder, where calls are to be recorded; the housekeeping and the sending of files run in any case, for what
    was recorded before. `note` takes what the record of a call is to say."""
    place = Place(house.recordings, settings.node_name, uploads=house.bucket is not None)
    for kept in await trio.to_thread.run_sync(mend_leftovers, place):
        recordings_total.labels("mended").inc()
        log.info("a recording was cut off with its engine: it is whole now", file=kept.file)
        note(kept)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            serve_housekeeping, house, Limits(settings.retention_days, settings.recording_retention_days)
        )
        finished = note
        if house.bucket is not None:
            uploads = Uploads(place, house.bucket.put, note, keep_local=settings.recording_keep_local)
            nursery.start_soon(uploads.run)

            def finished(kept: RecordingKept) -> None:
                note(kept)
                uploads.wake()

        if settings.recording:
            async with open_recorder(place, settings.recording_least_free_mb << 20, finished) as recorder:
                yield recorder
        else:
            yield None
        nursery.cancel_scope.cancel("the engine ends")
