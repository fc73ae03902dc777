"""The `llm` command, which knows of the server by its extra-openai-models.yaml."""

import subprocess
import sys
from pathlib import Path

import pytest
from support import KEY, MODEL, turn
from support.programs import clean_environment

LLM = Path(sys.executable).with_name("llm")


@pytest.fixture
def llm(proxy, tmp_path):
    folder = tmp_path / "llm"
    folder.mkdir()
    (folder / "extra-openai-models.yaml").write_text(
        f"- model_id: claude\n  model_name: {MODEL}\n  api_base: {proxy.url}/v1\n  api_key_name: proxy\n"
        "  supports_tools: true\n  supports_schema: true\n  vision: true\n"
    )
    environment = clean_environment(tmp_path, LLM_USER_PATH=str(folder))

    def llm(*arguments, within=120):
        command = [LLM, *arguments]
        ended = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    llm("keys", "set", "proxy", "--value", KEY)
    return llm


def test_a_prompt_and_its_continuation(llm, simulator):
    simulator.script(turn({"text": ["Good ", "day."]}))
    assert llm("-m", "claude", "-s", "Be polite.", "Hello") == "Good day."
    assert llm("-c", "-m", "claude", "--no-stream", "Again") == 'You said: "Again"'
    first, second = (request["json"] for request in simulator.conversations())
    assert first["system"][-1]["text"] == "Be polite."
    assert [message["role"] for message in second["messages"]] == ["user", "assistant", "user"]


def test_its_own_tools(llm, simulator):
    simulator.script(turn({"tool": {"name": "shout", "input": {"text": "boo"}}}))
    code = "def shout(text: str) -> str:\n    'Says it loud.'\n    return text.upper()\n"
    assert llm("-m", "claude", "--functions", code, "Shout boo") == 'The tool said: "BOO"'


def test_a_schema(llm):
    assert '"name"' in llm("-m", "claude", "--schema", "name, age int", "Who is it?")
