"""What chat completions can do beyond text, with OpenAI's Python client over both backends."""

import json

import pytest
from openai.types import Completion
from openai.types.chat import ChatCompletion
from pydantic import BaseModel
from support import MODEL, turn
from support.clients import openai_client

HELLO = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "weather", "description": "Weather now", "parameters": SCHEMA}
TOOL = {"type": "function", "function": FUNCTION}


class Place(BaseModel):
    city: str


def strictly(kind, answer):
    """The answer, which must be just what the library says it is."""
    return kind.model_validate_json(answer.model_dump_json(exclude_unset=True), strict=True)


@pytest.fixture
def call(proxy):
    """A scripted call of a tool: Claude Code knows the tools by names of its own."""
    prefix = "mcp__client__" if proxy.backend == "claude-code" else ""

    def call(name, arguments):
        return {"tool": {"name": prefix + name, "input": arguments}}

    return call


def test_several_choices(gpt, simulator):
    simulator.script(turn("Yes.", times=3, usage={"input_tokens": 5, "output_tokens": 2}))
    answer = strictly(ChatCompletion, gpt.chat.completions.create(**HELLO, n=3))
    assert [(choice.index, choice.message.content) for choice in answer.choices] == [(n, "Yes.") for n in range(3)]
    assert answer.usage.completion_tokens == 6


def test_several_choices_in_a_stream(gpt, simulator):
    simulator.script(turn({"text": ["Y", "es."]}, times=2))
    said, ends = {0: "", 1: ""}, []
    for chunk in gpt.chat.completions.create(**HELLO, n=2, stream=True):
        (choice,) = chunk.choices
        said[choice.index] += choice.delta.content or ""
        ends += [choice.index] if choice.finish_reason == "stop" else []
    assert said == {0: "Yes.", 1: "Yes."} and sorted(ends) == [0, 1]


def test_a_custom_tool(gpt, simulator, call):
    tools = [{"type": "custom", "custom": {"name": "write", "description": "Writes"}}]
    simulator.script(turn(call("write", {"input": 'print("é")\n'})))
    answer = strictly(ChatCompletion, gpt.chat.completions.create(**HELLO, tools=tools))
    (made,) = answer.choices[0].message.tool_calls
    assert (made.type, made.custom.name, made.custom.input) == ("custom", "write", 'print("é")\n')
    simulator.script(turn("Done."))
    result = {"role": "tool", "tool_call_id": made.id, "content": "ok"}
    answer = gpt.chat.completions.create(
        model=MODEL, messages=[*HELLO["messages"], answer.choices[0].message, result], tools=tools
    )
    assert answer.choices[0].message.content == "Done."


def test_a_function_of_before_there_were_tools(gpt, simulator, call):
    simulator.script(turn(call("weather", {"city": "Oslo"})))
    answer = strictly(ChatCompletion, gpt.chat.completions.create(**HELLO, functions=[FUNCTION]))
    (choice,) = answer.choices
    assert choice.finish_reason == "function_call" and choice.message.tool_calls is None
    assert json.loads(choice.message.function_call.arguments) == {"city": "Oslo"}
    simulator.script(turn("Cold."))
    result = {"role": "function", "name": "weather", "content": "-3 °C"}
    answer = gpt.chat.completions.create(
        model=MODEL, messages=[*HELLO["messages"], choice.message, result], functions=[FUNCTION]
    )
    assert answer.choices[0].message.content == "Cold."


def test_json_without_a_schema(gpt, simulator, call):
    for _ in range(2):
        simulator.script(turn(call("json_answer", {"city": "Oslo"})))
        answer = gpt.chat.completions.create(**HELLO, response_format={"type": "json_object"})
        (choice,) = answer.choices
        assert json.loads(choice.message.content) == {"city": "Oslo"}
        assert choice.finish_reason == "stop" and choice.message.tool_calls is None


def test_json_with_a_schema(gpt, simulator):
    simulator.script(turn('{"city": "Oslo"}'))
    answer = gpt.chat.completions.parse(**HELLO, response_format=Place)
    assert answer.choices[0].message.parsed == Place(city="Oslo")


@pytest.mark.parametrize("stream", [False, True])
def test_thinking_goes_on_when_the_client_drops_it(gpt, simulator, call, stream):
    messages = list(HELLO["messages"])
    for number in range(4):
        simulator.script(turn({"thinking": f"thought {number}"}, call("weather", {"city": "Oslo"})))
        common = {"model": MODEL, "messages": messages, "tools": [TOOL], "reasoning_effort": "high"}
        if stream:
            with gpt.chat.completions.stream(**common) as events:
                answer = events.get_final_completion()
        else:
            answer = gpt.chat.completions.create(**common)
        calls = [
            {"id": each.id, "type": "function", "function": {"name": "weather", "arguments": each.function.arguments}}
            for each in answer.choices[0].message.tool_calls
        ]
        messages += [
            {"role": "assistant", "content": None, "tool_calls": calls},
            {"role": "tool", "tool_call_id": calls[0]["id"], "content": "-3 °C"},
        ]
    simulator.script(turn("Cold."))
    answer = gpt.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL], reasoning_effort="high")
    assert answer.choices[0].message.content == "Cold."
    last = simulator.conversations()[-1]["json"]
    assert last["thinking"]["type"] == "adaptive"
    thought = [b["thinking"] for m in last["messages"] for b in m["content"] if b["type"] == "thinking"]
    assert thought == [f"thought {number}" for number in range(4)]


def test_what_a_search_found_is_cited(over_api, simulator):
    cited = {"type": "web_search_result_location", "url": "https://a.example/", "title": "A", "cited_text": "x"}
    simulator.script(turn("It is cold.", {"citation": cited | {"encrypted_index": "e"}}))
    with openai_client(over_api) as gpt:
        answer = strictly(ChatCompletion, gpt.chat.completions.create(**HELLO, web_search_options={}))
    (annotation,) = answer.choices[0].message.annotations
    assert (annotation.url_citation.url, annotation.url_citation.end_index) == ("https://a.example/", 11)


def test_a_legacy_completion(gpt, simulator):
    simulator.script(turn(" a time.", times=2, usage={"input_tokens": 5, "output_tokens": 2}))
    answer = strictly(Completion, gpt.completions.create(model=MODEL, prompt="Once upon", echo=True))
    assert (answer.choices[0].text, answer.choices[0].finish_reason) == ("Once upon a time.", "stop")
    chunks = list(gpt.completions.create(model=MODEL, prompt="Once upon", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == " a time."


def test_sampling_that_a_model_turns_out_to_refuse_is_left_out(gpt, simulator):
    refusal = {"status": 400, "message": "`temperature` is deprecated for this model."}
    simulator.script({"http_error": refusal}, turn("Yes."))
    asked = HELLO | {"model": "claude-opus-4-5", "temperature": 0.5}
    raw = gpt.chat.completions.with_raw_response.create(**asked)
    assert raw.parse().choices[0].message.content == "Yes."
    assert "temperature" in raw.headers["x-ignored-parameters"]
    first, *others = [request["json"] for request in simulator.conversations()]
    assert first["temperature"] == 0.5
    simulator.clear()
    gpt.chat.completions.create(**asked)
    assert simulator.conversation().get("temperature") != 0.5
    assert all(request.get("temperature") != 0.5 for request in others)
