"""The machine as it may be: its disk, its limits, its clock and timer."""

from dataclasses import replace
from resource import RLIM_INFINITY
from typing import Any

import pytest

from callengine.doctor.clock_rules import Compared, TimerSeen, judge_compared, judge_synchronised, judge_timer
from callengine.doctor.disk_rules import DiskNeeds, DiskSeen, judge_disk
from callengine.doctor.limit_rules import judge_open_files

MB, GB = 1 << 20, 1 << 30
ROOMY = DiskSeen("/data", True, 200 * GB, 1000, "", [0.002] * 5)
NEEDS = DiskNeeds(GB, None, 30)


def test_a_disk_that_is_well() -> None:
    assert [(finding.verdict, finding.says, finding.mend) for finding in judge_disk(ROOMY, NEEDS)] == [
        ("ok", "200 GB are free at /data", ""),
        ("ok", "4 KB are safe on /data in 2.0 ms (at most 2.0 ms, fsync)", ""),
    ]


@pytest.mark.parametrize(
    ("changes", "needs", "verdict", "part"),
    [
        ({"problem": "Read-only file system"}, {}, "fail", "nothing can be written to /data: Read-only file system"),
        ({"free": 10 * MB}, {}, "fail", "hardly any record fits"),
        ({"free": 0}, {}, "fail", "0 MB are free"),
        ({"free": 500 * MB}, {}, "warn", "less than the spool may take (SPOOL_MAX_MB=1024)"),
        ({"files_free": 0}, {}, "fail", "inodes"),
        ({"files_free": -1}, {}, "ok", "200 GB are free"),
        ({"there": False}, {}, "ok", "free at /data (DATA_DIR will be made in it)"),
        ({"syncs": [0.3] * 5}, {}, "warn", "slow"),
        ({"free": GB}, {"recording_leaves": GB}, "fail", "none is recorded"),
        ({"free": 3 * GB}, {"recording_leaves": GB}, "warn", "recordings of 19 hours"),
        ({}, {"recording_leaves": GB}, "ok", "30 at once: 61.8 h"),
    ],
)
def test_disks(changes: dict[str, Any], needs: dict[str, Any], verdict: str, part: str) -> None:
    found = judge_disk(replace(ROOMY, **changes), replace(NEEDS, **needs))
    (one,) = [finding for finding in found if part in finding.says]
    assert one.verdict == verdict
    assert bool(one.mend) == (verdict != "ok")


@pytest.mark.parametrize(
    ("limit", "calls", "recording", "verdict"),
    [
        (1024, 30, False, "ok"),
        (1024, 30, True, "ok"),
        (1024, 412, False, "ok"),
        (1024, 413, False, "warn"),
        (1024, 412, True, "warn"),
        (1024, 1000, False, "fail"),
        (RLIM_INFINITY, 10_000, True, "ok"),
    ],
)
def test_open_files(limit: int, calls: int, recording: bool, verdict: str) -> None:
    found = judge_open_files(limit, calls, recording=recording)
    assert (found.verdict, bool(found.mend)) == (verdict, verdict != "ok")
    assert str(200 + calls * (2 + recording)) in found.says


@pytest.mark.parametrize(("synchronised", "verdict"), [(True, "ok"), (False, "warn"), (None, "note")])
def test_the_kernel_s_word(synchronised: bool | None, verdict: str) -> None:
    assert judge_synchronised(synchronised, 0.016).verdict == verdict


@pytest.mark.parametrize(
    ("ahead", "within", "verdict", "part"),
    [
        (0.2, 0.6, "ok", "to within 0.6 s"),
        (-5.5, 0.6, "ok", "to within 5.5 s"),  # the header's own doubt counts for us
        (-9.0, 0.6, "warn", "9 s behind that of the Store"),
        (30.0, 0.6, "warn", "30 s ahead of that of the Store"),
        (3600.0, 0.6, "fail", "3600 s ahead of"),
        (-3600.0, 0.6, "fail", "3600 s behind"),
    ],
)
def test_beside_another_s_clock(ahead: float, within: float, verdict: str, part: str) -> None:
    found = judge_compared(Compared("the Store", ahead, within))
    assert (found.verdict, part in found.says) == (verdict, True), found.says


@pytest.mark.parametrize(
    ("seen", "verdict", "part"),
    [
        (TimerSeen([0.001] * 99 + [0.3], 0.0, 0), "ok", "99 % were at most 1.0 ms late, one 300 ms"),
        (TimerSeen([0.001] * 98 + [0.007] * 2, 0.0, 0), "warn", "at most 7.0 ms late"),
        (TimerSeen([0.03] * 100, 0.2, 0), "fail", "the hypervisor took 20% of the processors"),
        (TimerSeen([0.03] * 100, 0.0, 7), "fail", "held us back 7 times"),
    ],
)
def test_the_timer(seen: TimerSeen, verdict: str, part: str) -> None:
    found = judge_timer(seen)
    assert (found.verdict, part in found.says, bool(found.mend)) == (verdict, True, verdict != "ok"), found.says
