"""The Codex CLI as a client of the Responses API: it edits files of a scratch repository.

It keeps nothing at the server (`store: false`), asks for encrypted reasoning and tells the whole conversation each
time.
"""

import json
import subprocess

import pytest
from support import KEY, MODEL, cli_additions, turn
from support.programs import clean_environment, codex_binary

SETTINGS = """
model = "{model}"
model_provider = "proxy"
[model_providers.proxy]
name = "The proxy"
base_url = "{url}/v1"
env_key = "PROXY_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
[analytics]
enabled = false
"""

PATCH = "*** Begin Patch\n*** Update File: poem.txt\n@@\n-roses are red\n+violets are blue\n*** End Patch\n"


class Codex:
    """The program in a home of its own, with a repository that holds poem.txt."""

    def __init__(self, home, repository):
        self.home, self.repository = home, repository
        repository.mkdir()
        home.mkdir()
        subprocess.run(["git", "init", "--quiet", repository], env=clean_environment(home), check=True)
        self.file = repository / "poem.txt"
        self.file.write_text("roses are red\n")

    def run(self, proxy, prompt, model=MODEL, ends_with=0):
        """What it tells of its work, an object each."""
        settings = SETTINGS.format(model=model, url=proxy.url)
        (self.home / "config.toml").write_text(settings)
        environment = clean_environment(self.home, CODEX_HOME=str(self.home), PROXY_KEY=KEY)
        # Commands of a model that this test plays need no sandbox, which containers often lack.
        command = [codex_binary(), "exec", "--json", "--sandbox=danger-full-access", "-C", self.repository, prompt]
        ended = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240
        )
        assert ended.returncode == ends_with, ended.stdout + ended.stderr
        return [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]


@pytest.fixture
def codex(tmp_path):
    return Codex(tmp_path / "home", tmp_path / "repository")


def command(line):
    return {"tool": {"name": "exec_command", "input": {"cmd": line}}}


def told(events, kind):
    """The items of this kind that were completed."""
    items = [event["item"] for event in events if event["type"] == "item.completed"]
    return [item for item in items if item["type"] == kind]


def test_it_edits_a_file_by_a_command(codex, proxy, simulator):
    simulator.script(
        turn({"thinking": "Look first."}, "I look.", command("cat poem.txt")),
        turn({"thinking": "Now edit."}, command(f"apply_patch <<'EOF'\n{PATCH}EOF\n")),
        turn("Done."),
    )
    events = codex.run(proxy, "Make the poem about violets")
    assert codex.file.read_text() == "violets are blue\n"
    assert [item["text"] for item in told(events, "agent_message")] == ["I look.", "Done."]
    (seen,) = told(events, "command_execution")
    assert (seen["aggregated_output"], seen["exit_code"]) == ("roses are red\n", 0)
    assert told(events, "file_change") and events[-1]["type"] == "turn.completed"
    assert events[-1]["usage"]["output_tokens"] > 0


def test_what_it_thought_goes_back_to_the_model(codex, proxy, simulator):
    simulator.script(turn({"thinking": "Look first."}, command("cat poem.txt")), turn("Done."))
    codex.run(proxy, "What is it about?")
    first, second = (request["json"] for request in simulator.conversations())
    assert "coding agent" in json.dumps(first["system"]), "its instructions are the system prompt"
    thinking, call = second["messages"][-2]["content"]
    assert (thinking["type"], thinking["thinking"]) == ("thinking", "Look first.")
    assert call["name"].removeprefix(cli_additions.PREFIX) == "exec_command"
    (result,) = second["messages"][-1]["content"]
    assert "roses are red" in json.dumps(result["content"])


def test_it_edits_a_file_by_its_own_kind_of_tool(codex, start, simulator):
    """For a model whose name it knows, it declares apply_patch as a custom tool: its input is text, no JSON."""
    proxy = start("anthropic", config={"openai": {"aliases": {"gpt-*": MODEL}}})

    def patch(patch):
        declared = simulator.conversations()[0]["json"]["tools"]
        (tool,) = [tool for tool in declared if tool["name"] == "apply_patch"]
        (name,) = tool["input_schema"]["required"]
        return {"tool": {"name": "apply_patch", "input": {name: patch}}}

    simulator.script(turn("I look."))
    codex.run(proxy, "Look", model="gpt-5.5")
    simulator.script(turn(patch(PATCH)), turn("Done."))
    events = codex.run(proxy, "Make the poem about violets", model="gpt-5.5")
    assert codex.file.read_text() == "violets are blue\n"
    assert told(events, "file_change") and told(events, "agent_message")[-1]["text"] == "Done."


def test_two_calls_at_once(codex, proxy, simulator):
    simulator.script(turn(command("cat poem.txt"), command("ls")), turn("Done."))
    events = codex.run(proxy, "Look around")
    assert len(told(events, "command_execution")) == 2
    last = simulator.conversations()[-1]["json"]["messages"][-1]["content"]
    assert [block["type"] for block in last] == ["tool_result", "tool_result"]


def test_it_tells_upstreams_refusal(codex, proxy, simulator):
    simulator.script(turn(http_error={"status": 400, "message": "Told upstream."}))
    events = codex.run(proxy, "Hello", ends_with=1)
    assert "Told upstream." in json.dumps(events[-1])


def test_it_tells_what_broke_a_stream(codex, proxy, simulator):
    simulator.script(turn("So far", {"error": {"type": "overloaded_error", "message": "Told upstream."}}))
    events = codex.run(proxy, "Hello", ends_with=1)
    assert events[-1]["type"] == "turn.failed"
