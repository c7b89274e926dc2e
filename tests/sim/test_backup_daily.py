"""Backups of many days in virtual time: one a day, again soon where one fails, and Prometheus is told of the newest."""

from datetime import UTC, datetime, time, timedelta

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from callengine.backup import metrics
from callengine.backup.copies import Copy, name_at
from callengine.backup.daily import run_daily
from callengine.backup.programs import BackupError

BEGIN = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = 3600.0


def run(days: float, failing: set[int], newest: Copy | None = None) -> list[datetime]:
    """When backups were tried; `failing` are the numbers of those that fail."""
    tried: list[datetime] = []
    began = 0.0

    def now() -> datetime:
        return BEGIN + timedelta(seconds=trio.current_time() - began)

    async def take() -> Copy:
        tried.append(now())
        if len(tried) in failing:
            raise BackupError("rclone: the bucket is away")
        await trio.sleep(120)
        return Copy(name_at(tried[-1]), 7, "", {"calls": 1}, ())

    async def main() -> None:
        nonlocal began
        began = trio.current_time()
        with trio.move_on_after(days * 24 * HOUR):
            await run_daily(take, time(3, 30), newest, now)

    with capture_logs():
        trio.run(main, clock=MockClock(autojump_threshold=0))
    return tried


def shown() -> float:
    return metrics.REGISTRY.get_sample_value("callengine_backup_last_success_timestamp_seconds") or 0.0


def test_the_first_is_made_at_once_and_then_one_a_day() -> None:
    tried = run(3, failing=set())
    assert tried == [BEGIN] + [BEGIN + timedelta(hours=15.5 + 24 * day) for day in range(3)]
    assert shown() == tried[-1].timestamp()


def test_one_that_fails_is_tried_again_until_it_succeeds() -> None:
    before = metrics.REGISTRY.get_sample_value("callengine_backup_failures_total") or 0.0
    tried = run(2, failing={2, 3})
    second = BEGIN + timedelta(hours=15.5)
    again = [second + timedelta(minutes=10 * attempt) for attempt in range(3)]
    assert tried == [BEGIN, *again, second + timedelta(days=1)]
    assert metrics.REGISTRY.get_sample_value("callengine_backup_failures_total") == before + 2


def test_after_a_restart_the_newest_serves_until_the_next_is_due() -> None:
    newest = Copy(name_at(BEGIN - timedelta(hours=8.5)), 7, "", {}, ())
    assert run(0.5, failing=set(), newest=newest) == []
