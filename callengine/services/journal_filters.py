"""The calls that are asked for, as conditions on the table; migration 0005 has their indexes."""

from typing import LiteralString

from callengine.ports.calls_wanted import CallsWanted

Parameters = tuple[object, ...]

# The index calls_by_number is on this very expression, and serves no other one.
NUMBER_KEY: LiteralString = "right(regexp_replace(number, '[^0-9]+', '', 'g'), 10)"


def conditions(wanted: CallsWanted) -> tuple[LiteralString, Parameters]:
    """A WHERE clause, perhaps empty, and its parameters in order."""
    terms: list[LiteralString] = []
    parameters: list[object] = []
    if wanted.since is not None:
        terms.append("opened_at >= %s")
        parameters.append(wanted.since)
    if wanted.before is not None:
        terms.append("opened_at < %s")
        parameters.append(wanted.before)
    if wanted.behind is not None:
        terms.append("(opened_at, call_id) < (%s, %s)")
        parameters += [wanted.behind.opened_at, wanted.behind.call_id]
    if wanted.number is not None:
        terms.append(f"{NUMBER_KEY} = %s")
        parameters.append(wanted.number)
    if wanted.outcome is not None:
        terms.append("outcome = %s")
        parameters.append(wanted.outcome)
    return ("WHERE " + " AND ".join(terms) if terms else ""), tuple(parameters)
