"""Without a login the caller is told what the operator can do; the program's own words never pass for an answer."""

import pytest


@pytest.fixture
def proxy(start):
    # Not ready, and right so: there is nothing it could serve with.
    return start(
        "claude-code", config={"claude_code": {"credentials": "login"}}, env={"ANTHROPIC_API_KEY": None}, wait=False
    )


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_request_is_a_401_with_the_remedy(proxy, simulator, dialect, stream):
    with proxy.http() as client:
        answer = client.post(dialect.path, json=dialect.body("Hello", stream=stream))
    assert answer.status_code == 401, answer.text
    assert answer.headers["x-should-retry"] == "false"
    kind, message = dialect.error(answer.json())
    assert kind == ("authentication_error" if dialect.name == "anthropic" else "invalid_request_error")
    assert "claude auth login" in message and "CLAUDE_CODE_OAUTH_TOKEN" in message
    assert simulator.conversations() == []


def test_readiness_names_the_remedy_too(proxy):
    with proxy.http() as client:
        answer = client.get("/health/ready")
    assert answer.status_code == 503


def test_a_start_without_the_chosen_credential_fails_and_says_so(start):
    with pytest.raises(AssertionError, match="ANTHROPIC_API_KEY"):
        start("claude-code", env={"ANTHROPIC_API_KEY": None})
