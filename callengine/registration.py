"""Where only registered calls are taken (`REQUIRE_REGISTRATION=on`): what becomes of one that nobody announced."""

from uuid import UUID

import structlog

from callengine.metrics import connections_refused_total

log = structlog.get_logger(__name__)


def refuse_unregistered(uuid: UUID) -> None:
    """Count it and say it. Its outcome is not kept: strangers would push out those of real calls."""
    connections_refused_total.labels("unregistered").inc()
    mend = "the dialplan must POST /api/v1/calls/{uuid} first (CE_FORM of docker/asterisk/dialplan.conf)"
    log.warning("connection_refused", reason="unregistered", call_id=str(uuid), detail=mend)
