"""Errors are counted as jiwer counts them; silence has only inventions."""

from callengine.evaluation.scoring import Errors, compare, total


def test_kinds_of_errors() -> None:
    assert compare(["a", "b", "c", "d", "e", "f"], ["a", "x", "c", "e", "f", "g"]) == Errors(6, 1, 1, 1)
    assert compare(["a"], []) == Errors(1, 0, 1, 0)
    assert compare(["a", "b"], ["a", "b"]).rate == 0.0


def test_of_silence_every_word_is_invented() -> None:
    errors = compare([], ["thank", "you"])
    assert errors == Errors(0, 0, 0, 2)
    assert errors.rate is None
    assert compare([], []) == Errors()


def test_a_long_sample_weighs_more() -> None:
    errors = total([Errors(9, 0, 0, 0), Errors(1, 1, 0, 0), Errors(0, 0, 0, 1)])
    assert errors == Errors(10, 1, 0, 1)
    assert errors.rate == 0.2
    assert errors.all == 2
