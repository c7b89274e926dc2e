"""What the tests' workers are given in one piece: files that are there, and all else test by test."""

from pathlib import Path

from tests.workers import TOGETHER, unit_of

ROOT = Path(__file__).parents[2]


def test_files_that_stay_together_are_there() -> None:
    assert [file for file in TOGETHER if not (ROOT / file).is_file()] == []


def test_a_group_is_one_piece_and_another_test_is_its_own() -> None:
    group = {unit_of(f"tests/integration/test_whisper_{name}.py::test[a::b]") for name in ("server", "clients")}
    assert group == {TOGETHER["tests/integration/test_whisper_server.py"]}
    assert unit_of("tests/unit/test_ids.py::test[a::b]") == "tests/unit/test_ids.py::test[a::b]"
