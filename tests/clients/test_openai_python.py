"""OpenAI's Python client against the program, over both backends."""

import asyncio

import pytest
from support import MODEL, turn
from support.clients import async_openai_client, openai_client

HELLO = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]}


def test_an_answer(gpt, simulator):
    usage = {"input_tokens": 7, "output_tokens": 5, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 40}
    simulator.script(turn("Good ", "day.", usage=usage))
    answer = gpt.chat.completions.create(**HELLO)
    (choice,) = answer.choices
    assert (choice.index, choice.message.role, choice.message.content) == (0, "assistant", "Good day.")
    assert (choice.finish_reason, answer.model, answer.object) == ("stop", MODEL, "chat.completion")
    assert answer.id.startswith("chatcmpl-") and answer.created > 1_700_000_000
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (67, 5, 72)
    assert answer.usage.prompt_tokens_details.cached_tokens == 40


def test_a_stream(gpt, simulator):
    simulator.script(turn({"text": ["Go", "od ", "day."]}))
    chunks = list(gpt.chat.completions.create(**HELLO, stream=True))
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
    assert pieces == ["Go", "od ", "day."]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert {(chunk.id, chunk.model, chunk.object) for chunk in chunks} == {
        (chunks[0].id, MODEL, "chat.completion.chunk")
    }
    assert all(chunk.usage is None for chunk in chunks)


def test_a_stream_arrives_as_it_is_written(gpt, simulator):
    simulator.script(turn("first", "hold", "second"))
    with gpt.chat.completions.create(**HELLO, stream=True) as stream:
        text = ""
        for chunk in stream:
            text += chunk.choices[0].delta.content or ""
            if text == "first" and simulator.active():
                simulator.release()
    assert text == "firstsecond"


def test_a_stream_tells_its_usage_when_asked(gpt, simulator):
    simulator.script(turn("Yes.", usage={"input_tokens": 11, "output_tokens": 2}))
    chunks = list(gpt.chat.completions.create(**HELLO, stream=True, stream_options={"include_usage": True}))
    *others, last = chunks
    assert last.choices == [] and (last.usage.prompt_tokens, last.usage.completion_tokens) == (11, 2)
    assert all(chunk.usage is None and chunk.choices for chunk in others)


def test_the_streaming_helper_of_the_client(gpt):
    with gpt.chat.completions.stream(**HELLO) as stream:
        for _ in stream:
            pass
        answer = stream.get_final_completion()
    assert answer.choices[0].message.content == 'You said: "Hello"'


def test_the_asynchronous_client(proxy, simulator):
    async def talk():
        async with async_openai_client(proxy) as client:
            plain = await client.chat.completions.create(**HELLO)
            stream = await client.chat.completions.create(**HELLO, stream=True)
            streamed = [chunk.choices[0].delta.content or "" async for chunk in stream]
        return plain.choices[0].message.content, "".join(streamed)

    assert asyncio.run(talk()) == ('You said: "Hello"', 'You said: "Hello"')


@pytest.mark.parametrize("role", ["system", "developer"])
def test_the_system_prompt_arrives(gpt, simulator, role):
    prompt = {"role": role, "content": "Speak like a pirate."}
    gpt.chat.completions.create(model=MODEL, messages=[prompt, *HELLO["messages"]])
    assert simulator.conversation()["system"][-1]["text"] == "Speak like a pirate."


def test_the_answer_ends_where_the_limit_ends_it(gpt):
    answer = gpt.chat.completions.create(**HELLO, max_completion_tokens=1)
    assert answer.choices[0].finish_reason == "length"


def test_without_a_limit_the_configured_one_holds(gpt, simulator):
    gpt.chat.completions.create(**HELLO)
    assert simulator.conversation()["max_tokens"] == 4096


def test_the_answer_ends_at_a_stop_sequence(gpt):
    body = HELLO | {"messages": [{"role": "user", "content": "one END two"}]}
    (choice,) = gpt.chat.completions.create(**body, stop=["END"]).choices
    assert (choice.finish_reason, choice.message.content) == ("stop", 'You said: "one ')


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("refusal", "content_filter"), ("pause_turn", "stop"), ("model_context_window_exceeded", "length")],
)
def test_other_stop_reasons_are_translated(over_api, simulator, reason, finish):
    simulator.script(turn("So far.", stop_reason=reason))
    with openai_client(over_api) as client:
        assert client.chat.completions.create(**HELLO).choices[0].finish_reason == finish


def test_sampling_reaches_a_model_that_takes_it(gpt, simulator):
    gpt.chat.completions.create(**HELLO | {"model": "claude-haiku-4-5"}, temperature=0.25)
    assert simulator.conversation()["temperature"] == 0.25


def test_sampling_is_kept_from_a_model_that_refuses_it(gpt, simulator):
    response = gpt.chat.completions.with_raw_response.create(**HELLO, temperature=0.25, seed=7)
    assert "temperature" not in simulator.conversation()
    ignored = response.headers["x-ignored-parameters"].split(", ")
    assert {"temperature", "seed"} <= set(ignored)


def test_a_model_that_is_retired_is_served_by_its_successor(gpt, simulator):
    response = gpt.chat.completions.with_raw_response.create(**HELLO | {"model": "claude-3-sonnet-20240229"})
    answer = response.parse()
    assert answer.model == "claude-3-sonnet-20240229" and answer.choices[0].message.content == 'You said: "Hello"'
    assert simulator.conversation()["model"] == response.headers["x-model-served"]


def test_an_answer_names_its_request(gpt):
    response = gpt.chat.completions.with_raw_response.create(**HELLO)
    assert response.headers["x-request-id"].startswith("req_")
    assert response.parse()._request_id == response.headers["x-request-id"]


def test_models(gpt):
    listed = list(gpt.models.list())
    assert MODEL in [model.id for model in listed]
    assert all((model.object, model.owned_by) == ("model", "anthropic") for model in listed)
    assert gpt.models.retrieve(MODEL).id == MODEL
