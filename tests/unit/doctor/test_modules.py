"""A module that is not there is named with what is missing without it."""

from callengine.doctor.modules import NEEDED, WANTED, judge_modules


def test_all_there_is_one_line() -> None:
    (finding,) = judge_modules([f"{name}.so" for name in (*NEEDED, *WANTED)] + ["app_queue.so"])
    assert finding.verdict == "ok"


def test_each_missing_one_has_a_line() -> None:
    there = [name for name in (*NEEDED, *WANTED) if name not in ("func_curl", "chan_audiosocket")]
    curl, channel = judge_modules(there)
    assert (curl.verdict, channel.verdict) == ("fail", "warn")
    assert curl.says == "func_curl.so is not running: the dialplan cannot ask the engine how a call ended"
    assert "module load func_curl.so" in curl.mend
