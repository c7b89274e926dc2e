"""Recordings to S3 after their calls, one at a time, in a thread. What could not be sent waits on disk, also for the
next engine."""

from collections.abc import Callable
from pathlib import Path

import structlog
import trio

from callengine.errors import ServiceError
from callengine.media.audio import RATE
from callengine.metrics import recording_uploads_total, recordings_waiting
from callengine.ports.journal import RecordingKept
from callengine.recording.files import Place, began_of, call_of, to_upload, uploaded
from callengine.recording.wav import samples_in

AGAIN_SECONDS = 60.0  # after a failure, and to look whether another engine has left something

log = structlog.get_logger(__name__)

Put = Callable[[Path, str], str]  # a file and its key; gives its URL. Raises ServiceError, OSError


class Uploads:
    """Sends what waits while `run` runs; `note` takes where it is then."""

    def __init__(self, place: Place, put: Put, note: Callable[[RecordingKept], None], *, keep_local: bool) -> None:
        self._place = place
        self._put = put
        self._note = note
        self._keep_local = keep_local
        self._wake = trio.Event()
        self._failing = False

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    async def run(self) -> None:
        """Send what waits, for ever."""
        while True:
            self._wake = trio.Event()
            await self.send_waiting()
            with trio.move_on_after(AGAIN_SECONDS):
                await self._wake.wait()
                if self._failing:
                    await trio.sleep_forever()  # no more often for being asked more often

    async def send_waiting(self) -> None:
        """Send what waits now, the oldest first, until one fails."""
        files = await trio.to_thread.run_sync(to_upload, self._place.folder)
        for left, file in zip(range(len(files), 0, -1), files, strict=True):
            recordings_waiting.set(left)
            try:
                # an upload that hangs must not hold up the engine's end: it is sent again
                sent = await trio.to_thread.run_sync(self._send, file, abandon_on_cancel=True)
            except (ServiceError, OSError) as error:
                recording_uploads_total.labels("failed").inc()
                if not self._failing:
                    log.error("recordings wait for S3", waiting=left, problem=str(error))
                self._failing = True
                return
            if sent is not None:
                self._note(sent)
                recording_uploads_total.labels("ok").inc()
            if self._failing:
                log.info("recordings go to S3 again")
            self._failing = False
        recordings_waiting.set(0)

    def _send(self, file: str) -> RecordingKept | None:
        """None: it was deleted meanwhile."""
        path = self._place.folder / file
        began = began_of(file)
        if began is None or not path.exists():
            uploaded(self._place.folder, file, keep=True)
            return None
        seconds = samples_in(path.stat().st_size) / RATE
        url = self._put(path, file)
        uploaded(self._place.folder, file, keep=self._keep_local)
        return RecordingKept(call_of(file), file, self._place.node, began, seconds, url)
