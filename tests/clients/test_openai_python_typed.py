"""What OpenAI's Python client adds to plain calls: answers of a type, helpers for streams and tools, raw responses."""

import asyncio

import openai
import pytest
from pydantic import BaseModel
from support import MODEL, turn
from support.clients import async_openai_client

HELLO = {"model": MODEL, "messages": [{"role": "user", "content": "Who is it?"}]}
ASK = {"model": MODEL, "input": "Who is it?"}
ADA = '{"name": "Ada", "age": 36}'


class Person(BaseModel):
    name: str
    age: int


class Weather(BaseModel):
    """The weather in a city."""

    city: str


TOOL = openai.pydantic_function_tool(Weather, name="weather")
CALL = {"tool": {"name": "weather", "deltas": ['{"ci', 'ty": "Os', 'lo"}']}}


def test_an_answer_of_a_type(gpt, simulator):
    simulator.script(turn(ADA))
    (choice,) = gpt.chat.completions.parse(**HELLO, response_format=Person).choices
    assert choice.message.parsed == Person(name="Ada", age=36)
    assert choice.message.refusal is None


def test_a_stream_of_a_type(gpt, simulator):
    simulator.script(turn({"text": [ADA[:9], ADA[9:20], ADA[20:]]}))
    with gpt.chat.completions.stream(**HELLO, response_format=Person) as stream:
        events = list(stream)
        answer = stream.get_final_completion()
    assert answer.choices[0].message.parsed == Person(name="Ada", age=36)
    # The first chunk, which tells the role, has an empty text, as OpenAI's has.
    assert [event.delta for event in events if event.type == "content.delta"] == ["", ADA[:9], ADA[9:20], ADA[20:]]
    assert events[-1].type == "content.done" and events[-1].parsed == Person(name="Ada", age=36)


def test_a_call_of_a_type(gpt, simulator):
    simulator.script(turn("Let me look.", CALL))
    (choice,) = gpt.chat.completions.parse(**HELLO, tools=[TOOL]).choices
    (call,) = choice.message.tool_calls
    assert call.function.parsed_arguments == Weather(city="Oslo")


def test_the_events_of_a_call(gpt, simulator):
    simulator.script(turn({"thinking": "Look."}, "Let me look.", CALL))
    with gpt.chat.completions.stream(**HELLO, tools=[TOOL]) as stream:
        events = list(stream)
        answer = stream.get_final_completion()
    done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
    assert [event.parsed_arguments for event in done] == [Weather(city="Oslo")]
    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.content == "Let me look."


def test_an_answer_that_is_cut_off_has_no_type(gpt, simulator):
    simulator.script(turn('{"name": "A', stop_reason="max_tokens"))
    with pytest.raises(openai.LengthFinishReasonError):
        gpt.chat.completions.parse(**HELLO, response_format=Person)


def test_a_refusal_is_told(gpt, simulator):
    simulator.script(turn("I can't say.", stop_reason="refusal"))
    with pytest.raises(openai.ContentFilterFinishReasonError):
        gpt.chat.completions.parse(**HELLO, response_format=Person)


def test_several_answers_at_once(gpt, simulator):
    simulator.script(turn("One."), turn("Two."))
    answer = gpt.chat.completions.create(**HELLO, n=2)
    assert sorted(choice.message.content for choice in answer.choices) == ["One.", "Two."]


def test_a_streamed_response_as_it_is(gpt):
    with gpt.chat.completions.with_streaming_response.create(**HELLO, stream=True) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in response.iter_lines() if line]
    assert lines[-1] == "data: [DONE]"


def test_asynchronous_helpers(proxy, simulator):
    simulator.script(turn({"text": ["Good ", "day."]}), turn(ADA))

    async def talk():
        async with async_openai_client(proxy) as client:
            async with client.chat.completions.stream(**HELLO) as stream:
                pieces = [event.delta async for event in stream if event.type == "content.delta"]
            parsed = await client.chat.completions.parse(**HELLO, response_format=Person)
        return pieces, parsed.choices[0].message.parsed

    assert asyncio.run(talk()) == (["", "Good ", "day."], Person(name="Ada", age=36))


def test_the_old_completions(gpt, simulator):
    simulator.script(turn("Good day."))
    answer = gpt.completions.create(model=MODEL, prompt="Hello", max_tokens=50)
    assert answer.choices[0].text == "Good day." and answer.object == "text_completion"


def test_a_response(gpt, simulator):
    simulator.script(turn({"thinking": "Hm."}, "Good day.", usage={"input_tokens": 7, "output_tokens": 5}))
    raw = gpt.responses.with_raw_response.create(**ASK, instructions="Be polite.")
    assert raw.headers["x-request-id"].startswith("req_")
    answer = raw.parse()
    assert (answer.output_text, answer.status, answer.instructions) == ("Good day.", "completed", "Be polite.")
    assert [item.type for item in answer.output] == ["reasoning", "message"]
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (7, 5, 12)


def test_the_events_of_a_response(gpt, simulator):
    simulator.script(turn({"text": ["Good ", "day."]}, CALL))
    with gpt.responses.stream(**ASK, tools=[{"type": "function"} | TOOL["function"]]) as stream:
        kinds = [event.type for event in stream]
        answer = stream.get_final_response()
    assert kinds[:2] == ["response.created", "response.in_progress"] and kinds[-1] == "response.completed"
    assert kinds.count("response.output_text.delta") == 2
    assert [item.type for item in answer.output] == ["message", "function_call"]


def test_a_response_of_a_type(gpt, simulator):
    simulator.script(turn(ADA), turn({"text": [ADA[:9], ADA[9:]]}))
    assert gpt.responses.parse(**ASK, text_format=Person).output_parsed == Person(name="Ada", age=36)
    with gpt.responses.stream(**ASK, text_format=Person) as stream:
        assert stream.get_final_response().output_parsed == Person(name="Ada", age=36)


def test_asynchronous_responses(proxy, simulator):
    simulator.script(turn({"text": ["Good ", "day."]}))

    async def talk():
        async with async_openai_client(proxy) as client:
            stream = await client.responses.create(**ASK, stream=True)
            return [event.delta async for event in stream if event.type == "response.output_text.delta"]

    assert asyncio.run(talk()) == ["Good ", "day."]


def test_a_response_that_upstream_refuses(gpt, simulator):
    simulator.script(turn(http_error={"status": 429, "message": "Told upstream."}))
    with pytest.raises(openai.RateLimitError, match="Told upstream"):
        gpt.responses.create(**ASK)
