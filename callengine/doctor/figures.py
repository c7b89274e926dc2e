"""Times and sizes as the doctor's lines show them, and the percentiles they are of. Pure."""

import math
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank: the least value that `share` (0..1) of all do not exceed. `values` must not be empty."""
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


def shown_ms(seconds: float) -> str:
    """Milliseconds, with as many digits as say something: 0.04, 3.1, 250."""
    ms = seconds * 1000
    return f"{ms:.0f} ms" if ms >= 10 else f"{ms:.1f} ms" if ms >= 1 else f"{ms:.2f} ms"


def shown_bytes(count: float) -> str:
    """Megabytes (2^20), as the settings count them; gigabytes from 10 on."""
    mb = count / (1 << 20)
    return f"{mb / 1024:.0f} GB" if mb >= 10_240 else f"{mb:.0f} MB"


def shown_url(url: str) -> str:
    """An address without what may be secret in it: user, password, query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
