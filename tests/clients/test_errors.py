"""What goes wrong upstream or here raises the exception that each client's users catch."""

import anthropic
import httpx
import openai
import pytest
from support import KEY, MODEL, eventually, turn
from support.clients import anthropic_client, openai_client

HELLO = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": "Hello"}]}
PROSE = "Told by the one upstream."

ANTHROPIC_ERRORS = [
    (400, anthropic.BadRequestError, "invalid_request_error"),
    (401, anthropic.AuthenticationError, "authentication_error"),
    (403, anthropic.PermissionDeniedError, "permission_error"),
    (404, anthropic.NotFoundError, "not_found_error"),
    (413, anthropic.ContentTooLargeError, "request_too_large"),
    (429, anthropic.RateLimitError, "rate_limit_error"),
    (500, anthropic.InternalServerError, "api_error"),
    (529, anthropic.OverloadedError, "overloaded_error"),
]
OPENAI_ERRORS = [
    (400, 400, openai.BadRequestError),
    (401, 401, openai.AuthenticationError),
    (403, 403, openai.PermissionDeniedError),
    (404, 404, openai.NotFoundError),
    (413, 413, openai.APIStatusError),
    (429, 429, openai.RateLimitError),
    (500, 500, openai.InternalServerError),
    (529, 503, openai.InternalServerError),
]


def refusal(status):
    # Twice: Claude Code asks again after a 404, this time not for a stream.
    return turn(http_error={"status": status, "message": PROSE}, times=2)


def is_told(message, backend, status):
    """Upstream's words arrive; where Claude Code has words of its own for it, these."""
    own = {404: "issue with the selected model", 413: "Request too large"}
    return (own.get(status, PROSE) if backend == "claude-code" else PROSE) in message


def asked(simulator, backend, status):
    calls = len(simulator.conversations())
    return calls == (2 if (backend, status) == ("claude-code", 404) else 1)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("status", "error", "kind"), ANTHROPIC_ERRORS, ids=lambda value: str(value))
def test_upstreams_refusal_raises_anthropics_exception(claude, proxy, simulator, status, error, kind, stream):
    simulator.script(refusal(status))
    with pytest.raises(error) as raised:
        claude.messages.create(**HELLO, stream=stream)
    assert raised.value.status_code == status
    assert raised.value.body["error"]["type"] == kind
    assert is_told(raised.value.body["error"]["message"], proxy.backend, status)
    assert asked(simulator, proxy.backend, status)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("status", "told", "error"), OPENAI_ERRORS, ids=lambda value: str(value))
def test_upstreams_refusal_raises_openais_exception(gpt, proxy, simulator, status, told, error, stream):
    simulator.script(refusal(status))
    with pytest.raises(error) as raised:
        gpt.chat.completions.create(**HELLO, stream=stream)
    assert raised.value.status_code == told
    assert is_told(raised.value.body["message"], proxy.backend, status) and "type" in raised.value.body
    assert asked(simulator, proxy.backend, status)


def test_upstreams_retry_after_is_told_in_both_dialects(over_api, simulator):
    limits = {"retry-after": "7", "anthropic-ratelimit-requests-remaining": "0"}
    simulator.script(turn(http_error={"status": 429}, headers=limits, times=2))
    with anthropic_client(over_api) as client, pytest.raises(anthropic.RateLimitError) as raised:
        client.messages.create(**HELLO)
    assert {name: raised.value.response.headers.get(name) for name in limits} == limits
    with openai_client(over_api) as client, pytest.raises(openai.RateLimitError) as raised:
        client.chat.completions.create(**HELLO)
    assert raised.value.response.headers["retry-after"] == "7"
    assert raised.value.response.headers["x-ratelimit-remaining-requests"] == "0"


def test_a_wrong_key_is_refused_before_anything_is_sent(proxy, simulator):
    with anthropic_client(proxy, api_key="wrong") as client, pytest.raises(anthropic.AuthenticationError) as raised:
        client.messages.create(**HELLO)
    assert raised.value.response.headers["x-should-retry"] == "false"
    with openai_client(proxy, api_key="wrong") as client, pytest.raises(openai.AuthenticationError) as raised:
        client.chat.completions.create(**HELLO)
    assert raised.value.code == "invalid_api_key"
    assert simulator.requests("/v1/messages") == []


def test_a_refusal_of_a_large_request_arrives_and_the_connection_goes_on(over_api):
    body = HELLO | {"messages": [{"role": "user", "content": "x" * 300_000}]}
    with over_api.http() as client:
        for _ in range(20):
            assert client.post("/v1/messages", json=body, headers={"x-api-key": "wrong"}).status_code == 401
            assert client.post("/v1/messages", json=body, headers={"content-type": "text/plain"}).status_code == 415


def test_a_key_is_taken_in_both_places(over_api):
    body = HELLO
    for headers in ({"x-api-key": KEY}, {"authorization": f"Bearer {KEY}"}):
        for path in ("/v1/messages", "/v1/chat/completions"):
            answer = httpx.post(over_api.url + path, json=body, headers=headers, trust_env=False, timeout=30)
            assert answer.status_code == 200, (headers, path, answer.text)


def test_a_model_that_is_not_there(claude, gpt):
    with pytest.raises(anthropic.NotFoundError):
        claude.messages.create(**HELLO | {"model": "claude-of-another-world"})
    with pytest.raises(openai.NotFoundError) as raised:
        gpt.chat.completions.create(**HELLO | {"model": "claude-of-another-world"})
    assert raised.value.code == "model_not_found"
    with pytest.raises(anthropic.NotFoundError):
        claude.models.retrieve("claude-of-another-world")
    with pytest.raises(openai.NotFoundError):
        gpt.models.retrieve("claude-of-another-world")


def test_a_bad_request_names_its_place(gpt, simulator):
    messages = [{"role": "user", "content": [{"type": "text", "text": "Hear this"}, {"type": "input_audio"}]}]
    with pytest.raises(openai.BadRequestError) as raised:
        gpt.chat.completions.create(model=MODEL, messages=messages)
    assert raised.value.param.startswith("messages[0].content[1]")
    assert simulator.conversations() == []


def test_a_bad_request_in_anthropics_dialect(claude):
    with pytest.raises(anthropic.BadRequestError) as raised:
        claude.messages.create(**HELLO | {"messages": [{"role": "tyrant", "content": "Obey"}]})
    assert "messages" in raised.value.body["error"]["message"]


def test_an_error_in_the_middle_of_an_anthropic_stream(claude, simulator):
    simulator.script(turn("So far", {"error": {"type": "overloaded_error", "message": PROSE}}))
    text = ""
    with pytest.raises(anthropic.APIStatusError) as raised, claude.messages.create(**HELLO, stream=True) as stream:
        for event in stream:
            text += getattr(getattr(event, "delta", None), "text", "")
    assert text == "So far"
    assert raised.value.body["error"]["type"] == "overloaded_error"


def test_an_error_in_the_middle_of_an_openai_stream(gpt, simulator):
    simulator.script(turn("So far", {"error": {"type": "overloaded_error", "message": PROSE}}))
    text = ""
    with pytest.raises(openai.APIError) as raised:
        for chunk in gpt.chat.completions.create(**HELLO, stream=True):
            text += chunk.choices[0].delta.content or ""
    assert text == "So far" and raised.value.type == "server_error"


@pytest.mark.parametrize("broken", ["cut", "close", "end"])
def test_a_stream_that_upstream_breaks_off_never_looks_whole(proxy, simulator, broken):
    simulator.script(turn("So far", broken, times=2))
    with anthropic_client(proxy) as client, pytest.raises(anthropic.APIStatusError) as raised:
        with client.messages.create(**HELLO, stream=True) as stream:
            list(stream)
    assert raised.value.body["error"]["type"] == "api_error"
    with openai_client(proxy) as client, pytest.raises(openai.APIError) as raised:
        list(client.chat.completions.create(**HELLO, stream=True))
    assert raised.value.type == "server_error"


@pytest.mark.parametrize("broken", ["cut", "close"])
def test_a_whole_answer_that_upstream_breaks_off_is_an_error(proxy, simulator, broken):
    simulator.script(turn("So far", broken, times=2))
    with anthropic_client(proxy) as client, pytest.raises(anthropic.InternalServerError):
        client.messages.create(**HELLO)
    with openai_client(proxy) as client, pytest.raises(openai.InternalServerError):
        client.chat.completions.create(**HELLO)


@pytest.mark.parametrize("backend", ["anthropic", "claude-code"])
def test_an_upstream_that_stays_silent_is_a_504(start, simulator, backend):
    patience = {"claude": {"timeout": 1, "response_timeout": 1}, "claude_code": {"silence_timeout": 3}}
    proxy = start(backend, config=patience)
    simulator.script(turn(before=["stall"], times=2))
    with anthropic_client(proxy) as client, pytest.raises(anthropic.GatewayTimeoutError):
        client.messages.create(**HELLO)
    with openai_client(proxy) as client, pytest.raises(openai.InternalServerError) as raised:
        client.chat.completions.create(**HELLO)
    assert raised.value.status_code == 504


def test_a_client_that_gives_up_ends_the_call_upstream(proxy, simulator):
    simulator.script(turn(before=["stall"], times=2))
    with anthropic_client(proxy, timeout=2) as client, pytest.raises(anthropic.APITimeoutError):
        client.messages.create(**HELLO)
    with openai_client(proxy, timeout=2) as client, pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(**HELLO)
    eventually(lambda: simulator.active() == 0, within=1, what="the end of the calls upstream")


def test_a_caller_over_its_rate_is_told_to_wait(start, simulator):
    proxy = start("anthropic", config={"rate_limiting": {"requests_per_minute": 6, "burst_size": 1}})
    with anthropic_client(proxy) as client:
        client.messages.create(**HELLO)
        with pytest.raises(anthropic.RateLimitError) as raised:
            client.messages.create(**HELLO)
        assert 0 < int(raised.value.response.headers["retry-after"]) <= 10
    with openai_client(proxy) as client, pytest.raises(openai.RateLimitError) as raised:
        client.chat.completions.create(**HELLO)
    assert raised.value.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert len(simulator.conversations()) == 1


def test_what_claude_has_not_is_a_404(proxy):
    with openai_client(proxy) as client, pytest.raises(openai.NotFoundError) as raised:
        client.embeddings.create(model="text-embedding-3-small", input="x")
    assert "embeddings" in raised.value.body["message"]
