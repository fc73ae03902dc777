"""Tools in both dialects: calls, results, streams; over Claude Code in a process that waits for the results."""

import json

import pytest
from support import MODEL, cli_additions, turn
from support.clients import anthropic_client, openai_client

ASK = {"role": "user", "content": "How warm is it in Oslo and in Rome?"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ANTHROPIC_TOOL = {"name": "weather", "description": "Weather now", "input_schema": SCHEMA}
OPENAI_TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "Weather now", "parameters": SCHEMA},
}


def call(city):
    return {"tool": {"name": "weather", "input": {"city": city}}}


def test_anthropic_calls_and_results(claude, simulator):
    simulator.script(turn("Let me look.", call("Oslo"), call("Rome")))
    common = {"model": MODEL, "max_tokens": 500, "tools": [ANTHROPIC_TOOL]}
    asked = claude.messages.create(**common, messages=[ASK])
    assert asked.stop_reason == "tool_use"
    calls = [block for block in asked.content if block.type == "tool_use"]
    assert [(block.name, block.input) for block in calls] == [
        ("weather", {"city": "Oslo"}),
        ("weather", {"city": "Rome"}),
    ]

    results = [
        {"type": "tool_result", "tool_use_id": calls[0].id, "content": "-3 °C"},
        {"type": "tool_result", "tool_use_id": calls[1].id, "content": "no such station", "is_error": True},
    ]
    history = [ASK, {"role": "assistant", "content": asked.content}, {"role": "user", "content": results}]
    answer = claude.messages.create(**common, messages=history)
    assert answer.content[0].text == 'The tool said: "no such station"'
    told = simulator.conversations()[-1]["json"]["messages"][-1]["content"]
    for block in told:
        block.pop("cache_control", None)
    assert told == results


def test_openai_calls_and_results(gpt, simulator):
    simulator.script(turn("Let me look.", call("Oslo"), call("Rome")))
    common = {"model": MODEL, "tools": [OPENAI_TOOL]}
    (choice,) = gpt.chat.completions.create(**common, messages=[ASK]).choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", "Let me look.")
    calls = choice.message.tool_calls
    assert [json.loads(each.function.arguments) for each in calls] == [{"city": "Oslo"}, {"city": "Rome"}]

    results = [
        {"role": "tool", "tool_call_id": each.id, "content": text}
        for each, text in zip(calls, ["-3 °C", "21 °C"], strict=True)
    ]
    answer = gpt.chat.completions.create(**common, messages=[ASK, choice.message, *results])
    assert answer.choices[0].message.content == 'The tool said: "21 °C"'
    first, assistant, told = simulator.conversations()[-1]["json"]["messages"]
    assert [block["type"] for block in assistant["content"]] == ["text", "tool_use", "tool_use"]
    assert assistant["content"][1]["input"] == {"city": "Oslo"}
    assert [block["tool_use_id"] for block in told["content"]] == [each.id for each in calls]


def test_calls_alone_leave_the_openai_content_empty(gpt, simulator):
    simulator.script(turn(call("Oslo")))
    (choice,) = gpt.chat.completions.create(model=MODEL, messages=[ASK], tools=[OPENAI_TOOL]).choices
    assert choice.message.content is None and len(choice.message.tool_calls) == 1


def test_anthropic_calls_in_a_stream(claude, simulator):
    simulator.script(turn({"tool": {"name": "weather", "deltas": ['{"ci', 'ty": "Os', 'lo"}']}}))
    body = {"model": MODEL, "max_tokens": 500, "tools": [ANTHROPIC_TOOL], "messages": [ASK]}
    with claude.messages.stream(**body) as stream:
        deltas = [event.partial_json for event in stream if event.type == "input_json"]
        answer = stream.get_final_message()
    assert "".join(deltas) == '{"city": "Oslo"}' and answer.content[0].input == {"city": "Oslo"}


def test_openai_calls_in_a_stream(gpt, simulator):
    simulator.script(turn(call("Oslo"), call("Rome")))
    stream = gpt.chat.completions.create(model=MODEL, messages=[ASK], tools=[OPENAI_TOOL], stream=True)
    arguments, names, finish = {}, {}, None
    for chunk in stream:
        (choice,) = chunk.choices
        finish = choice.finish_reason or finish
        for part in choice.delta.tool_calls or []:
            arguments[part.index] = arguments.get(part.index, "") + (part.function.arguments or "")
            if part.id:
                names[part.index] = (part.type, part.function.name)
    assert {index: json.loads(text) for index, text in arguments.items()} == {0: {"city": "Oslo"}, 1: {"city": "Rome"}}
    assert names == {0: ("function", "weather"), 1: ("function", "weather")} and finish == "tool_calls"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "weather"}}, {"type": "tool", "name": "weather"}),
    ],
    ids=["required", "named"],
)
def test_the_choice_of_a_tool(gpt, proxy, simulator, choice, expected):
    answer = gpt.chat.completions.create(
        model=MODEL, messages=[ASK], tools=[OPENAI_TOOL], tool_choice=choice, parallel_tool_calls=False
    )
    assert answer.choices[0].message.tool_calls[0].function.name == "weather"
    if "name" in expected and proxy.backend == "claude-code":
        expected = expected | {"name": cli_additions.PREFIX + expected["name"]}
    assert simulator.conversation()["tool_choice"] == expected | {"disable_parallel_tool_use": True}


def test_over_claude_code_anthropic_calls_go_on_without_another_call_upstream(over_claude, simulator):
    simulator.script(turn("Let me look.", call("Oslo"), call("Rome")))
    common = {"model": MODEL, "max_tokens": 500, "tools": [ANTHROPIC_TOOL]}
    with anthropic_client(over_claude) as client:
        asked = client.messages.create(**common, messages=[ASK])
        calls = [block for block in asked.content if block.type == "tool_use"]
        assert [(block.name, block.input["city"]) for block in calls] == [("weather", "Oslo"), ("weather", "Rome")]
        results = [{"type": "tool_result", "tool_use_id": each.id, "content": "21 °C"} for each in calls]
        history = [ASK, {"role": "assistant", "content": asked.content}, {"role": "user", "content": results}]
        answer = client.messages.create(**common, messages=history)
    assert answer.content[0].text == 'The tool said: "21 °C"'
    assert len(simulator.conversations()) == 2


def test_over_claude_code_openai_calls_go_on_without_another_call_upstream(over_claude, simulator):
    simulator.script(turn("Let me look.", call("Oslo"), call("Rome")))
    common = {"model": MODEL, "tools": [OPENAI_TOOL]}
    with openai_client(over_claude) as client:
        (choice,) = client.chat.completions.create(**common, messages=[ASK]).choices
        assert choice.finish_reason == "tool_calls"
        calls = choice.message.tool_calls
        results = [{"role": "tool", "tool_call_id": each.id, "content": "21 °C"} for each in calls]
        answer = client.chat.completions.create(**common, messages=[ASK, choice.message, *results])
    assert answer.choices[0].message.content == 'The tool said: "21 °C"'
    assert len(simulator.conversations()) == 2
