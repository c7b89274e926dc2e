"""Which modules of Asterisk the shipped dialplan rests on, and what is missing without them. Pure."""

from collections.abc import Iterable

from callengine.doctor.findings import Finding

CHECK = "asterisk modules"
# docker/asterisk/dialplan.conf uses them all.
NEEDED = {
    "res_audiosocket": "no call reaches the engine",
    "app_audiosocket": "no call reaches the engine",
    "func_curl": "the dialplan cannot ask the engine how a call ended",
    "res_curl": "the dialplan cannot ask the engine how a call ended",
    "app_exec": "there is no TryExec(): a failed engine loses the caller",
    "func_uuid": "there is no UUID(): calls have no name",
    "func_uri": "there is no URIENCODE(): callers' names arrive garbled",
    "app_stack": "there is no Gosub()",
    "app_dial": "nobody can be transferred",
    "func_timeout": "there is no TIMEOUT(): a hung engine holds its callers",
    "func_strings": "the dialplan cannot read the engine's answer",
}
WANTED = {
    "chan_audiosocket": "no wideband (CE_WIDEBAND), nobody is told of a call that is put through to them (announce), "
    "and this doctor cannot let Asterisk try the engine's port",
    "func_global": "a person who hangs up while they are told of a call (announce) loses the caller",
}


def judge_modules(running: Iterable[str]) -> list[Finding]:
    """One finding for all that is there, else one for each that is not. `running`: names, with or without `.so`."""
    there = {name.removesuffix(".so") for name in running}
    missing = [
        Finding(CHECK, "fail", f"{name}.so is not running: {without}", _mend(name))
        for name, without in NEEDED.items()
        if name not in there
    ]
    unwanted = [
        Finding(CHECK, "warn", f"{name}.so is not running: {without}", _mend(name))
        for name, without in WANTED.items()
        if name not in there
    ]
    return [*missing, *unwanted] or [Finding(CHECK, "ok", f"all {len(NEEDED) + len(WANTED)} that are used are running")]


def _mend(name: str) -> str:
    return f"in Asterisk: module load {name}.so, and load = {name}.so in modules.conf (where it is missing, install it)"
