"""What a PostgreSQL must be for the record, judged. Pure.

Versions: the SQL stays within 16, which the suite runs on; which older one bears it was tried by nobody. Those below 14
get no corrections from their makers any more (postgresql.org/support/versioning)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from callengine.doctor.figures import percentile, shown_ms
from callengine.doctor.findings import Finding

CHECK = "database"
SCHEMA = "database schema"
REPLICA = "database replica"
TRIED_VERSION, LEAST_VERSION = 16, 14
CONNECTIONS_OF_A_NODE = 8  # one writes, four read, and the housekeeping
SLOW_SECONDS = 0.05  # the record is written behind a call; people wait for what the API reads
MOST_LAG_SECONDS = 5.0  # beyond it the engine reads the primary
MIGRATE = "callengine migrate (the engine does it when it starts)"


@dataclass(frozen=True, slots=True)
class DatabaseSeen:
    """A server as it answered. `version` as `server_version_num`; `steps`: the migrations it has, None where it never
    had one; `vector`: of pgvector, the version that is enabled, `available`, or nothing."""

    version: int
    read_only: bool
    may_create: bool
    steps: Collection[str] | None
    most_connections: int
    connections: int
    vector: str
    round_trips: Sequence[float]


def judge_database(seen: DatabaseSeen, known: Sequence[str]) -> list[Finding]:
    """All that is to be said of the primary; `known` are the steps that this version has, in their order."""
    return [
        _judge_version(seen),
        _judge_writable(seen),
        _judge_schema(seen, known),
        _judge_connections(seen),
        _tell_vector(seen.vector),
    ]


def judge_replica(standby: bool, lag_seconds: float) -> Finding:
    """A streaming replica that the API's reads go to."""
    if not standby:
        mend = "DATABASE_REPLICA_URL must name a streaming standby of DATABASE_URL's server"
        return Finding(REPLICA, "fail", "what DATABASE_REPLICA_URL names is no standby: its record is another's", mend)
    if lag_seconds > MOST_LAG_SECONDS:
        says = f"the replica is {lag_seconds:.0f} s behind (more than {MOST_LAG_SECONDS:.0f} s: the primary is read)"
        return Finding(REPLICA, "warn", says, "on the replica: SELECT * FROM pg_stat_wal_receiver; is its disk slow?")
    return Finding(REPLICA, "ok", f"the replica answers, {lag_seconds:.1f} s behind")


def _judge_version(seen: DatabaseSeen) -> Finding:
    major = seen.version // 10_000
    middle, most = percentile(seen.round_trips, 0.5), max(seen.round_trips)
    says = f"PostgreSQL {major}.{seen.version % 10_000} answers in {shown_ms(middle)} (at most {shown_ms(most)})"
    if major < LEAST_VERSION:
        return Finding(CHECK, "fail", f"{says}; it is too old", f"PostgreSQL {TRIED_VERSION} or newer")
    if major < TRIED_VERSION:
        says += f"; nobody has tried this engine with one older than {TRIED_VERSION}"
        return Finding(CHECK, "warn", says, f"PostgreSQL {TRIED_VERSION} or newer")
    if middle > SLOW_SECONDS:
        return Finding(CHECK, "warn", f"{says}; over {shown_ms(SLOW_SECONDS)} is slow", "a database nearer by")
    return Finding(CHECK, "ok", says)


def _judge_writable(seen: DatabaseSeen) -> Finding:
    if seen.read_only:
        mend = "DATABASE_URL must name the primary (a failover?); the standby's place is DATABASE_REPLICA_URL"
        return Finding(
            CHECK, "fail", "it takes no writes: it is a standby, or default_transaction_read_only is on", mend
        )
    return Finding(CHECK, "ok", "it takes writes")


def _judge_schema(seen: DatabaseSeen, known: Sequence[str]) -> Finding:
    applied = set(seen.steps or ())
    newer, missing = sorted(applied - set(known)), [step for step in known if step not in applied]
    if newer:
        says = f"a newer version has migrated it: step {newer[0]} is not this version's (which ends with {known[-1]})"
        mend = f"run the newer version, or let that one undo it: callengine migrate --to {known[-1]} --down"
        return Finding(SCHEMA, "warn", says, mend)
    if not missing:
        return Finding(SCHEMA, "ok", f"at the newest step, {known[-1]}")
    if not seen.may_create:
        mend = "GRANT CREATE ON SCHEMA public TO the user of DATABASE_URL"
        return Finding(SCHEMA, "fail", f"step {missing[0]} is missing, and the user may not create tables", mend)
    if not applied:
        return Finding(SCHEMA, "note", "there is none yet: the engine makes it when it starts")
    return Finding(SCHEMA, "warn", f"{len(missing)} step(s) behind: {', '.join(missing)}", MIGRATE)


def _judge_connections(seen: DatabaseSeen) -> Finding:
    free = seen.most_connections - seen.connections
    says = f"{free} of {seen.most_connections} connections are free"
    if free < CONNECTIONS_OF_A_NODE:
        mend = "raise max_connections in postgresql.conf (it wants a restart), or end what holds them"
        return Finding(CHECK, "warn", f"{says}; a node wants {CONNECTIONS_OF_A_NODE}", mend)
    return Finding(CHECK, "ok", says)


def _tell_vector(vector: str) -> Finding:
    if not vector:
        return Finding(CHECK, "note", "pgvector is not installed; the engine does without")
    if vector == "available":
        return Finding(CHECK, "note", "pgvector is installed and not enabled (CREATE EXTENSION vector)")
    return Finding(CHECK, "note", f"pgvector {vector} is enabled")
