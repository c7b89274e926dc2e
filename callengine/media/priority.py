"""The clock before other work of the machine: real-time scheduling, as `asterisk -p` takes it (main/asterisk.c).

A kernel thread or a neighbour that holds the clock's core for 5 ms makes 150 frames late at 600 calls. It is asked for
(`REALTIME=on`), for it needs a right; children and later threads are ordinary again (SCHED_RESET_ON_FORK)."""

import os

from callengine.errors import ConfigError

PRIORITY = 10  # Asterisk's


def take_realtime_priority() -> None:
    """Schedule this thread, the one that runs the clock, round robin in real time. Raises ConfigError."""
    if not hasattr(os, "SCHED_RESET_ON_FORK"):
        raise ConfigError("REALTIME", "this system has no real-time scheduling; unset it")
    try:
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    except OSError as error:
        raise ConfigError(
            "REALTIME",
            f"the system refuses it ({error.strerror}); allow it (Compose: cap_add: [SYS_NICE]; systemd: "
            "LimitRTPRIO=10) or unset it",
        ) from None
