"""Thinking through four rounds of a tool loop: whatever a client does with it, the next turn is taken upstream.

The simulator refuses thinking that was changed, and for the older model a tool loop that lacks it, as the API does.
"""

import json

import pytest
from support import MODEL, turn
from support.clients import openai_client

# Adaptive thinking; and thinking with a budget, which wants it back.
MODELS = [MODEL, "claude-haiku-4-5"]
ASK = "How warm is it in four cities?"
CITIES = ["Oslo", "Rome", "Cairo", "Lima"]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT_TOOL = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
RESPONSES_TOOL = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}


def rounds():
    for number, city in enumerate(CITIES):
        hidden = [{"redacted_thinking": "Hidden."}] if number == 1 else []
        yield turn({"thinking": f"Now {city}."}, *hidden, {"tool": {"name": "weather", "input": {"city": city}}})
    yield turn({"thinking": "That is all."}, "Warm.")


@pytest.fixture
def scripted(simulator):
    simulator.script(*rounds())
    return simulator


def complete(client, stream, **body):
    if not stream:
        return client.chat.completions.create(**body)
    with client.chat.completions.stream(**body) as events:
        return events.get_final_completion()


def respond(client, stream, **body):
    if not stream:
        return client.responses.create(**body)
    with client.responses.stream(**body) as events:
        return events.get_final_response()


def as_it_came(message):
    """All that the client was told goes back."""
    return message.to_dict(exclude_unset=True)


def without_reasoning(message):
    """A client that knows OpenAI's own members alone."""
    calls = [call.to_dict(exclude_unset=True) for call in message.tool_calls]
    return {"role": "assistant", "content": message.content, "tool_calls": calls}


def chat_loop(proxy, model, stream, kept):
    messages = [{"role": "user", "content": ASK}]
    with openai_client(proxy) as client:
        for city in CITIES:
            body = {"model": model, "tools": [CHAT_TOOL], "reasoning_effort": "high", "messages": messages}
            (choice,) = complete(client, stream, **body).choices
            (call,) = choice.message.tool_calls
            assert json.loads(call.function.arguments) == {"city": city}
            assert choice.message.reasoning_content == f"Now {city}."
            messages += [kept(choice.message), {"role": "tool", "tool_call_id": call.id, "content": "21 °C"}]
        return complete(client, stream, **body | {"messages": messages}).choices[0].message.content


def responses_loop(proxy, model, stream):
    items = [{"type": "message", "role": "user", "content": ASK}]
    body = {"model": model, "tools": [RESPONSES_TOOL], "store": False, "include": ["reasoning.encrypted_content"]}
    body |= {"reasoning": {"effort": "high", "summary": "auto"}}
    with openai_client(proxy) as client:
        for city in CITIES:
            output = respond(client, stream, **body, input=items).output
            (call,) = [item for item in output if item.type == "function_call"]
            assert json.loads(call.arguments) == {"city": city}
            assert all(item.encrypted_content for item in output if item.type == "reasoning")
            items += [item.to_dict(exclude_unset=True) for item in output]
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": "21 °C"})
        return respond(client, stream, **body, input=items).output_text


def assert_all_thoughts_were_told(simulator):
    last = simulator.conversations()[-1]["json"]["messages"]
    blocks = [block for message in last for block in message["content"] if isinstance(block, dict)]
    thought = [block["thinking"] for block in blocks if block["type"] == "thinking"]
    assert thought == [f"Now {city}." for city in CITIES]
    assert sum(block["type"] == "redacted_thinking" for block in blocks) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kept", [as_it_came, without_reasoning])
def test_chat_completions(over_api, scripted, model, stream, kept):
    assert chat_loop(over_api, model, stream, kept) == "Warm."
    assert len(scripted.conversations()) == 5
    assert_all_thoughts_were_told(scripted)


@pytest.mark.parametrize("kept", [as_it_came, without_reasoning])
def test_chat_completions_over_claude_code(over_claude, scripted, kept):
    assert chat_loop(over_claude, MODEL, True, kept) == "Warm."
    assert_all_thoughts_were_told(scripted)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("model", MODELS)
def test_responses_that_are_not_stored(over_api, scripted, model, stream):
    assert responses_loop(over_api, model, stream) == "Warm."
    assert len(scripted.conversations()) == 5
    assert_all_thoughts_were_told(scripted)


def test_responses_over_claude_code(over_claude, scripted):
    assert responses_loop(over_claude, MODEL, True) == "Warm."
    assert_all_thoughts_were_told(scripted)


def test_thoughts_that_nobody_knows_do_not_fail_the_turn(over_api, simulator):
    """The client drops them and this server never had them: that turn goes without thinking."""
    call = {"id": "call_of_another_server", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": ASK},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": "21 °C"},
    ]
    body = {"model": "claude-haiku-4-5", "tools": [CHAT_TOOL], "reasoning_effort": "high", "messages": messages}
    with openai_client(over_api) as client:
        assert client.chat.completions.create(**body).choices[0].message.content == 'The tool said: "21 °C"'
