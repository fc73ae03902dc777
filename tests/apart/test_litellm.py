"""LiteLLM as a client, over chat completions, Responses and Messages."""

import json

import litellm
import pytest
from support import KEY, MODEL, turn

HELLO = [{"role": "user", "content": "Hello"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Weather now",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def over_chat(proxy):
    return {"model": f"openai/{MODEL}", "api_base": f"{proxy.url}/v1", "api_key": KEY}


def over_messages(proxy):
    return {"model": f"anthropic/{MODEL}", "api_base": proxy.url, "api_key": KEY}


@pytest.fixture(params=[over_chat, over_messages])
def way(request):
    return request.param


def test_an_answer(way, proxy, simulator):
    simulator.script(turn("Good day.", usage={"input_tokens": 7, "output_tokens": 5}))
    answer = litellm.completion(**way(proxy), messages=HELLO)
    assert answer.choices[0].message.content == "Good day."
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (7, 5)


def test_a_stream(way, proxy, simulator):
    simulator.script(turn({"text": ["Go", "od ", "day."]}))
    chunks = list(litellm.completion(**way(proxy), messages=HELLO, stream=True))
    assert [text for chunk in chunks if (text := chunk.choices[0].delta.content)] == ["Go", "od ", "day."]
    assert litellm.stream_chunk_builder(chunks).choices[0].finish_reason == "stop"


def test_calls_and_results(way, proxy, simulator):
    simulator.script(turn("Let me look.", {"tool": {"name": "weather", "input": {"city": "Oslo"}}}))
    asked = litellm.completion(**way(proxy), messages=HELLO, tools=[WEATHER]).choices[0].message
    (call,) = asked.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Oslo"}
    told = {"role": "tool", "tool_call_id": call.id, "content": "-3 °C"}
    answer = litellm.completion(**way(proxy), messages=[*HELLO, asked, told], tools=[WEATHER])
    assert answer.choices[0].message.content == 'The tool said: "-3 °C"'


def test_an_answer_of_a_type(proxy, person):
    answer = litellm.completion(**over_chat(proxy), messages=HELLO, response_format=person)
    assert person.model_validate_json(answer.choices[0].message.content)


def test_reasoning_is_told(proxy, simulator):
    simulator.script(turn({"thinking": "Hm."}, "Yes."))
    message = litellm.completion(**over_chat(proxy), messages=HELLO).choices[0].message
    assert (message.content, message.reasoning_content) == ("Yes.", "Hm.")


def test_responses(proxy, simulator):
    simulator.script(turn("Good day."))
    answer = litellm.responses(**over_chat(proxy), input="Hello")
    assert answer.output[-1].content[0].text == "Good day."


def test_a_refusal_is_its_own_exception(way, proxy, simulator):
    simulator.script(turn(http_error={"status": 429, "message": "Told upstream."}))
    with pytest.raises(litellm.RateLimitError, match="Told upstream"):
        litellm.completion(**way(proxy), messages=HELLO, max_retries=0)
