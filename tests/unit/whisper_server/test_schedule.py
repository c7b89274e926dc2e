"""What is decoded next: the order of urgency, whole batches of one shape, and interims that give way."""

from hypothesis import given
from hypothesis import strategies as st
from whisper_server.schedule import Entry, Rules, Shape, Step, Urgency, interims_resume, is_hopeless, next_step

FINAL, EARLY, INTERIM = Urgency.FINAL, Urgency.EARLY, Urgency.INTERIM
SHORT, LONG, GREEDY = Shape(8.0, 4, 5), Shape(12.0, 4, 5), Shape(8.0, 4, 1)
GPU = Rules(most=4, fill_seconds=0.03)
CPU = Rules(most=2)

shapes = st.sampled_from([SHORT, LONG, Shape(8.0, 11, 5), Shape(8.0, 4, 5, alone=True)])
rules = st.builds(Rules, most=st.integers(1, 5), fill_seconds=st.sampled_from([0.0, 0.03]))


@st.composite
def lines(draw: st.DrawFn) -> list[Entry]:
    """Entries that arrived one after another within two seconds."""
    times = sorted(draw(st.lists(st.floats(0, 2), max_size=12)))
    entries = []
    for number, arrived in enumerate(times):
        urgency = draw(st.sampled_from(Urgency))
        shape = GREEDY if urgency is INTERIM else draw(shapes)
        entries.append(Entry(number, urgency, shape, arrived))
    return entries


def entry(number: int, urgency: Urgency, shape: Shape = SHORT, arrived: float = 0.0) -> Entry:
    return Entry(number, urgency, shape, arrived)


def test_finals_come_first_and_early_ones_of_the_same_shape_fill_the_batch() -> None:
    waiting = [entry(1, INTERIM, GREEDY), entry(2, EARLY), entry(3, FINAL, LONG), entry(4, FINAL), entry(5, EARLY)]
    first = next_step(waiting, 0.1, 0.0, GPU)
    assert [one.number for one in first.batch] == [3]
    second = next_step([one for one in waiting if one.number != 3], 0.1, 0.0, GPU)
    assert [one.number for one in second.batch] == [4, 2, 5]


def test_a_batch_waits_for_others_only_as_long_as_it_may() -> None:
    waiting = [entry(1, FINAL, arrived=1.0)]
    assert next_step(waiting, 1.01, 0.0, GPU) == Step((), (), wake=1.03)
    assert next_step(waiting, 1.03, 0.0, GPU).batch == tuple(waiting)
    assert next_step(waiting, 1.0, 0.0, CPU).batch == tuple(waiting)
    full = [entry(number, FINAL, arrived=1.0) for number in range(4)]
    assert next_step(full, 1.0, 0.0, GPU).batch == tuple(full)


def test_an_interim_that_waited_too_long_is_shed() -> None:
    waiting = [entry(1, INTERIM, GREEDY, arrived=0.0), entry(2, INTERIM, GREEDY, arrived=0.5)]
    step = next_step(waiting, 0.6, 0.0, GPU)
    assert [one.number for one in step.shed] == [1]
    assert [one.number for one in step.batch] == [2]


def test_interims_have_their_share_of_the_time_and_no_more() -> None:
    waiting = [entry(1, INTERIM, GREEDY, arrived=1.0)]
    resume = interims_resume(waiting, began=0.7, ended=1.0, rules=CPU)
    assert resume == 1.3
    assert next_step(waiting, 1.1, resume, CPU) == Step((), (), wake=1.3)
    assert next_step(waiting, 1.3, resume, CPU).batch == tuple(waiting)
    assert interims_resume([entry(1, FINAL)], began=0.7, ended=1.0, rules=CPU) == 1.0


def test_workers_with_nothing_to_do_share_a_batch() -> None:
    waiting = [entry(number, FINAL) for number in range(5)]
    assert [one.number for one in next_step(waiting, 0.1, 0.0, GPU, idle=2).batch] == [0, 1]
    assert [one.number for one in next_step(waiting[2:], 0.1, 0.0, GPU, idle=1).batch] == [2, 3, 4]
    assert [one.number for one in next_step(waiting[:1], 0.1, 0.0, GPU, idle=2).batch] == [0]


@given(lines(), st.floats(0, 3), st.floats(0, 3), rules, st.integers(1, 4))
def test_any_step_keeps_the_rules(waiting: list[Entry], now: float, interims_from: float, of: Rules, idle: int) -> None:
    waiting = [one for one in waiting if one.arrived <= now]
    step = next_step(waiting, now, interims_from, of, idle)
    assert set(step.batch) | set(step.shed) <= set(waiting)
    assert not set(step.batch) & set(step.shed)
    assert all(one.urgency is INTERIM for one in step.shed)
    assert len({one.shape for one in step.batch}) <= 1
    assert len(step.batch) <= of.most
    if step.batch:
        first = step.batch[0]
        kept = [one for one in waiting if one not in step.shed]
        assert first == min(kept, key=lambda one: (one.urgency, one.number))
        assert len(step.batch) == 1 or not first.shape.alone
        assert first.urgency is not INTERIM or now >= interims_from
    left = [one for one in waiting if one not in step.batch and one not in step.shed]
    assert step.batch or not left or (step.wake is not None and step.wake > now)


def test_of_interims_those_without_a_chance_are_known_at_once() -> None:
    of = Rules(4, interim_patience=0.6)
    assert not is_hopeless(INTERIM, 3, 0.5, of)
    assert is_hopeless(INTERIM, 4, 0.0, of)
    assert is_hopeless(INTERIM, 0, 0.6, of)
    assert not any(is_hopeless(urgency, 100, 100.0, of) for urgency in (FINAL, EARLY))


@given(lines(), rules, st.floats(0.01, 0.5))
def test_everything_is_decoded_once_or_shed_and_nobody_is_overtaken_by_the_less_urgent(
    entries: list[Entry], of: Rules, seconds: float
) -> None:
    now = interims_from = 0.0
    waiting, coming = list[Entry](), list(entries)
    done: list[Entry] = []
    while waiting or coming:
        waiting += [one for one in coming if one.arrived <= now]
        coming = [one for one in coming if one.arrived > now]
        step = next_step(waiting, now, interims_from, of)
        done += step.batch + step.shed
        waiting = [one for one in waiting if one not in step.batch and one not in step.shed]
        if step.batch:
            interims_from = interims_resume(step.batch, now, now + seconds, of)
            now += seconds
        else:
            now = min([one.arrived for one in coming] + ([step.wake] if step.wake is not None else []), default=now)
    assert sorted(one.number for one in done) == [one.number for one in entries]
