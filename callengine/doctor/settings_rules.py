"""Settings that can be used and are a mistake all the same, judged. Pure."""

import stat
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

from callengine.doctor.findings import Finding

CHECK = "settings"


def judge_parts(embedded: bool, given: Sequence[str], missing: Sequence[str]) -> Finding:
    """`given` and `missing`: of the URLs that stand for the state and the shop, those that are set and those not."""
    if not embedded:
        return Finding(CHECK, "ok", "EMBEDDED=off: no part of the engine's own can come before real callers")
    if given:
        says = f"EMBEDDED=on with {', '.join(given)} set: should one be lost, a demo part takes its place unnoticed"
        return Finding(CHECK, "warn", says, "in front of real callers: EMBEDDED=off")
    return Finding(CHECK, "ok", f"EMBEDDED=on: the engine's own parts stand for {', '.join(missing)}")


def judge_secret(variable: str, path: str, mode: int, folder_mode: int) -> list[Finding]:
    """A file that holds a secret, and the folder it lies in, by their modes. What everybody can read in a `NAME_FILE`
    never comes here: with it no command starts."""
    found = []
    if mode & stat.S_IROTH:
        says = f"{variable}: everybody on this machine can read {path} (mode {stat.S_IMODE(mode):04o})"
        found.append(Finding(CHECK, "warn", says, f"chmod 640 {path}"))
    if mode & stat.S_IWOTH:
        says = f"{variable}: everybody on this machine can change {path} (mode {stat.S_IMODE(mode):04o})"
        found.append(Finding(CHECK, "fail", says, f"chmod 640 {path}"))
    if folder_mode & stat.S_IWOTH and not folder_mode & stat.S_ISVTX:
        says = f"{variable}: everybody on this machine can put another file in the place of {path}"
        found.append(Finding(CHECK, "fail", says, "chmod o-w on its folder"))
    return found


def judge_api(host: str, has_token: bool) -> list[Finding]:
    """An API that others reach and nobody may use."""
    if has_token or host in ("127.0.0.1", "::1", "localhost"):
        return []
    says = f"API_HOST={host} without API_TOKEN: other machines get 401 for everything but health and metrics"
    return [Finding(CHECK, "warn", says, "set API_TOKEN, and the same as CE_TOKEN in Asterisk's settings.conf")]


def judge_peers(peers: Sequence[IPv4Network | IPv6Network], registered_only: bool) -> list[Finding]:
    """Who may open AudioSocket, which asks nobody for a password."""
    if registered_only or not any(peer.prefixlen == 0 for peer in peers):
        return []
    says = "ALLOWED_PEERS lets everybody open AudioSocket, which knows no password: strangers can make you pay"
    return [Finding(CHECK, "warn", says, "name Asterisk's address in ALLOWED_PEERS, or set REQUIRE_REGISTRATION=on")]
