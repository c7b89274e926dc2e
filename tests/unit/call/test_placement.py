"""Where a stream's samples lie in the call: each sample's place is told back, however much was left out."""

from hypothesis import given
from hypothesis import strategies as st

from callengine.call.placement import Placement

runs = st.lists(st.tuples(st.integers(0, 500), st.integers(1, 500)), min_size=1, max_size=20)


@given(runs)
def test_every_sample_is_found_again(lengths: list[tuple[int, int]]) -> None:
    placed, at = Placement(), 0
    places: list[int] = []
    for skipped, sent in lengths:
        at += skipped
        placed.place(at, at + sent)
        places += range(at, at + sent)
        at += sent
    assert placed.length == len(places)
    assert placed.end == at
    for position, place in enumerate(places):
        assert placed.beginning(position) == place
        assert placed.ending(position + 1) == place + 1


def test_what_lies_behind_the_stream_is_its_end() -> None:
    placed = Placement()
    assert placed.ending(5) == placed.beginning(5) == 0
    placed.place(100, 200)
    assert placed.ending(1000) == 200
    assert placed.ending(0) == placed.beginning(0) == 100
