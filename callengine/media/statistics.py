"""The media clock's own figures for Prometheus, counted in plain integers and read only when scraped."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from callengine.media.clock import LATENESS_BOUNDS, MediaClock


class ClockCollector(Collector):
    """`callengine_frame_lateness_seconds` and the frames that did not fit a peer's socket."""

    def __init__(self, clock: MediaClock) -> None:
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Called by a scrape."""
        lateness = HistogramMetricFamily(
            "callengine_frame_lateness_seconds", "How late a frame was written against the 20 ms schedule."
        )
        total, buckets = 0, []
        for bound, count in zip((*map(str, LATENESS_BOUNDS), "+Inf"), self._clock.lateness_counts, strict=True):
            total += count
            buckets.append((bound, float(total)))
        lateness.add_metric([], buckets, self._clock.lateness_sum)
        yield lateness
        dropped = CounterMetricFamily("callengine_frames_dropped", "Frames that did not fit a peer's socket.")
        dropped.add_metric([], float(self._clock.frames_dropped))
        yield dropped
