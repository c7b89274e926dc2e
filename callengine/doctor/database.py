"""The record's database, asked on one connection: who it is, what schema it has, whether there is room."""

import time
from typing import Any

import psycopg

from callengine.doctor.checkup import Patient
from callengine.doctor.database_rules import CHECK, DatabaseSeen, judge_database, judge_replica
from callengine.doctor.findings import Finding
from callengine.doctor.own_parts import judge_own_part
from callengine.services.database import as_service_error, connection_options
from callengine.services.journal_store import replica_lag
from callengine.services.schema import SELECT_STEPS, TABLE, known_steps

ROUND_TRIPS = 10
# Whoever is no superuser sees whose the others are, and not of what type.
SELECT_SERVER = """
    SELECT current_setting('server_version_num')::int,
           current_setting('transaction_read_only')::bool,
           has_schema_privilege(current_schema(), 'CREATE'),
           current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
           (SELECT count(*) FROM pg_stat_activity
             WHERE usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'),
           coalesce((SELECT extversion FROM pg_extension WHERE extname = 'vector'),
                    (SELECT 'available' FROM pg_available_extensions WHERE name = 'vector'), ''),
           to_regclass(%s) IS NOT NULL
"""


async def look_at_database(patient: Patient) -> list[Finding]:
    """Whether the record can be kept."""
    url = patient.settings.database_url
    if url is None:
        return [judge_own_part(patient.settings, CHECK, "DATABASE_URL")]
    options = connection_options(url.get_secret_value())
    try:
        seen = await patient.bridge.run(_see_server, options)
    except (psycopg.Error, OSError) as error:
        raise as_service_error(error, options) from error
    return judge_database(seen, known_steps())


async def look_at_replica(patient: Patient) -> list[Finding]:
    """Whether the API's reads may go there."""
    url = patient.settings.database_replica_url
    if url is None:
        return []
    options = connection_options(url.get_secret_value(), "DATABASE_REPLICA_URL")
    try:
        standby = await patient.bridge.run(_is_standby, options)
        lag = await patient.bridge.run(replica_lag, options) if standby else 0.0
    except (psycopg.Error, OSError) as error:
        raise as_service_error(error, options, "DATABASE_REPLICA_URL") from error
    return [judge_replica(standby, lag)]


async def _see_server(options: dict[str, str]) -> DatabaseSeen:
    async with await _connect(options) as connection:
        row = await (await connection.execute(SELECT_SERVER, (TABLE,))).fetchone()
        assert row is not None
        version, read_only, may_create, most, connections, vector, migrated = row
        steps = None
        if migrated:
            steps = frozenset(step for (step,) in await (await connection.execute(SELECT_STEPS)).fetchall())
        round_trips = []
        for _ in range(ROUND_TRIPS):
            began = time.perf_counter()
            await (await connection.execute("SELECT 1")).fetchone()
            round_trips.append(time.perf_counter() - began)
    return DatabaseSeen(version, read_only, bool(may_create), steps, most, connections, vector, round_trips)


async def _is_standby(options: dict[str, str]) -> bool:
    async with await _connect(options) as connection:
        row = await (await connection.execute("SELECT pg_is_in_recovery()")).fetchone()
    return row is not None and bool(row[0])


async def _connect(options: dict[str, str]) -> psycopg.AsyncConnection[Any]:
    keywords: dict[str, Any] = {**options, "application_name": "callengine doctor"}
    return await psycopg.AsyncConnection.connect(autocommit=True, **keywords)
