"""What is imported changes nothing of CI's examples."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers

from tests.same_examples import take_no_constants

NUMBERS = [10**9 + 7 * n for n in range(500)]


def drawn() -> list[int]:
    """What a property is shown."""
    seen: list[int] = []

    @settings(derandomize=True, database=None, deadline=None, max_examples=200)
    @given(st.integers())
    def look(number: int) -> None:
        seen.append(number)

    look()
    return seen


def test_a_module_that_is_imported_in_between_changes_no_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "_get_local_constants", providers._get_local_constants)  # is put back
    take_no_constants()
    before = drawn()
    file = tmp_path / "numbers_of_ours.py"
    file.write_text(f"NUMBERS = {NUMBERS}\n")
    spec = spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, file.stem, module)
    spec.loader.exec_module(module)
    assert drawn() == before
    assert not set(before) & set(NUMBERS)
