"""What Prometheus is told of backups, by the process that takes them each day: no part of the engine's own metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from callengine.backup.copies import Copy

REGISTRY = CollectorRegistry()
last_success = Gauge(
    "callengine_backup_last_success_timestamp_seconds",
    "When the newest whole backup at its place was begun.",
    registry=REGISTRY,
)
size_bytes = Gauge("callengine_backup_size_bytes", "The newest whole backup, encrypted.", registry=REGISTRY)
failures_total = Counter("callengine_backup_failures_total", "Backups that failed.", registry=REGISTRY)


def show_newest(copy: Copy) -> None:
    """Of the place, not of this process: a restart forgets nothing."""
    last_success.set(copy.taken_at.timestamp())
    size_bytes.set(copy.size)
