"""Clients that are set up for Bedrock or Vertex AI reach any backend: the official library's, and Claude Code itself."""

import json

import anthropic
import pytest
from anthropic import AnthropicBedrock
from support import KEY, turn
from support.programs import ask_claude

TOOL = {"name": "look", "description": "Looks.", "input_schema": {"type": "object", "properties": {"q": {"type": "integer"}}}}


def says(text="Hi", **more):
    return {"max_tokens": 256, "messages": [{"role": "user", "content": text}], **more}


def test_a_message(cloud, simulator):
    simulator.script(turn("Hello from afar.", usage={"input_tokens": 12, "output_tokens": 4}))
    message = cloud.messages.create(model=cloud.model, **says())
    assert (message.content[0].text, message.stop_reason) == ("Hello from afar.", "end_turn")
    assert message.usage.output_tokens == 4
    assert simulator.conversation()["model"] == "claude-sonnet-5-5"


def test_a_stream(cloud, simulator):
    simulator.script(turn({"text": ["Hel", "lo"]}, usage={"input_tokens": 12, "output_tokens": 4}))
    with cloud.messages.stream(model=cloud.model, **says()) as stream:
        assert "".join(stream.text_stream) == "Hello"
        assert stream.get_final_message().usage.output_tokens == 4


def test_a_round_of_tools(cloud, simulator):
    simulator.script(turn({"tool": {"name": "look", "input": {"q": 7}}}), turn("It is seven."))
    asked = says("Look.", tools=[TOOL])
    first = cloud.messages.create(model=cloud.model, **asked)
    (call,) = [block for block in first.content if block.type == "tool_use"]
    assert call.input == {"q": 7}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "7"}]}
    asked["messages"] += [{"role": "assistant", "content": first.content}, result]
    assert cloud.messages.create(model=cloud.model, **asked).content[-1].text == "It is seven."


def test_what_is_wrong_is_named(cloud):
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        cloud.messages.create(model=cloud.model, **says() | {"max_tokens": "many"})


def test_a_stream_that_breaks_off_raises(cloud, simulator):
    simulator.script(turn("Hel", "cut"))
    with pytest.raises(anthropic.APIError):  # noqa: SIM117
        with cloud.messages.stream(model=cloud.model, **says()) as stream:
            list(stream)


def test_tokens_are_counted_as_vertex_does(vertex, simulator):
    usage = {"input_tokens": 77}
    simulator.script({"match": {"path": "/v1/messages/count_tokens"}, "usage": usage})
    counted = vertex.messages.count_tokens(model="claude-sonnet-5-5", messages=says()["messages"])
    assert counted.input_tokens > 0


def test_a_request_signed_for_aws_is_told_what_to_do(over_api):
    keys = {"aws_access_key": "AKIA", "aws_secret_key": "s", "aws_region": "us-east-1"}
    with AnthropicBedrock(base_url=over_api.url, max_retries=0, **keys) as client:
        with pytest.raises(anthropic.PermissionDeniedError, match="AWS_BEARER_TOKEN_BEDROCK"):
            client.messages.create(model="us.anthropic.claude-sonnet-5-5", **says())


MODES = {
    "anthropic": lambda url: {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY},
    "bedrock": lambda url: {
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "ANTHROPIC_BEDROCK_BASE_URL": url,
        "AWS_BEARER_TOKEN_BEDROCK": KEY,
        "AWS_REGION": "us-east-1",
    },
    "bedrock without AWS": lambda url: {
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "ANTHROPIC_BEDROCK_BASE_URL": url,
        "CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1",
        "ANTHROPIC_AUTH_TOKEN": KEY,
        "AWS_REGION": "us-east-1",
    },
    "vertex": lambda url: {
        "CLAUDE_CODE_USE_VERTEX": "1",
        "ANTHROPIC_VERTEX_BASE_URL": f"{url}/v1",
        "CLAUDE_CODE_SKIP_VERTEX_AUTH": "1",
        "ANTHROPIC_AUTH_TOKEN": KEY,
        "ANTHROPIC_VERTEX_PROJECT_ID": "mine",
        "CLOUD_ML_REGION": "global",
    },
}


@pytest.fixture(params=MODES)
def ask(request, over_api, tmp_path):
    """Claude Code, set up for the API or one of the clouds."""

    settings = MODES[request.param](over_api.url)
    return lambda prompt, *flags: ask_claude(tmp_path, prompt, *flags, **settings)


def test_claude_code_answers_a_prompt(ask, simulator):
    usage = {"input_tokens": 12, "output_tokens": 4}
    simulator.script(turn("Hello from afar.", usage=usage, match={"text": "Say hello"}))
    result = ask("Say hello")
    assert (result["is_error"], result["result"]) == (False, "Hello from afar."), result
    assert (result["usage"]["input_tokens"], result["usage"]["output_tokens"]) == (12, 4)
    # For Bedrock it first asks each of its models for a word, to see which there are.
    *_, request = simulator.conversations()
    assert request["json"]["stream"] is True and request["json"]["model"].startswith("claude-")
    assert "claude-code" in request["headers"]["anthropic-beta"]


def test_claude_code_works_with_its_tools(ask, simulator, tmp_path):
    file = tmp_path / "work" / "poem.txt"
    file.parent.mkdir()
    file.write_text("The fog comes on little cat feet.\n")
    reading = {"tool": {"name": "Read", "input": {"file_path": str(file)}}}
    simulator.script(
        turn({"thinking": "I should read it."}, reading, match={"text": "What is poem.txt"}),
        turn("It is about fog.", match={"text": "cat feet"}),
    )
    result = ask("What is poem.txt about?", "--allowedTools=Read")
    assert (result["is_error"], result["result"], result["num_turns"]) == (False, "It is about fog.", 2), result
    assert "cat feet" in json.dumps(simulator.conversations()[-1]["json"]["messages"])
