"""How a call goes from node to node over the Registry port, held against every implementation."""

from tests.contract.registries import OpenRegistries


async def test_a_call_that_comes_anew_goes_on_from_nothing(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (registry, _):
        claim = await registry.claim("a")
        assert (claim.call_id, claim.epoch, claim.checkpoint) == ("a", 1, "")
        assert not claim.lost.is_set()
        assert await registry.outcome("a") == ""


async def test_another_node_goes_on_where_the_first_left_off(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (first, second):
        before = await first.claim("a")
        first.checkpoint_nowait(before, "one turn")
        first.checkpoint_nowait(before, "two turns")
        await first.publish()
        after = await second.claim("a")
        assert (after.epoch, after.checkpoint) == (2, "two turns")
        assert (await second.claim("b")).checkpoint == ""


async def test_who_sees_a_newer_connection_has_lost_the_call_and_says_nothing_more(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (first, second):
        before = await first.claim("a")
        first.checkpoint_nowait(before, "old")
        await first.publish()
        after = await second.claim("a")
        second.checkpoint_nowait(after, "new")
        second.outcome_nowait(after, "hangup")
        await second.publish()
        first.checkpoint_nowait(before, "stale")
        first.outcome_nowait(before, "transfer:nowhere")
        await first.publish()
        assert before.lost.is_set()
        assert not after.lost.is_set()
        assert await first.outcome("a") == "hangup"
        assert (await first.claim("a")).checkpoint == "new"


async def test_every_node_knows_the_outcome(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (first, second):
        claim = await first.claim("a")
        first.outcome_nowait(claim, "transfer:sales")
        first.release_nowait(claim)
        await first.publish()
        assert await second.outcome("a") == "transfer:sales"
        assert await first.outcome("a") == "transfer:sales"


async def test_an_outcome_is_that_of_the_last_connection(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (first, second):
        claim = await first.claim("a")
        first.outcome_nowait(claim, "hangup")
        first.release_nowait(claim)
        await first.publish()
        await second.claim("a")
        assert await second.outcome("a") == ""


async def test_a_checkpoint_may_be_forgotten(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (first, second):
        claim = await first.claim("a")
        first.checkpoint_nowait(claim, "all of it")
        await first.publish()
        first.checkpoint_nowait(claim, "")
        first.release_nowait(claim)
        await first.publish()
        assert (await second.claim("a")).checkpoint == ""


async def test_a_call_comes_back_to_its_own_node(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (registry, _):
        claim = await registry.claim("a")
        registry.checkpoint_nowait(claim, "one turn")
        registry.release_nowait(claim)
        again = await registry.claim("a")
        assert (again.epoch, again.checkpoint) == (2, "one turn")


async def test_who_comes_first_is_known_to_be_the_first(open_nodes: OpenRegistries) -> None:
    async with open_nodes() as (first, second):
        claim = await first.claim("a")
        assert claim.first
        first.release_nowait(claim)
        await first.publish()
        assert [(await node.claim("a")).first for node in (second, first)] == [False, False]
