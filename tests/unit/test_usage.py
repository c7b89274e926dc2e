"""Bills: sums in any order, and no sum of money where a part of it is unknown."""

from decimal import Decimal
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from callengine.ports.usage import Bill, Used, added, cost_by_service, total_cost

MONEY = st.none() | st.decimals(0, 10, places=10)
USED = st.builds(
    Used,
    st.sampled_from(["stt", "llm", "tts"]),
    st.sampled_from(["a", "b"]),
    seconds=st.integers(0, 1000).map(float),
    characters=st.integers(0, 1000),
    input_tokens=st.integers(0, 1000),
    usd=MONEY,
)


def bill(*used: Used) -> Bill:
    return added((), used)


@given(st.lists(USED, max_size=4))
def test_the_order_changes_nothing(used: list[Used]) -> None:
    assert len({bill(*order) for order in permutations(used)}) == 1


@given(st.lists(USED, max_size=6), st.integers(0, 6))
def test_parts_make_the_whole(used: list[Used], cut: int) -> None:
    whole = bill(*used)
    assert added(bill(*used[:cut]), bill(*used[cut:])) == whole
    assert sum(line.seconds for line in whole) == sum(line.seconds for line in used)
    assert len({(line.service, line.product) for line in whole}) == len(whole)


def test_a_price_that_is_unknown_makes_its_sums_unknown_and_no_other() -> None:
    both = bill(Used("stt", "a", usd=Decimal("0.5")), Used("llm", "m", usd=None), Used("stt", "b", usd=Decimal("0.25")))
    assert cost_by_service(both) == {"stt": Decimal("0.75"), "llm": None}
    assert total_cost(both) is None
    assert total_cost(()) == 0
