"""What the machine's clock and its timer must be, judged. Pure.

A clock that is wrong: Google refuses our tokens, records and alerts carry wrong times. A timer that is late: callers
hear gaps, for every 20 ms a frame must leave."""

from collections.abc import Sequence
from dataclasses import dataclass

from callengine.doctor.figures import percentile, shown_ms
from callengine.doctor.findings import Finding

CLOCK, TIMER = "clock", "clock timer"
AHEAD_SECONDS, WRONG_SECONDS = 5.0, 60.0  # Google takes a token's time within minutes; a record's reader does not
LATE_SECONDS, GAP_SECONDS = 0.005, 0.020  # the media plane's own reach (docs/design.md); a whole frame
STOLEN_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Compared:
    """This machine's clock less another's, in seconds, known to within `within`."""

    other: str
    ahead: float
    within: float


@dataclass(frozen=True, slots=True)
class TimerSeen:
    """How late a task woke that slept until the next 20 ms, again and again; the share of the processor that the
    hypervisor took meanwhile, and how often a limit of ours held us back."""

    late: Sequence[float]
    stolen: float
    throttled: int


def judge_synchronised(synchronised: bool | None, error_seconds: float) -> Finding:
    """The kernel's word (adjtimex); None where it may not be asked."""
    if synchronised is None:
        return Finding(CLOCK, "note", "the kernel does not say here whether its clock is synchronised")
    if not synchronised:
        says = "the kernel says that nothing keeps its clock synchronised"
        mend = "on the machine itself: systemctl enable --now systemd-timesyncd, or install chrony"
        return Finding(CLOCK, "warn", says, mend)
    return Finding(CLOCK, "ok", f"synchronised, to within {shown_ms(error_seconds)} as the kernel reckons")


def judge_compared(compared: Compared) -> Finding:
    """Beside another's clock; whose is wrong is not known from here."""
    off = abs(compared.ahead)
    less = "ahead of" if compared.ahead > 0 else "behind"
    if off <= AHEAD_SECONDS + compared.within:
        return Finding(CLOCK, "ok", f"agrees with {compared.other} to within {max(off, compared.within):.1f} s")
    says = f"{off:.0f} s {less} that of {compared.other}"
    return Finding(CLOCK, "fail" if off > WRONG_SECONDS else "warn", says, "synchronise both (chronyc tracking)")


def judge_timer(seen: TimerSeen) -> Finding:
    """Whether frames could leave on time."""
    late, most = percentile(seen.late, 0.99), max(seen.late)
    says = f"of {len(seen.late)} wakes each 20 ms 99 % were at most {shown_ms(late)} late, one {shown_ms(most)}"
    if seen.stolen > STOLEN_SHARE:
        says += f"; the hypervisor took {seen.stolen:.0%} of the processors meanwhile"
    if seen.throttled:
        says += f"; this container's limit of the processor held us back {seen.throttled} times"
    if late <= LATE_SECONDS:
        return Finding(TIMER, "ok", says)
    mend = "less other work on this machine, more processors, or REALTIME=on; beyond 20 ms callers hear gaps"
    return Finding(TIMER, "fail" if late > GAP_SECONDS else "warn", says, mend)
