"""Circuits and retries: when a recogniser is left alone, tried again, and when a call gives up."""

from dataclasses import dataclass, replace

import pytest

from backends.stt.scripted import ScriptedRecognizer
from callengine.call.entrance import MOST_PLACES, Entrances
from callengine.call.failover import CHOSEN, FALLBACK, FAULTS, FAULTS_SECONDS, OPEN_SECONDS, PROBE_SECONDS, Failover
from callengine.call.sources import AWAY_SECONDS, RETRY_SECONDS, Over, Retries, Sources
from callengine.errors import RecognizerError


def error(retryable: bool = True) -> RecognizerError:
    return RecognizerError("away", retryable=retryable)


def broken(retryable: bool = True, alive: bool = False, lasted: bool = False) -> Over:
    return Over("broken", error(retryable), alive, lasted=lasted)


@dataclass(frozen=True, slots=True)
class Exact(Entrances):
    """Nothing is spread: waits are as the table has them."""

    def spread(self, seconds: float) -> float:
        return seconds


def sources(count: int) -> Sources:
    return Sources(tuple(ScriptedRecognizer(["да"]) for _ in range(count)), entrances=Exact())


def test_faults_in_a_row_open_the_circuit_and_one_stream_tries_again() -> None:
    failover = Failover()
    circuit = failover.circuits[CHOSEN]
    for number in range(FAULTS):
        assert failover.pick(float(number)) == CHOSEN
        circuit.fail(float(number))
    opened = FAULTS - 1.0
    assert failover.pick(opened + OPEN_SECONDS - 0.1) == FALLBACK
    now = opened + OPEN_SECONDS
    assert [failover.pick(now) for _ in range(3)] == [CHOSEN, FALLBACK, FALLBACK], "one probe at a time"
    circuit.fail(now + 1)
    assert failover.pick(now + OPEN_SECONDS) == FALLBACK
    assert failover.pick(now + 1 + OPEN_SECONDS) == CHOSEN
    assert failover.pick(now + 1 + OPEN_SECONDS + PROBE_SECONDS) == CHOSEN, "a probe that says nothing is forgotten"
    assert circuit.succeed()
    assert [failover.pick(now + 30) for _ in range(3)] == [CHOSEN] * 3


def test_faults_far_apart_open_nothing() -> None:
    circuit = Failover().circuits[CHOSEN]
    for number in range(10):
        assert circuit.fail(number * FAULTS_SECONDS), "each is an incident of its own"
    assert not circuit.open


def test_a_fault_for_good_opens_at_once() -> None:
    failover = Failover()
    failover.circuits[CHOSEN].fail(0.0, for_good=True)
    assert failover.pick(0.1) == FALLBACK


def test_an_incident_is_told_once() -> None:
    circuit = Failover().circuits[CHOSEN]
    assert [circuit.fail(0.01 * call) for call in range(200)] == [True] + [False] * 199
    assert [circuit.succeed() for _ in range(3)] == [True, False, False]


def test_where_both_are_away_the_call_goes_to_and_fro() -> None:
    failover = Failover()
    for circuit in failover.circuits:
        circuit.fail(0.0, for_good=True)
    assert failover.pick(1.0, failed=CHOSEN) == FALLBACK
    assert failover.pick(1.0, failed=FALLBACK) == CHOSEN


def waits(retries: Retries, over: Over, at: int = CHOSEN, began: float = 100.0) -> list[float]:
    """What a call waits between streams that end so at once, until it gives up."""
    now = began
    waited: list[float] = []
    for _ in range(1000):
        try:
            at, wait = retries.after(at, over, now)
        except RecognizerError:
            return waited
        waited.append(wait)
        now += wait
    pytest.fail("it never gives up")


def test_a_call_with_one_recogniser_waits_longer_and_gives_up_after_a_while() -> None:
    waited = waits(Retries(sources(1)), broken())
    assert tuple(waited[: len(RETRY_SECONDS)]) == RETRY_SECONDS
    assert set(waited[len(RETRY_SECONDS) :]) == {RETRY_SECONDS[-1]}
    assert AWAY_SECONDS <= sum(waited) <= AWAY_SECONDS + RETRY_SECONDS[-1]


def test_how_long_a_call_outlives_its_recogniser_is_a_setting() -> None:
    patient, hasty = (replace(sources(1), away_seconds=seconds) for seconds in (50.0, 0.0))
    assert 50.0 <= sum(waits(Retries(patient), broken())) <= 50.0 + RETRY_SECONDS[-1]
    retries = Retries(hasty)
    assert retries.after(CHOSEN, broken(), 7.0) == (CHOSEN, 0.0), "another stream in any case"
    with pytest.raises(RecognizerError, match="away"):
        retries.after(CHOSEN, broken(), 7.0)


def test_a_stream_that_lasted_makes_up_for_what_went_before() -> None:
    retries = Retries(sources(1))
    for _ in range(20):
        assert retries.after(CHOSEN, broken(alive=True, lasted=True), 0.0) == (CHOSEN, 0.0)


def test_one_that_said_something_and_broke_at_once_is_never_given_up_and_waits_longer() -> None:
    retries, now = Retries(sources(1)), 0.0
    waited = []
    for _ in range(60):
        at, wait = retries.after(CHOSEN, broken(alive=True), now)
        assert at == CHOSEN
        waited.append(wait)
        now += wait
    assert now > 2 * AWAY_SECONDS
    assert waited == [*RETRY_SECONDS, *[RETRY_SECONDS[-1]] * (60 - len(RETRY_SECONDS))]
    assert retries.after(CHOSEN, broken(alive=True, lasted=True), now) == (CHOSEN, 0.0)


def test_waits_are_spread() -> None:
    retries = Retries(replace(sources(1), entrances=Entrances()))
    waited = waits(retries, broken())[len(RETRY_SECONDS) :]
    assert all(0.5 <= wait / RETRY_SECONDS[-1] <= 1.5 for wait in waited)
    assert len(set(waited)) == len(waited)


def test_a_failure_lets_fewer_begin_at_once_on_that_recogniser_alone() -> None:
    both = sources(2)
    Retries(both).after(CHOSEN, broken(), 0.0)
    Retries(both).after(CHOSEN, Over("rotation", None, True), 0.0)
    Retries(both).after(CHOSEN, Over("ended", None, True), 0.0)
    assert (both.entrance(CHOSEN).places, both.entrance(FALLBACK).places) == (MOST_PLACES // 2, MOST_PLACES)


def test_since_when_a_call_has_been_without_a_stream() -> None:
    retries = Retries(sources(1))
    retries.after(CHOSEN, Over("rotation", None, True), 5.0)
    assert retries.without_since(6.0) == 6.0
    for now in (7.0, 8.0):
        retries.after(CHOSEN, broken(), now)
        assert retries.without_since(9.0) == 7.0
    retries.after(CHOSEN, broken(alive=True), 10.0)
    assert retries.without_since(11.0) == 10.0


def test_a_fault_moves_the_call_at_once() -> None:
    retries = Retries(sources(2))
    assert retries.after(CHOSEN, broken(), 0.0) == (FALLBACK, 0.0)
    assert retries.after(FALLBACK, broken(), 0.0) == (CHOSEN, 0.0)
    assert retries.after(CHOSEN, broken(), 0.0) == (FALLBACK, RETRY_SECONDS[1])


def test_both_are_tried_before_a_call_gives_up() -> None:
    waited = waits(Retries(sources(2)), broken())
    assert tuple(waited[: 2 * len(RETRY_SECONDS)]) == tuple(wait for wait in RETRY_SECONDS for _ in range(2))


def test_life_that_was_shown_gives_all_the_time_again() -> None:
    retries = Retries(sources(1))
    waits(retries, broken())
    assert retries.after(CHOSEN, broken(alive=True, lasted=True), 500.0) == (CHOSEN, 0.0)
    assert sum(waits(retries, broken(), began=500.0)) >= AWAY_SECONDS


def test_a_recogniser_that_refuses_is_not_asked_again_by_this_call() -> None:
    retries = Retries(sources(2))
    assert retries.after(CHOSEN, broken(retryable=False), 0.0) == (FALLBACK, 0.0)
    assert retries.after(FALLBACK, broken(), 0.0)[0] == FALLBACK
    with pytest.raises(RecognizerError):
        retries.after(FALLBACK, broken(retryable=False), 0.0)
    with pytest.raises(RecognizerError):
        Retries(sources(1)).after(CHOSEN, broken(retryable=False), 0.0)


@pytest.mark.parametrize("over", [Over("rotation", None, True), Over("ended", None, True), Over("hung", None, False)])
def test_what_is_no_fault_moves_no_call(over: Over) -> None:
    both = sources(2)
    assert Retries(both).after(CHOSEN, over, 0.0) == (CHOSEN, 0.0)
    assert not any(circuit.fail(0.0) is False for circuit in both.failover.circuits), "something was held against it"


def test_a_backend_that_ends_every_stream_at_once_is_given_up() -> None:
    retries = Retries(sources(1))
    assert tuple(waits(retries, Over("ended", None, False))[: len(RETRY_SECONDS)]) == RETRY_SECONDS
    with pytest.raises(RecognizerError, match="ends every stream"):
        retries.after(CHOSEN, Over("ended", None, False), 200.0)


def test_a_second_hang_moves_the_call_and_only_lost_words_count_against_the_recogniser() -> None:
    both = sources(2)
    assert Retries(both).after(CHOSEN, Over("hung", None, True, again=True), 0.0) == (FALLBACK, 0.0)
    assert both.failover.circuits[CHOSEN].fail(0.0), "it may have been a noise"
    both = sources(2)
    assert Retries(both).after(CHOSEN, Over("hung", None, True, sure=True), 0.0) == (FALLBACK, 0.0)
    assert not both.failover.circuits[CHOSEN].fail(0.0)


def test_a_rotation_brings_the_call_back_once_the_chosen_one_is_well() -> None:
    both = sources(2)
    retries = Retries(both)
    for _ in range(FAULTS):
        both.blame(CHOSEN, "away", 0.0, for_good=False)
    assert both.first(1.0) == FALLBACK
    assert retries.after(FALLBACK, Over("rotation", None, True), 2.0)[0] == FALLBACK
    assert retries.after(FALLBACK, Over("rotation", None, True), OPEN_SECONDS)[0] == CHOSEN


def test_the_fallback_carries_from_the_first_open_circuit_until_life_is_shown() -> None:
    both = sources(2)
    assert not both.fallback_carries
    both.blame(CHOSEN, "away", 0.0, for_good=True)
    assert both.fallback_carries
    both.forgive(CHOSEN)
    assert not both.fallback_carries
    alone = sources(1)
    alone.blame(CHOSEN, "away", 0.0, for_good=True)
    assert not alone.fallback_carries
