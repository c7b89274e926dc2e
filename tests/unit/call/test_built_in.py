"""The tools that every call has, as the model of an agent sees them."""

from callengine.agent import TransferTargets, load_agent
from callengine.call.built_in import built_in_tools
from callengine.ports.reasoning import CALL_BACK, END_CALL, REPEAT, TRANSFER

AGENT = load_agent(None, "en-GB")


def test_the_targets_are_named_with_what_is_said_of_them() -> None:
    targets = {"sales": {"description": "new orders"}, "night": {}}
    agent = AGENT.model_copy(update={"transfer": TransferTargets.model_validate({"targets": targets})})
    specs = {spec.name: spec for spec in built_in_tools(agent)}
    assert list(specs) == [END_CALL.name, TRANSFER.name, CALL_BACK.name, REPEAT.name]
    target = specs[TRANSFER.name].parameters["properties"]["target"]
    assert target["enum"] == ["sales", "night"]
    assert target["description"] == "Who. sales: new orders."
    assert specs[TRANSFER.name].parameters["required"] == ["target", "summary"]


def test_a_default_need_not_be_named() -> None:
    (transfer,) = [spec for spec in built_in_tools(AGENT) if spec.name == TRANSFER.name]
    assert transfer.parameters["required"] == ["summary"]
    assert "Left out: operator." in transfer.parameters["properties"]["target"]["description"]


def test_without_targets_nobody_can_be_put_through() -> None:
    agent = AGENT.model_copy(update={"transfer": TransferTargets()})
    assert [spec.name for spec in built_in_tools(agent)] == [END_CALL.name, CALL_BACK.name, REPEAT.name]


def test_only_a_request_writes() -> None:
    assert [spec.name for spec in built_in_tools(AGENT) if spec.writes] == [CALL_BACK.name]


def test_the_same_at_any_hour_of_the_call() -> None:
    assert built_in_tools(AGENT) == built_in_tools(AGENT.model_copy())
