"""Each kind of backend serves each kind of request in the same way."""

import json

import pytest
from support import MODEL, eventually, turn
from support.dialects import ANTHROPIC, OPENAI, RESPONSES
from support.streams import events, text_of

KINDS = ["anthropic", "passthrough", "bedrock", "bedrock-key", "vertex", "vertex-token", "claude-code"]
TOOL = {"name": "look", "description": "Looks.", "input_schema": {"type": "object", "properties": {"q": {"type": "integer"}}}}


def backend(kind, simulator):
    """A backend's configuration, with the credentials that the simulator takes."""
    at = {"kind": kind.partition("-")[0], "base_url": simulator.url}
    match kind:
        case "anthropic":
            return at | {"api_key": "sim-key"}
        case "bedrock":
            secret = {"access_key_id": "AKIASIMULATOR0000001", "secret_access_key": "simulated/secret+of/a+key+that+lasts"}
            return at | {"region": "us-east-1"} | secret
        case "bedrock-key":
            return at | {"region": "us-east-1", "bearer_token": "bedrock-api-key-simulated"}
        case "vertex":
            return at | {"credentials": json.dumps(simulator.service_account())}
        case "vertex-token":
            return at | {"project": "simulated-project", "access_token": "env:GOOGLE_TOKEN"}
        case "claude-code":
            return {"kind": "claude-code"}
    return at


@pytest.fixture(params=KINDS)
def client(request, start, simulator):
    """An HTTP client of a proxy over one backend, `it`."""
    kind = request.param
    config = {"claude": {"backend": None}, "anthropic": None, "backends": {"it": backend(kind, simulator)}}
    env = {"GOOGLE_TOKEN": simulator.google_token()} if kind == "vertex-token" else {}
    proxy = start("claude-code" if kind == "claude-code" else "anthropic", config=config, env=env)
    headers = {}
    if kind == "passthrough":
        with proxy.http() as http:
            headers = {"x-proxy-key": http.headers["x-api-key"], "x-api-key": "the-callers-own"}
    with proxy.http(headers=headers) as http:
        yield http


def post(client, dialect, text, **fields):
    response = client.post(dialect.path, json=dialect.body(text, **fields))
    assert response.headers["x-backend"] == "it" and response.headers["x-attempts"] == "1"
    return response


def streamed(client, dialect, text, **fields):
    with client.stream("POST", dialect.path, json=dialect.body(text, stream=True, **fields)) as response:
        assert (response.status_code, response.headers["x-backend"]) == (200, "it")
        return list(events(response))


def test_messages_whole_and_streamed(client, simulator):
    simulator.script(turn("Hello.", usage={"input_tokens": 12, "output_tokens": 4}, times=2))
    message = post(client, ANTHROPIC, "Hi").json()
    assert (ANTHROPIC.answer_text(message), message["model"], message["usage"]["output_tokens"]) == ("Hello.", MODEL, 4)
    told = streamed(client, ANTHROPIC, "Hi there")
    assert "".join(text_of(data) for _, data in told) == "Hello."
    assert told[0][0] == "message_start" and ANTHROPIC.is_good_end(told[-1])


def test_openais_dialects_streamed(client, simulator):
    simulator.script(turn({"text": ["Hel", "lo."]}, times=2))
    told = streamed(client, OPENAI, "Hi")
    assert "".join(text_of(data) for _, data in told) == "Hello." and OPENAI.is_good_end(told[-1])
    told = streamed(client, RESPONSES, "Hi there")
    assert told[-1][0] == "response.completed"
    assert told[-1][1]["response"]["output"][-1]["content"][0]["text"] == "Hello."


def test_a_round_of_tools(client, simulator):
    simulator.script(turn({"tool": {"name": "look", "input": {"q": 7}}}), turn("It is seven."))
    asked = ANTHROPIC.body("Look.", tools=[TOOL])
    first = client.post(ANTHROPIC.path, json=asked).json()
    (call,) = [block for block in first["content"] if block["type"] == "tool_use"]
    assert (call["name"], call["input"]) == ("look", {"q": 7})
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": "7"}]}
    asked["messages"] += [{"role": "assistant", "content": first["content"]}, result]
    assert ANTHROPIC.answer_text(client.post(ANTHROPIC.path, json=asked).json()) == "It is seven."


def test_tokens_are_counted(client):
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Count these few words, please."}]}
    response = client.post("/v1/messages/count_tokens", json=body)
    assert response.status_code == 200 and 5 <= response.json()["input_tokens"] <= 200, response.text


def test_errors_keep_their_kind(client, simulator):
    wrong = client.post(ANTHROPIC.path, json=ANTHROPIC.body("Hi") | {"max_tokens": -1})
    assert (wrong.status_code, ANTHROPIC.error(wrong.json())[0]) == (400, "invalid_request_error")
    # Claude Code tries again by itself.
    simulator.script({"http_error": {"status": 529}, "headers": {"x-should-retry": "false"}, "times": 0})
    busy = client.post(ANTHROPIC.path, json=ANTHROPIC.body("Hi"))
    # Bedrock has no 529.
    assert busy.status_code in (529, 503) and ANTHROPIC.error(busy.json())[0] == "overloaded_error"


def test_a_hang_up_ends_the_exchange_upstream(client, simulator):
    simulator.script(turn("one ", "hold", "two"))
    with client.stream("POST", ANTHROPIC.path, json=ANTHROPIC.body("Hi", stream=True)) as response:
        passing = events(response)
        eventually(lambda: "one" in text_of(next(passing)[1]), within=20)
    eventually(lambda: simulator.active() == 0, within=10, what="that nobody is asked any more")
