"""Whether a call is among those asked for, without a database: what `journal_filters` says in SQL."""

from callengine.ports.calls_wanted import CallsWanted, number_key
from callengine.ports.journal import CallRecord


def is_wanted(record: CallRecord, wanted: CallsWanted) -> bool:
    """All that is asked for holds of this call."""
    opened, behind = record.opened, wanted.behind
    outcome = record.closed.outcome if record.closed else None
    return (
        (wanted.since is None or opened.opened_at >= wanted.since)
        and (wanted.before is None or opened.opened_at < wanted.before)
        and (behind is None or (opened.opened_at, opened.call_id) < (behind.opened_at, behind.call_id))
        and (wanted.number is None or number_key(opened.number) == wanted.number)
        and (wanted.outcome is None or outcome == wanted.outcome)
    )
