"""Google's `voice_activity_timeout`: a stream in which nobody begins to speak, or goes on speaking, ends itself.

Counted in samples, not by the clock: audio comes in real time, and a replay of it must not end a stream early.
"""


class ActivityTimer:
    """Positions in samples; None: that time-out was not asked for."""

    def __init__(self, to_start: int | None, to_go_on: int | None) -> None:
        self._to_go_on = to_go_on
        self._due = to_start

    def began(self) -> None:
        """Speech began."""
        self._due = None

    def stopped(self, position: int) -> None:
        """The end of speech was found when the stream was at this position."""
        self._due = None if self._to_go_on is None else position + self._to_go_on

    def is_over(self, position: int) -> bool:
        """Tell whether the stream, now at this position, has been silent for too long."""
        return self._due is not None and position >= self._due
