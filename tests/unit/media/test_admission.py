"""Places and names: never more calls than places, a UUID up once."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from callengine.media.admission import Admission


@given(st.integers(0, 5), st.lists(st.booleans(), max_size=60))
def test_never_more_calls_than_places(places: int, moves: list[bool]) -> None:
    admission, inside = Admission(places), 0
    for enter in moves:
        if enter:
            free = admission.free
            assert admission.enter() is free is (inside < places)
            inside += free
        elif inside:
            admission.leave()
            inside -= 1
        assert admission.up == inside <= places


def test_draining_lets_nobody_in_and_everybody_out() -> None:
    admission = Admission(2)
    assert admission.enter()
    admission.draining = True
    assert not admission.free
    assert not admission.enter()
    admission.leave()
    assert admission.up == 0


def test_a_uuid_is_up_once() -> None:
    admission, uuid = Admission(2), UUID(int=1)
    assert admission.claim(uuid)
    assert not admission.claim(uuid)
    assert admission.claim(UUID(int=2))
    admission.release(uuid)
    admission.release(uuid)
    assert admission.claim(uuid)
