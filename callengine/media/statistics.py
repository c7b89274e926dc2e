"""Figures of the clock and of the run it is in, counted in plain integers and read only when scraped."""

from collections.abc import Iterator

import trio
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from callengine.media.clock import LATENESS_BOUNDS, MediaClock


class ClockCollector(Collector):
    """`callengine_frame_lateness_seconds`, the frames that did not fit a peer's socket, and the tasks there are."""

    def __init__(self, clock: MediaClock) -> None:
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Called by a scrape, in the run whose tasks are counted."""
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
        # One that stays behind after each call is a leak.
        tasks = trio.lowlevel.current_statistics().tasks_living
        yield GaugeMetricFamily("callengine_tasks", "Trio tasks of the process.", float(tasks))
