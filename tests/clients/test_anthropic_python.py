"""Anthropic's Python client against the program, over both backends."""

import asyncio

import pytest
from support import MODEL, turn
from support.clients import anthropic_client, async_anthropic_client

HELLO = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}


def test_an_answer(claude, simulator):
    simulator.script(turn("Good ", "day.", usage={"input_tokens": 7, "output_tokens": 5}))
    answer = claude.messages.create(**HELLO)
    assert [(block.type, block.text) for block in answer.content] == [("text", "Good day.")]
    assert (answer.role, answer.model, answer.stop_reason) == ("assistant", MODEL, "end_turn")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (7, 5)
    assert answer.id.startswith("msg_")


def test_a_stream(claude, simulator):
    usage = {"input_tokens": 3, "output_tokens": 9, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 40}
    simulator.script(turn({"text": ["Go", "od ", "day."]}, usage=usage))
    with claude.messages.stream(**HELLO) as stream:
        pieces = list(stream.text_stream)
        answer = stream.get_final_message()
    assert pieces == ["Go", "od ", "day."]
    assert answer.content[0].text == "Good day." and answer.stop_reason == "end_turn"
    assert {name: getattr(answer.usage, name) for name in usage} == usage


def test_a_stream_arrives_as_it_is_written(claude, simulator):
    simulator.script(turn("first", "hold", "second"))
    with claude.messages.create(**HELLO, stream=True) as stream:
        kinds = []
        for event in stream:
            kinds.append(event.type)
            if event.type == "content_block_delta" and event.delta.text == "first":
                # Upstream is still in the middle of its answer.
                assert simulator.active() == 1
                simulator.release()
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop"
    assert kinds.count("content_block_delta") == 2


def test_the_asynchronous_client(proxy, simulator):
    async def talk():
        async with async_anthropic_client(proxy) as client:
            plain = await client.messages.create(**HELLO)
            async with client.messages.stream(**HELLO) as stream:
                streamed = await stream.get_final_message()
        return plain.content[0].text, streamed.content[0].text

    assert asyncio.run(talk()) == ('You said: "Hello"', 'You said: "Hello"')


def test_the_system_prompt_arrives(claude, simulator):
    claude.messages.create(**HELLO, system="Speak like a pirate.")
    texts = [block["text"] for block in _blocks(simulator.conversation()["system"])]
    assert texts[-1] == "Speak like a pirate."


def _blocks(system):
    return [{"text": system}] if isinstance(system, str) else system


def test_the_answer_ends_where_max_tokens_ends_it(claude):
    answer = claude.messages.create(**HELLO | {"max_tokens": 1})
    assert (answer.stop_reason, answer.stop_sequence) == ("max_tokens", None)


def test_the_answer_ends_at_a_stop_sequence(claude):
    body = HELLO | {"messages": [{"role": "user", "content": "one END two"}], "stop_sequences": ["END"]}
    answer = claude.messages.create(**body)
    assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "END")
    assert answer.content[0].text == 'You said: "one '


@pytest.mark.parametrize("reason", ["refusal", "pause_turn", "model_context_window_exceeded"])
def test_other_stop_reasons_arrive_as_they_are(over_api, simulator, reason):
    simulator.script(turn("So far.", stop_reason=reason))
    with anthropic_client(over_api) as client:
        assert client.messages.create(**HELLO).stop_reason == reason


def test_thinking_arrives_with_its_signature(claude, simulator):
    simulator.script(turn({"thinking": "Hm."}, "Yes."))
    thinking = {"type": "adaptive"}
    answer = claude.messages.create(**HELLO | {"max_tokens": 2000}, thinking=thinking)
    assert [block.type for block in answer.content] == ["thinking", "text"]
    assert answer.content[0].thinking == "Hm." and len(answer.content[0].signature) > 20


def test_a_model_that_is_retired_is_served_by_its_successor(claude, simulator):
    response = claude.messages.with_raw_response.create(**HELLO | {"model": "claude-3-sonnet-20240229"})
    answer = response.parse()
    assert answer.model == "claude-3-sonnet-20240229" and answer.content[0].text == 'You said: "Hello"'
    served = response.headers["x-model-served"]
    assert served.startswith("claude-sonnet-") and simulator.conversation()["model"] == served


def test_a_retired_model_keeps_its_name_in_a_stream(claude):
    with claude.messages.stream(**HELLO | {"model": "claude-3-sonnet-20240229"}) as stream:
        assert stream.get_final_message().model == "claude-3-sonnet-20240229"


def test_an_answer_names_its_request(claude):
    response = claude.messages.with_raw_response.create(**HELLO)
    assert response.headers["x-request-id"].startswith("req_")
    assert response.headers["request-id"].startswith("req_")
    assert response.parse()._request_id == response.headers["request-id"]


def test_upstreams_headers_arrive(over_api, simulator):
    sent = {"anthropic-ratelimit-requests-remaining": "41", "anthropic-something-new": "1"}
    simulator.script(turn("Yes.", headers=sent))
    with anthropic_client(over_api) as client:
        headers = client.messages.with_raw_response.create(**HELLO).headers
    assert {name: headers.get(name) for name in sent} == sent


def test_models(claude):
    listed = [model.id for model in claude.models.list(limit=1000)]
    assert MODEL in listed
    model = claude.models.retrieve(MODEL)
    assert (model.id, model.type, model.display_name) == (MODEL, "model", "Claude Sonnet 5.5")


def test_tokens_are_counted(claude):
    short = claude.messages.count_tokens(model=MODEL, messages=HELLO["messages"])
    long = [{"role": "user", "content": "Hello " * 200}]
    counted = claude.messages.count_tokens(model=MODEL, messages=long)
    assert 0 < short.input_tokens < counted.input_tokens
