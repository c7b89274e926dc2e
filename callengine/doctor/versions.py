"""Which Asterisk serves AudioSocket well: its version against what is known of each. Pure.

Sources: res/res_audiosocket.c, apps/app_audiosocket.c and their history on branch 20; asterisk/asterisk issues #2078
and #2089. The branches are released together, so a version is told by its twin on branch 20 (22.10 is 20.20)."""

import re

from callengine.doctor.findings import Finding, Verdict

CHECK = "asterisk version"
UPDATE = "update to 20.20 or 22.10, or newer"
FIRST_WITH_AUDIOSOCKET = 18
AHEAD_OF_20 = {20: 0, 21: 5, 22: 10, 23: 16}  # 20.14, 21.9 and 22.4 are one release; 23.0 came with 20.16
# Twins on branch 20, the newest first: from which on, what is to be said.
KNOWN: tuple[tuple[int, Verdict, str], ...] = (
    (20, "ok", ""),
    (19, "warn", "ARI may hang for minutes after a quick hang-up (#2078)"),
    (17, "warn", "a header that comes in two parts is misread, and ARI may hang after a quick hang-up (#2078)"),
    (14, "warn", "well for AudioSocket(), but frames of another kind count as audio and there is no wideband"),
    (0, "fail", "it sends no keys (DTMF), takes our hang-up for a failure and never notices an engine that is silent"),
)


def judge_version(version: str) -> Finding:
    """What to think of `version` as Asterisk tells it, for instance `22.10.1` or `20.9.3~dfsg-1`."""
    match = re.search(r"(\d+)\.(\d+)", version)
    shown = version.partition("+")[0]
    if match is None:
        return Finding(CHECK, "warn", f"Asterisk {shown}: not a version that is known here", f"if it is old, {UPDATE}")
    major, minor = int(match[1]), int(match[2])
    if major < FIRST_WITH_AUDIOSOCKET:
        return Finding(CHECK, "fail", f"Asterisk {shown} has no AudioSocket modules", UPDATE)
    if major > max(AHEAD_OF_20):
        return Finding(CHECK, "warn", f"Asterisk {shown} is newer than what this engine was tried with (20, 22)")
    twin = minor + AHEAD_OF_20[major] if major in AHEAD_OF_20 else 0
    _, verdict, trouble = next(known for known in KNOWN if twin >= known[0])
    return Finding(
        CHECK, verdict, f"Asterisk {shown}: {trouble}" if trouble else f"Asterisk {shown}", trouble and UPDATE
    )
