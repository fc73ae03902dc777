"""Callers with keys of their own, and one backend that stands by for another of another kind."""

from support import eventually, turn
from support.dialects import ANTHROPIC, OPENAI
from support.gateway import config_over

ACCOUNT_TOKEN = "sk-ant-oat01-of-somebody"
OWN_KEY = "sk-ant-api03-of-the-caller"


def test_neither_a_callers_key_nor_an_account_token_is_in_log_metrics_or_answers(start, simulator):
    backends = {"own": {"kind": "passthrough", "base_url": simulator.url}}
    proxy = start("anthropic", config={"claude": {"backend": None}, "backends": backends, "logging": {"level": "TRACE"}})
    with proxy.http() as http:
        ours = http.headers.pop("x-api-key")
        answers = [
            http.post(ANTHROPIC.path, json=ANTHROPIC.body("hi"), headers={"x-proxy-key": ours} | own)
            for own in ({"x-api-key": OWN_KEY}, {"authorization": f"Bearer {ACCOUNT_TOKEN}"}, {})
        ]
        assert [answer.status_code for answer in answers] == [200, 403, 401]
        assert "CLAUDE_CODE_OAUTH_TOKEN" in answers[1].text and "x-proxy-key" in answers[2].text
        told = proxy.stdout() + proxy.stderr() + "".join(answer.text for answer in answers)
        told += http.get("/metrics", headers={"x-proxy-key": ours}).text
    assert ACCOUNT_TOKEN not in told and OWN_KEY not in told and ours not in told
    (sent,) = simulator.conversations()
    assert sent["headers"]["x-api-key"] == OWN_KEY
    assert ours not in str(sent["headers"])


def test_a_request_is_planned_anew_for_a_backend_that_can_less(start, upstreams):
    """A later instruction is a system message for the API, which Claude Code has no place for."""
    a, b = upstreams
    config = config_over(upstreams)
    config["backends"] = {"a": config["backends"]["a"], "mine": {"kind": "claude-code"}}
    config["routing"] = {"routes": [{"models": ["*"], "targets": ["a", "mine"]}]}
    proxy = start("claude-code", config=config | {"claude_code": {"base_url": b.url}})
    a.script({"http_error": {"status": 529}})
    b.script(turn("Bonjour."))
    body = OPENAI.body("hi", model="claude-opus-4-8")
    body["messages"] += [
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "And now?"},
        {"role": "developer", "content": "From now on in French."},
    ]
    with proxy.http() as http:
        answer = http.post(OPENAI.path, json=body)
        assert answer.status_code == 200, answer.text
        assert (answer.headers["x-backend"], answer.headers["x-attempts"]) == ("mine", "2")
        assert OPENAI.answer_text(answer.json()) == "Bonjour."
    assert "system" in [message["role"] for message in a.conversation()["messages"]]
    assert "system" not in [message["role"] for message in b.conversations()[-1]["json"]["messages"]]
    assert eventually(lambda: proxy.log("request"), within=5)[0]["backend"] == "mine"
