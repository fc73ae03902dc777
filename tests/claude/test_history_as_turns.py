"""A conversation reaches the API as the caller's own turns: nothing is told as prose, nothing changed, nothing added
but what Claude Code is known to add."""

import pytest
from support import MODEL, conversation
from support.cli_additions import canonical, without_cli_additions
from support.dialects import ANTHROPIC, OPENAI


def said(text, **fields):
    return {"model": MODEL, "max_tokens": 50, "messages": [{"role": "user", "content": text}]} | fields


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("dialect", "body"),
    [(ANTHROPIC, conversation.ANTHROPIC), (OPENAI, conversation.OPENAI)],
    ids=["anthropic", "openai"],
)
def test_turns_and_images_arrive_as_they_were_sent(client, simulator, dialect, body, stream):
    answer = client.post(dialect.path, json=body | {"stream": stream})
    assert answer.status_code == 200, answer.text
    assert without_cli_additions(simulator.conversation()) == canonical(conversation.ANTHROPIC)


def test_a_long_conversation_keeps_its_order(client, simulator):
    messages = []
    for number in range(40):
        messages.append({"role": "user", "content": f"question {number}"})
        messages.append({"role": "assistant", "content": f"answer {number}"})
    body = said("", messages=[*messages, {"role": "user", "content": "last"}])
    assert client.post(ANTHROPIC.path, json=body).status_code == 200
    assert without_cli_additions(simulator.conversation()) == canonical(body)


def test_two_messages_of_the_same_role_in_a_row(client, simulator):
    pair = [{"role": "user", "content": "one"}, {"role": "user", "content": "two"}]
    body = said("", messages=pair)
    assert client.post(ANTHROPIC.path, json=body).status_code == 200
    blocks = [
        block["text"]
        for message in without_cli_additions(simulator.conversation())["messages"]
        for block in message["content"]
    ]
    assert blocks == ["one", "two"]


def test_tool_calls_of_earlier_turns_arrive_as_such(client, simulator):
    call = {"type": "tool_use", "id": "toolu_01abc", "name": "weather", "input": {"city": "Oslo", "n": 1.50}}
    result = {"type": "tool_result", "tool_use_id": "toolu_01abc", "content": "-3 °C", "is_error": False}
    messages = [
        {"role": "user", "content": "How warm is it?"},
        {"role": "assistant", "content": [{"type": "text", "text": "Let me see."}, call]},
        {"role": "user", "content": [result]},
        {"role": "assistant", "content": "It is cold."},
        {"role": "user", "content": "Thanks."},
    ]
    body = said("", messages=messages)
    answer = client.post(ANTHROPIC.path, json=body)
    assert answer.status_code == 200, answer.text
    assert without_cli_additions(simulator.conversation()) == canonical(body)


def test_settings_of_the_request_arrive(client, simulator):
    body = said("Hello", max_tokens=17, stop_sequences=["END", "STOP"], system="Be brief.")
    assert client.post(ANTHROPIC.path, json=body).status_code == 200
    assert without_cli_additions(simulator.conversation()) == canonical(body)


def test_sampling_arrives_at_a_model_that_takes_it(client, simulator):
    body = said("Hello", model="claude-haiku-4-5", temperature=0.25)
    assert client.post(ANTHROPIC.path, json=body).status_code == 200
    assert without_cli_additions(simulator.conversation())["temperature"] == 0.25


def test_without_a_system_prompt_there_is_none(client, simulator):
    assert client.post(ANTHROPIC.path, json=said("Hello")).status_code == 200
    assert "system" not in without_cli_additions(simulator.conversation())


def test_thinking_is_off_unless_it_is_asked_for(client, simulator):
    client.post(ANTHROPIC.path, json=said("Hello"))
    client.post(ANTHROPIC.path, json=said("Hello", max_tokens=2000, thinking={"type": "adaptive"}))
    off, on = (request["json"].get("thinking", {"type": "disabled"}) for request in simulator.conversations())
    assert (off["type"], on["type"]) == ("disabled", "adaptive")


def test_a_field_that_cannot_be_carried_is_named_or_refused(client, simulator):
    body = said("Hello", inference_geo="eu")
    answer = client.post(ANTHROPIC.path, json=body)
    assert (answer.status_code, answer.headers["x-ignored-parameters"]) == (200, "inference_geo")
    refused = client.post(ANTHROPIC.path, json=body, headers={"x-strict": "true"})
    assert refused.status_code == 400 and "inference_geo" in ANTHROPIC.error(refused.json())[1]
    assert len(simulator.conversations()) == 1
