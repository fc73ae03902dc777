"""What Claude Code adds to a conversation on its way, as documented, and nothing else.

A test compares `canonical(sent)` with `without_cli_additions(received)`: what differs then is a fault.
"""

import copy
import hashlib
import json

PREFIX = "mcp__client__"


def canonical(body):
    """A request in the long form of the same meaning: a text becomes one text block, in a tool's result as well, which
    has not failed unless it says so. `stream` is not compared."""
    body = {name: value for name, value in copy.deepcopy(body).items() if name != "stream"}
    if isinstance(body.get("system"), str):
        body["system"] = [{"type": "text", "text": body["system"]}]
    for message in body["messages"]:
        _lengthen(message)
        for block in message["content"]:
            if block["type"] == "tool_result":
                _lengthen(block)
                if block.get("is_error") is False:
                    del block["is_error"]
    return body


def _lengthen(holder):
    if isinstance(holder.get("content"), str):
        holder["content"] = [{"type": "text", "text": holder["content"]}] if holder["content"] else []


def as_documented(body):
    """A request in the long form with what changes on its way, as docs/dialects.md has it: neighbouring messages of the
    user are one, so are the blocks of a system prompt, tools stand in another order, long names end in a hash, cache marks go."""
    body = canonical(body)
    if "system" in body:
        body["system"] = [{"type": "text", "text": "\n\n".join(block["text"] for block in body["system"])}]
    messages = []
    for message in body["messages"]:
        for block in message["content"]:
            _unmarked(block)
        if messages and messages[-1]["role"] == message["role"] == "user":
            messages[-1]["content"] += message["content"]
        else:
            messages.append(message)
    body["messages"] = messages
    for named in [*body.get("tools", []), *_calls(body)]:
        named["name"] = _short(named["name"])
    _sort_tools(body)
    return body


def _sort_tools(body):
    body.get("tools", []).sort(key=lambda tool: tool["name"])


def _unmarked(block):
    block.pop("cache_control", None)
    if block["type"] == "tool_result" and isinstance(block.get("content"), list):
        for part in block["content"]:
            _unmarked(part)


def _calls(body):
    return [block for message in body["messages"] for block in message["content"] if block["type"] == "tool_use"]


def _short(name):
    room = 64 - len(PREFIX)
    return name if len(name) <= room else f"{name[: room - 17]}_{hashlib.sha256(name.encode()).hexdigest()[:16]}"


def without_cli_additions(body):
    """The request as the caller meant it: removes exactly what the program adds, and insists that it is that."""
    body = canonical(body)

    # Two system blocks of its own come first; the caller's follow. It marks all for the prompt cache but the first.
    header, identity, *system = body.pop("system")
    assert header["text"].startswith("x-anthropic-billing-header: ") and set(header) == {"type", "text"}
    assert identity["text"].startswith("You are a Claude agent")
    for block in (identity, *system):
        _remove(block, "cache_control", {"type": "ephemeral"})
    if system:
        body["system"] = system

    # It marks the end of the conversation for the prompt cache.
    _remove(body["messages"][-1]["content"][-1], "cache_control", {"type": "ephemeral"})

    # It always names tools, of its own none. The caller's have a prefix on the way, which answers lose again.
    if not body["tools"]:
        del body["tools"]
    for tool in [*body.get("tools", []), *_calls(body)]:
        tool["name"] = tool["name"].removeprefix(PREFIX)
    _sort_tools(body)

    # It says which of its installations and sessions calls.
    user = json.loads(body.pop("metadata")["user_id"])
    assert {"device_id", "session_id"} <= set(user) <= {"device_id", "session_id", "account_uuid"}
    return body


def _remove(holder, name, expected):
    assert holder.pop(name, expected) == expected
