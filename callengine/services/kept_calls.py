"""What this node says of its calls for another node to go on with, held in memory until Redis has it and as long as
Redis would: with Redis away a call that comes back to this node still goes on."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

import trio

from callengine.ports.registry import Claim
from callengine.services.registry_scripts import KEPT_SECONDS

MOST_OVER = 10_000  # calls that are over; the oldest are forgotten


@dataclass(slots=True, eq=False)
class KeptCall:
    """One connection's call. `told`: Redis knows this."""

    claim: Claim
    checkpoint: str
    outcome: str = ""
    until: float = inf
    told: bool = True


class KeptCalls:
    """The newest connection of each call that this node has, or had in the last minutes."""

    def __init__(self) -> None:
        self._calls: dict[str, KeptCall] = {}
        self._over: dict[str, None] = {}  # ordered by their end

    def claimed(self, call_id: str, epoch: int, found: str, *, sure: bool) -> Claim:
        """A connection has come as `epoch`, and Redis had `found`; `sure`: it knows of all before. What is
        known here counts where nobody had the call since, for Redis may not have been told yet."""
        before = self._calls.get(call_id)
        if before is not None and before.checkpoint and epoch - before.claim.epoch <= 1:
            found = before.checkpoint
        claim = Claim(call_id, epoch, found, first=sure and epoch == 1 and before is None)
        self._over.pop(call_id, None)
        self._calls[call_id] = KeptCall(claim, found, told=epoch > 0)
        return claim

    def note(self, claim: Claim, *, checkpoint: str | None = None, outcome: str | None = None) -> None:
        """Something new is to be kept of a call; nothing where another connection has it."""
        if (kept := self._of(claim)) is not None:
            kept.checkpoint = kept.checkpoint if checkpoint is None else checkpoint
            kept.outcome = kept.outcome if outcome is None else outcome
            kept.told = False

    def release(self, claim: Claim) -> None:
        """A connection is over."""
        if (kept := self._of(claim)) is not None:
            kept.until = trio.current_time() + KEPT_SECONDS
            self._over[claim.call_id] = None
            if len(self._over) > MOST_OVER:
                self._forget(next(iter(self._over)))

    def outcome(self, call_id: str) -> str:
        """The word known here."""
        kept = self._calls.get(call_id)
        return "" if kept is None else kept.outcome

    def to_tell(self, *, whole: bool) -> Iterator[KeptCall]:
        """What Redis does not know; with `whole` all calls that are up, which fade there unless they are said again."""
        now = trio.current_time()
        for call_id in [over for over in self._over if self._calls[over].until <= now]:
            self._forget(call_id)
        for kept in tuple(self._calls.values()):
            if not kept.told or (whole and kept.until == inf):
                yield kept

    def lose(self, kept: KeptCall) -> None:
        """A newer connection has the call. Should that be one of this node, on its way still, it goes on from here."""
        self.release(kept.claim)
        kept.outcome, kept.told = "", True
        kept.claim.lost.set()

    def _of(self, claim: Claim) -> KeptCall | None:
        kept = self._calls.get(claim.call_id)
        return kept if kept is not None and kept.claim is claim and not claim.lost.is_set() else None

    def _forget(self, call_id: str) -> None:
        self._over.pop(call_id, None)
        del self._calls[call_id]
