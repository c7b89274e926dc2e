"""A dialplan read for the mistakes that AudioSocket punishes: silence, noise, lost callers. Pure.

Sources: apps/app_audiosocket.c (needs Answer(); a failure ends the channel), channels/chan_audiosocket.c (without c()
the caller's codec is sent as it is), measured on Asterisk 22.10.1."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from callengine.doctor.findings import Finding

CHECK = "asterisk dialplan"
OURS = "callengine"  # the context of docker/asterisk/dialplan.conf
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_APP = re.compile(r"\bAudioSocket\(([^,()]*(?:\([^()]*\)[^,()]*)*),(.*?)\)?$")


@dataclass(frozen=True, slots=True)
class Step:
    """One priority of the dialplan, as AMI's ShowDialPlan lists it."""

    context: str
    exten: str
    priority: int
    app: str
    data: str

    @property
    def place(self) -> str:
        """Where it stands, as people write it."""
        return f"{self.context},{self.exten},{self.priority}"


@dataclass(frozen=True, slots=True)
class Use:
    """A step that leads to an engine: how (`app`, `tryexec`, `dial`), the UUID's expression and the address's."""

    step: Step
    way: str
    uuid: str
    address: str


def uses_of(steps: Sequence[Step]) -> list[Use]:
    """Every step that runs AudioSocket, as application or as channel."""
    return [use for step in steps for use in _uses_in(step)]


def judge_dialplan(steps: Sequence[Step]) -> list[Finding]:
    """What is wrong with the steps that run AudioSocket; one finding where nothing is."""
    uses = uses_of(steps)
    if not uses:
        mend = "include docker/asterisk/dialplan.conf, and exten => 100,1,Gosub(callengine,answer,1(${EXTEN}))"
        return [Finding(CHECK, "fail", "no extension runs AudioSocket: no call can reach the engine", mend)]
    found = [finding for use in uses for finding in _judge_use(use, steps)]
    if any(step.context == OURS for step in steps) and not _leads_to_ours(steps):
        mend = "in the context of your trunk: exten => 100,1,Gosub(callengine,answer,1(${EXTEN}))"
        found.append(Finding(CHECK, "warn", "no extension leads into the context callengine: no call reaches it", mend))
    places = ", ".join(dict.fromkeys(f"{use.step.exten}@{use.step.context}" for use in uses))
    return found or [Finding(CHECK, "ok", f"calls reach the engine from {places}")]


def _judge_use(use: Use, steps: Sequence[Step]) -> list[Finding]:
    found = []
    place = use.step.place
    if use.way == "raw dial":
        says = f"{place}: Dial(AudioSocket/...) without c() sends the caller's own codec, which is noise"
        found.append(Finding(CHECK, "fail", says, "write .../c(slin), or use TryExec(AudioSocket(...))"))
    if use.way == "app":
        says = f"{place}: AudioSocket() alone hangs the caller up when the engine cannot be reached"
        found.append(Finding(CHECK, "warn", says, "write TryExec(AudioSocket(...)), then look at TRYSTATUS"))
    if _UUID.fullmatch(use.uuid):
        says = f"{place}: every call has the same UUID, so only one can be up"
        found.append(Finding(CHECK, "fail", says, "Set(CALL_UUID=${UUID()}) before it, and ${CALL_UUID} in its place"))
    if "$" not in use.address and not re.search(r":\d+$", use.address):
        says = f"{place}: {use.address!r} is no host:port"
        found.append(Finding(CHECK, "fail", says, "AudioSocket needs the port: 192.0.2.10:9092"))
    if use.way in ("app", "tryexec") and not _answered(use.step, steps):
        says = f"{place}: nothing answers the call before AudioSocket(), which then fails (Progress() is no answer)"
        found.append(Finding(CHECK, "fail", says, "Answer() before it"))
    return found


def _answered(use: Step, steps: Sequence[Step]) -> bool:
    """Whether Answer() comes before, in the extension; or anywhere in a context that may jump to it; or whether it is
    the channel of somebody dialled, who has answered before Dial()'s U() runs."""
    if any(re.search(rf"\bU\({re.escape(use.context)}\b", step.data) for step in steps):
        return True
    same = [step for step in steps if (step.context, step.exten) == (use.context, use.exten)]
    before = {step.app for step in same if step.priority < use.priority}
    if "Answer" in before:
        return True
    entered = any(step.exten != use.exten and re.search(rf"\b{re.escape(use.exten)}\b", step.data) for step in steps)
    return entered and any(step.app == "Answer" for step in steps if step.context == use.context)


def _leads_to_ours(steps: Sequence[Step]) -> bool:
    return any(step.context != OURS and re.search(rf"\b{OURS}\b(?!-)", step.data) for step in steps)


def _uses_in(step: Step) -> list[Use]:
    if step.app == "Dial":
        return [use for target in step.data.split(",")[0].split("&") if (use := _dialled(step, target))]
    text = f"AudioSocket({step.data})" if step.app == "AudioSocket" else step.data
    way = "app" if step.app == "AudioSocket" else "tryexec" if step.app == "TryExec" else "app"
    runs = step.app in ("AudioSocket", "TryExec", "Exec", "ExecIf")
    match = _APP.search(text) if runs else None
    return [Use(step, way, match[1].strip(), match[2].strip().rstrip(")"))] if match else []


def _dialled(step: Step, target: str) -> Use | None:
    parts = target.strip().split("/")
    if parts[0] != "AudioSocket" or len(parts) < 3:
        return None
    way = "dial" if any(part.startswith("c(") for part in parts[3:]) else "raw dial"
    return Use(step, way, parts[2], parts[1])
