"""Claude Code itself as a client of the proxy, which carries its requests to the Messages API untouched."""

import json
import time

import pytest
from support import KEY, turn
from support.programs import ask_claude


@pytest.fixture
def ask(over_api, tmp_path):
    def ask(prompt, *flags, key=KEY):
        api = {"ANTHROPIC_BASE_URL": over_api.url, "ANTHROPIC_API_KEY": key}
        return ask_claude(tmp_path, prompt, "--model=claude-sonnet-5-5", *flags, **api)

    return ask


def test_it_answers_a_prompt(ask, simulator):
    simulator.script(turn("Hello from afar.", usage={"input_tokens": 12, "output_tokens": 4}))
    result = ask("Say hello")
    assert (result["is_error"], result["result"]) == (False, "Hello from afar.")
    assert (result["usage"]["input_tokens"], result["usage"]["output_tokens"]) == (12, 4)
    (request,) = simulator.conversations()
    assert request["query"] == "beta=true" and request["json"]["stream"] is True
    assert "claude-code" in request["headers"]["anthropic-beta"]


def test_it_works_with_its_tools(ask, simulator, tmp_path):
    file = tmp_path / "work" / "poem.txt"
    file.parent.mkdir()
    file.write_text("The fog comes on little cat feet.\n")
    reading = {"tool": {"name": "Read", "input": {"file_path": str(file)}}}
    simulator.script(turn({"thinking": "I should read it."}, reading), turn("It is about fog."))
    result = ask("What is poem.txt about?", "--allowedTools=Read")
    assert (result["is_error"], result["result"], result["num_turns"]) == (False, "It is about fog.", 2)
    second = simulator.conversations()[-1]["json"]["messages"]
    assert "cat feet" in json.dumps(second), "the file's content went back as the tool's result"


def test_it_edits_a_file(ask, simulator, tmp_path):
    file = tmp_path / "work" / "poem.txt"
    file.parent.mkdir()
    file.write_text("roses are red\n")
    edit = {"file_path": str(file), "old_string": "roses are red", "new_string": "violets are blue"}
    simulator.script(
        turn({"thinking": "Look first."}, {"tool": {"name": "Read", "input": {"file_path": str(file)}}}),
        turn({"thinking": "Now edit."}, "I edit it.", {"tool": {"name": "Edit", "input": edit}}),
        turn({"tool": {"name": "Write", "input": {"file_path": f"{file}.bak", "content": "roses are red\n"}}}),
        turn("Done."),
    )
    result = ask("Make the poem about violets", "--allowedTools=Read,Edit,Write", "--permission-mode=acceptEdits")
    assert (result["is_error"], result["result"], result["num_turns"]) == (False, "Done.", 4)
    assert file.read_text() == "violets are blue\n"
    assert file.with_name("poem.txt.bak").read_text() == "roses are red\n"
    declared = {tool.get("name") for tool in simulator.conversations()[0]["json"]["tools"]}
    assert {"Read", "Edit", "Write"} <= declared


def test_it_gives_up_at_once_on_a_wrong_key(ask, simulator):
    started = time.monotonic()
    result = ask("Say hello", key="sk-ant-wrong")
    assert result["is_error"] and result["api_error_status"] == 401
    assert time.monotonic() - started < 20
    assert simulator.conversations() == []
