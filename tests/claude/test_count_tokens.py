"""`count_tokens` over Claude Code keeps to the error that docs/claude-code.md tells, against the API's own count."""

import re

import httpx
import pytest
from support import MODEL, ROOT
from support.conversation import ANTHROPIC as CONVERSATION
from support.conversation import RED

TOLD = (ROOT / "docs/claude-code.md").read_text().partition("\n## Counting tokens\n")[2].partition("\n## ")[0]
OF_SYSTEM = int(re.search(r"at most (\d+) tokens for a system prompt", TOLD)[1])
OF_TOOLS = int(re.search(r"off by no more than (\d+) tokens", TOLD)[1])
OF_NAME = int(re.search(r"prefix of (\d+) tokens a tool", TOLD)[1])

LONG = "All work and no play makes Jack a dull boy.\n" * 400
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": RED}}
TEXT_FILE = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": LONG}, "title": "t"}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"where": "there", "how": ["a", "b"]}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": LONG}, IMAGE]}


def user(*content):
    return {"role": "user", "content": list(content)}


def text(said):
    return {"type": "text", "text": said}


def tools(count, properties):
    schema = {"type": "object", "properties": {f"property_{n}": {"type": "string"} for n in range(properties)}}
    return [{"name": f"tool_{n}", "description": "It does one thing.", "input_schema": schema} for n in range(count)]


EXACT = {
    "a word": {"messages": [user(text("hi"))]},
    "a long text": {"messages": [user(text(LONG))]},
    "other scripts": {"messages": [user(text("こんにちは世界 🙂 «Ümläute»" * 50))]},
    "a history": {"messages": CONVERSATION["messages"]},
    "files": {"messages": [user(IMAGE, TEXT_FILE, text("What is this?"))]},
    "forty turns": {
        "messages": [
            {"role": role, "content": [text(f"{role} {n}")]} for n in range(20) for role in ("user", "assistant")
        ] + [user(text("last"))]
    },
}  # fmt: skip
SYSTEM = {
    "a short prompt": "Be brief.",
    "a long prompt": LONG,
    "blocks": [text("Be brief."), text(LONG), text("Be kind.")],
}
TOOLS = {
    "one": tools(1, 1),
    "one large": tools(1, 200),
    "ten": tools(10, 5),
    "fifty": tools(50, 10),
}


def counts(proxy, simulator, fields):
    """What the proxy says, and what the API says of the same request."""
    body = {"model": MODEL} | fields
    with proxy.http() as client:
        answer = client.post("/v1/messages/count_tokens", json=body)
    assert answer.status_code == 200 and set(answer.json()) == {"input_tokens"}, answer.text
    headers = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    exact = httpx.post(f"{simulator.url}/v1/messages/count_tokens", json=body, headers=headers, trust_env=False)
    assert exact.status_code == 200, exact.text
    assert simulator.conversations() == [], "nothing is generated"
    return answer.json()["input_tokens"], exact.json()["input_tokens"]


@pytest.mark.parametrize("fields", EXACT.values(), ids=EXACT)
def test_messages_are_counted_exactly(over_claude, simulator, fields):
    told, exact = counts(over_claude, simulator, fields)
    assert told == exact


@pytest.mark.parametrize("system", SYSTEM.values(), ids=SYSTEM)
def test_a_system_prompt_is_counted_a_little_high(over_claude, simulator, system):
    told, exact = counts(over_claude, simulator, {"system": system} | EXACT["a history"])
    assert 0 <= told - exact <= OF_SYSTEM


@pytest.mark.parametrize("tools", TOOLS.values(), ids=TOOLS)
def test_tools_are_off_by_no_more_than_is_told(over_claude, simulator, tools):
    told, exact = counts(over_claude, simulator, {"tools": tools} | EXACT["a history"])
    # Few tokens are a guess from the length; more are counted.
    counted = exact > OF_TOOLS + counts(over_claude, simulator, EXACT["a history"])[1]
    lowest, highest = (0, OF_NAME * len(tools)) if counted else (-OF_TOOLS, OF_TOOLS)
    assert lowest <= told - exact <= highest


def test_calls_and_results_are_messages(over_claude, simulator):
    messages = [user(text("q")), {"role": "assistant", "content": [CALL]}, user(RESULT)]
    told, exact = counts(over_claude, simulator, {"messages": messages})
    assert told - exact in range(OF_NAME + 1)
