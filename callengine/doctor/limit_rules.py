"""Whether the system gives an engine as many open files as its calls want. Pure."""

from resource import RLIM_INFINITY

from callengine.doctor.findings import Finding

CHECK = "ports"
FILES_OF_A_CALL = 2  # AudioSocket, and a connection to the dialog
FILES_OF_AN_ENGINE = 200  # its libraries, servers, connections to the recogniser, Store, database and Redis


def judge_open_files(limit: int, max_calls: int, *, recording: bool) -> Finding:
    """`limit`: RLIMIT_NOFILE's soft one, of this process; the engine's may be another where it runs elsewhere."""
    needed = FILES_OF_AN_ENGINE + max_calls * (FILES_OF_A_CALL + recording)
    if limit != RLIM_INFINITY and limit < needed:
        says = f"{limit} open files are allowed here, MAX_CALLS={max_calls} wants {needed}: calls beyond are refused"
        mend = f"ulimit -n {needed}; LimitNOFILE={needed} in systemd; ulimits: nofile in Compose"
        return Finding(CHECK, "fail" if limit < max_calls + FILES_OF_AN_ENGINE else "warn", says, mend)
    allowed = "any number of" if limit == RLIM_INFINITY else str(limit)
    return Finding(CHECK, "ok", f"{allowed} open files are allowed here, {needed} are wanted")
