"""Who is let in: the number of calls is decided before any work is done, a UUID is up once in a process."""

from uuid import UUID


class Admission:
    """Counts calls. `free` and `enter` are what a connection is decided by."""

    def __init__(self, max_calls: int) -> None:
        self.max_calls = max_calls
        self.up = 0
        self.draining = False
        self._uuids: set[UUID] = set()

    @property
    def free(self) -> bool:
        """One more call fits now."""
        return self.places > 0

    @property
    def places(self) -> int:
        """So many more calls fit now."""
        return 0 if self.draining else max(0, self.max_calls - self.up)

    def enter(self) -> bool:
        """Take a place, if there is one."""
        if not self.free:
            return False
        self.up += 1
        return True

    def leave(self) -> None:
        """Give the place back."""
        self.up -= 1

    def claim(self, uuid: UUID) -> bool:
        """Take a UUID for this process; False when it is up already."""
        if uuid in self._uuids:
            return False
        self._uuids.add(uuid)
        return True

    def release(self, uuid: UUID) -> None:
        """The call with this UUID is over."""
        self._uuids.discard(uuid)
