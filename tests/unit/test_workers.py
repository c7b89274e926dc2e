"""What the tests' workers are given: a group in one piece, all else test by test; the last one what only computes."""

from pathlib import Path

from tests.workers import TOGETHER, next_unit, unit_of, yields

ROOT = Path(__file__).parents[2]


def test_files_that_stay_together_are_there() -> None:
    assert [file for file in TOGETHER if not (ROOT / file).is_file()] == []


def test_a_group_is_one_piece_and_another_test_is_its_own() -> None:
    group = {unit_of(f"tests/integration/test_whisper_{name}.py::test[a::b]") for name in ("server", "clients")}
    assert group == {TOGETHER["tests/integration/test_whisper_server.py"]}
    assert unit_of("tests/unit/test_ids.py::test[a::b]") == "tests/unit/test_ids.py::test[a::b]"


def test_the_last_of_several_yields_to_the_others() -> None:
    assert [yields({"workerid": f"gw{each}", "workercount": 3}) for each in range(3)] == [False, False, True]
    assert not yields({"workerid": "gw5", "workercount": 5}), "one that took the place of one that died"
    assert not yields({"workerid": "gw1", "workercount": 2})


def test_who_yields_is_given_what_only_computes_and_the_others_the_first_that_is_left() -> None:
    call, whisper, play = "tests/integration/test_serve.py::test_a", "whisper-server", "tests/sim/test_slow.py::test"
    assert next_unit((call, whisper, play), computing=False) == call
    assert next_unit((call, whisper, play), computing=True) == play
    assert next_unit((call, whisper), computing=True) is None
