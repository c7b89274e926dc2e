"""Where in the call a stream's samples lie. Pure.

A recogniser counts the samples it was sent; what it was not sent (silence that is not streamed, audio that fell out of
the ring) makes its positions fall behind the call's. Positions are samples, the call's from its first on."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field


@dataclass(slots=True)
class Placement:
    """What one stream was sent, as runs without a gap."""

    length: int = 0  # of the stream
    end: int = 0  # of the last run, in the call
    _streamed: list[int] = field(default_factory=list)  # where each run begins in the stream
    _called: list[int] = field(default_factory=list)  # and in the call

    def place(self, begin: int, end: int) -> None:
        """The call's samples from `begin` to `end` are the stream's next ones."""
        if not self._called or begin != self.end:
            self._streamed.append(self.length)
            self._called.append(begin)
        self.length += end - begin
        self.end = end

    def beginning(self, position: int) -> int:
        """Where in the call something lies that begins at the stream's `position`."""
        return self._of(position, bisect_right(self._streamed, position) - 1)

    def ending(self, position: int) -> int:
        """The same for something that ends there: at the border of two runs it ends with the first."""
        return self._of(position, bisect_left(self._streamed, position) - 1)

    def _of(self, position: int, run: int) -> int:
        if not self._called:
            return self.end
        run = max(0, run)
        return min(self.end, self._called[run] + max(0, position - self._streamed[run]))
