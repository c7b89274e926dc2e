"""Who was forgotten after a backup was taken is in it all the same: a restore has to forget them again."""

import structlog

from callengine.buckets import bucket_of
from callengine.config import Settings
from callengine.forget import forget_again as apply_list
from callengine.housekeeping import House
from callengine.services.bridge import open_bridge
from callengine.services.database import connection_options

log = structlog.get_logger(__name__)


async def forget_again(settings: Settings) -> int:
    """Apply the list of who was forgotten, DATA_DIR's and the backup's own, to what has been restored; gives the calls
    cleared. Raises ConfigError and ServiceError, and the restore has failed: it would bring them back. What lies
    outside the database, in S3 or Redis, is no reason for that: an engine's housekeeping removes it."""
    assert settings.database_url is not None, "it was just restored"
    options = connection_options(settings.database_url.get_secret_value())
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else ""
    async with open_bridge() as bridge:
        report = await apply_list(House(options, bridge, settings.data_dir, bucket_of(settings)), redis_url)
    for problem in report.problems:
        log.warning("of who was forgotten something is left outside the database", problem=problem)
    return report.removed.calls
