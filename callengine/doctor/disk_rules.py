"""What a disk must be for the spool and the recordings, judged. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from callengine.doctor.figures import percentile, shown_bytes, shown_ms
from callengine.doctor.findings import Finding

CHECK = "disk"
LEAST_FREE_BYTES = 64 << 20  # below it the record of an hour without PostgreSQL finds no room
SLOW_SECONDS = 0.1  # each 0.2 s what waits for the database is put on disk
RECORDED_BYTES_A_SECOND = 8000 * 2 * 2  # 8 kHz, 16 bit, stereo


@dataclass(frozen=True, slots=True)
class DiskSeen:
    """A folder: `there` where it exists, else it is the nearest one above it that was looked at. `problem`: why a file
    could not be written; `syncs`: seconds of writing 4 KB to disk for good."""

    folder: str
    there: bool
    free: int
    files_free: int
    problem: str
    syncs: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class DiskNeeds:
    """What the settings want of it, in bytes: the spool at its largest, and what recording leaves free (None: off)."""

    spool: int
    recording_leaves: int | None
    max_calls: int


def judge_disk(seen: DiskSeen, needs: DiskNeeds) -> list[Finding]:
    """A folder that the engine writes to."""
    where = seen.folder if seen.there else f"{seen.folder} (DATA_DIR will be made in it)"
    if seen.problem:
        mend = "let the engine's user write there (chown), or set another DATA_DIR"
        return [Finding(CHECK, "fail", f"nothing can be written to {where}: {seen.problem}", mend)]
    found = [_judge_room(seen, needs, where)]
    if seen.files_free == 0:
        found.append(
            Finding(CHECK, "fail", f"no file can be made at {where}: inodes are used up", "df -i; delete files")
        )
    if needs.recording_leaves is not None:
        found.append(_judge_recording(seen, needs.recording_leaves, needs.max_calls))
    if seen.syncs:
        found.append(_judge_syncs(seen, where))
    return found


def _judge_room(seen: DiskSeen, needs: DiskNeeds, where: str) -> Finding:
    says = f"{shown_bytes(seen.free)} are free at {where}"
    mend = "df -h; delete what is old (RETENTION_DAYS, RECORDING_RETENTION_DAYS), or a larger disk"
    if seen.free < LEAST_FREE_BYTES:
        return Finding(CHECK, "fail", f"{says}: hardly any record fits while PostgreSQL is away", mend)
    if seen.free < needs.spool:
        spool = needs.spool >> 20
        return Finding(CHECK, "warn", f"{says}, less than the spool may take (SPOOL_MAX_MB={spool})", mend)
    return Finding(CHECK, "ok", says)


def _judge_recording(seen: DiskSeen, leaves: int, max_calls: int) -> Finding:
    room = seen.free - leaves
    mend = "a larger disk, RECORDING_RETENTION_DAYS, or S3 with RECORDING_KEEP_LOCAL=off"
    if room <= 0:
        says = f"RECORDING leaves {shown_bytes(leaves)} free, and there are {shown_bytes(seen.free)}: none is recorded"
        return Finding(CHECK, "fail", says, mend)
    hours = room / (RECORDED_BYTES_A_SECOND * 3600)
    says = f"recordings of {hours:.0f} hours of calls fit ({max_calls} at once: {hours / max_calls:.1f} h)"
    return Finding(CHECK, "warn" if hours < max_calls else "ok", says, mend if hours < max_calls else "")


def _judge_syncs(seen: DiskSeen, where: str) -> Finding:
    middle, most = percentile(seen.syncs, 0.5), max(seen.syncs)
    says = f"4 KB are safe on {where} in {shown_ms(middle)} (at most {shown_ms(most)}, fsync)"
    if middle > SLOW_SECONDS:
        return Finding(
            CHECK, "warn", f"{says}: slow", "a local SSD; SPOOL_FSYNC=off trusts the machine not to lose power"
        )
    return Finding(CHECK, "ok", says)
