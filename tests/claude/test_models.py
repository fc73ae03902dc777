"""`/v1/models` over Claude Code: what the installed program offers, beside the table; asked once, not waited for long."""

import json
import time

import pytest
from support import eventually
from support.dialects import ANTHROPIC, OPENAI
from support.processes import children
from support.programs import claude_binary

ALIASES = ["opus", "sonnet", "haiku", "fable"]


def replaced(tmp_path, told):
    """The real program, which tells other models in its reply, and counts how often it is started for a conversation."""
    program, started = tmp_path / "claude", tmp_path / "started"
    reply = json.dumps(json.dumps(told)[1:-1])[1:-1].replace("/", r"\/").replace("&", r"\&")
    program.write_text(
        "#!/bin/bash\n"
        f'case "$*" in *stream-json*) ;; *) exec {claude_binary()} "$@" ;; esac\n'
        f"echo x >> {started}\n"
        f"""exec {claude_binary()} "$@" > >(sed -u 's/"models":\\[.*\\],"account"/"models":[{reply}],"account"/')\n"""
    )
    program.chmod(0o755)
    return program, lambda: len(started.read_text().split()) if started.exists() else 0


EFFORTS = ["low", "medium", "high"]


@pytest.fixture
def offers(start, tmp_path):
    told = [
        {"value": "default", "resolvedModel": "claude-opus-9", "displayName": "Default"},
        {"value": "opus", "resolvedModel": "claude-opus-9", "displayName": "Opus Nine", "supportedEffortLevels": EFFORTS},
        {"value": "sonnet", "resolvedModel": "claude-sonnet-5", "displayName": "Sonnet"},
    ]
    program, started = replaced(tmp_path, told)
    return start("claude-code", config={"claude_code": {"path": str(program)}}), started


def listed(proxy, **headers):
    with proxy.http() as client:
        for name in headers:
            client.headers.pop(name.replace("_", "-"), None)
        return {model["id"]: model for model in client.get("/v1/models?limit=1000").json()["data"]}


def test_both_shapes_list_what_the_program_offers_and_the_table(offers):
    proxy, started = offers
    in_anthropics = listed(proxy)
    in_openais = listed(proxy, anthropic_version=None)
    assert set(in_anthropics) == set(in_openais) >= {"claude-opus-9", "claude-sonnet-5-5", *ALIASES}
    assert in_anthropics["opus"]["display_name"] == in_anthropics["claude-opus-9"]["display_name"] == "Opus Nine"
    of_openai = {"id": "claude-opus-9", "object": "model", "created": 0, "owned_by": "anthropic"}
    assert of_openai.items() <= in_openais["claude-opus-9"].items()
    for capabilities in (shape["claude-opus-9"]["capabilities"] for shape in (in_anthropics, in_openais)):
        efforts = {name for name, level in capabilities["effort"].items() if name != "supported" and level["supported"]}
        assert efforts == set(EFFORTS)
    with proxy.http() as client:
        assert client.get("/v1/models/claude-opus-9").json()["type"] == "model"
        assert client.get("/v1/models/claude-opus-10").status_code == 404
    assert started() == 1, "asked once"
    eventually(lambda: not children(proxy.pid), within=10, what="the end of the process")


def test_a_conversation_tells_as_well_and_an_alias_means_what_the_program_says(offers, simulator):
    proxy, started = offers
    with proxy.http() as client:
        assert client.post(ANTHROPIC.path, json=ANTHROPIC.body("hi")).status_code == 200
        assert "claude-opus-9" in listed(proxy) and started() == 1
        simulator.clear()
        answer = client.post(ANTHROPIC.path, json=ANTHROPIC.body("hi", model="sonnet"))
    assert answer.headers["x-model-served"] == "claude-sonnet-5", answer.text
    assert {request["json"]["model"] for request in simulator.conversations()} == {"claude-sonnet-5"}


@pytest.mark.parametrize("dialect", [ANTHROPIC, OPENAI], ids=["anthropic", "openai"])
def test_the_aliases_can_be_asked_for(over_claude, simulator, dialect):
    with over_claude.http() as client:
        known = {model["id"]: model for model in client.get("/v1/models?limit=1000").json()["data"]}
        for alias in ALIASES:
            simulator.clear()
            answer = client.post(dialect.path, json=dialect.body("hi", model=alias))
            assert (answer.status_code, answer.json()["model"]) == (200, alias), answer.text
            served = simulator.conversation()["model"]
            assert served == answer.headers["x-model-served"] and served.startswith(f"claude-{alias}-")
            assert served in known and alias in known


def test_a_callers_own_name_for_a_model_is_not_offered_to_others(start):
    proxy = start("claude-code")
    with proxy.http() as client:
        client.post(ANTHROPIC.path, json=ANTHROPIC.body("hi", model="claude-secret-project"))
    assert "claude-secret-project" not in listed(proxy)


@pytest.mark.parametrize("does", ["exit 1", "sleep 600"])
def test_a_program_that_does_not_tell_delays_nobody_for_long(start, tmp_path, does):
    program = tmp_path / "claude"
    program.write_text(f'#!/bin/bash\ncase "$*" in *--version*) echo "2.1.330 (Claude Code)" ;; *) {does} ;; esac\n')
    program.chmod(0o755)
    proxy = start("claude-code", config={"claude_code": {"path": str(program)}})
    began = time.monotonic()
    assert {"claude-sonnet-5-5", *ALIASES} <= set(listed(proxy))
    assert time.monotonic() - began < 15
