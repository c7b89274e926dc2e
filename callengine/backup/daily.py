"""A backup each day at the same time, and again soon where one fails."""

from collections.abc import Awaitable, Callable
from datetime import datetime, time, timedelta

import structlog
import trio

from callengine.backup import metrics
from callengine.backup.copies import Copy
from callengine.errors import EngineError

log = structlog.get_logger(__name__)

DAY = timedelta(days=1)
SLACK = timedelta(hours=1)  # yesterday's may have come after some attempts
RETRY = timedelta(minutes=10)

Take = Callable[[], Awaitable[Copy]]
Now = Callable[[], datetime]


def next_start(newest: datetime | None, now: datetime, at: time) -> datetime:
    """When the next one is due: at the next `at` (UTC), or now where that would be over a day after the newest."""
    today = datetime.combine(now.date(), at, now.tzinfo)
    coming = today if today > now else today + DAY
    return now if newest is None or coming - newest > DAY + SLACK else coming


async def run_daily(take: Take, at: time, newest: Copy | None, now: Now) -> None:
    """Take backups for ever; what fails is logged, counted, and tried again after RETRY."""
    due = next_start(newest.taken_at if newest is not None else None, now(), at)
    while True:
        await trio.sleep(max(0.0, (due - now()).total_seconds()))
        try:
            copy = await take()
        except EngineError as error:
            metrics.failures_total.inc()
            log.error("backup_failed", problem=str(error), again_in_seconds=RETRY.total_seconds())
            due = now() + RETRY
            continue
        metrics.show_newest(copy)
        log.info("backup_taken", backup=copy.name, size=copy.size, rows=sum(copy.rows.values()))
        due = next_start(copy.taken_at, now(), at)
