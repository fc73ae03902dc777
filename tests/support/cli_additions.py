"""What Claude Code adds to a conversation on its way, as documented, and nothing else.

A test compares `canonical(sent)` with `without_cli_additions(received)`: what differs then is a fault.
"""

import copy
import json


def canonical(body):
    """A request in the long form of the same meaning: a text becomes one text block. `stream` is not compared."""
    body = {name: value for name, value in copy.deepcopy(body).items() if name != "stream"}
    if isinstance(body.get("system"), str):
        body["system"] = [{"type": "text", "text": body["system"]}]
    for message in body["messages"]:
        if isinstance(message["content"], str):
            message["content"] = [{"type": "text", "text": message["content"]}]
    return body


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

    # The caller's tools have a prefix on the way, which answers lose again.
    for message in body["messages"]:
        for block in message["content"]:
            if block["type"] == "tool_use":
                block["name"] = block["name"].removeprefix("mcp__client__")

    # It always names its tools: none.
    _remove(body, "tools", [])

    # It says which of its installations and sessions calls.
    user = json.loads(body.pop("metadata")["user_id"])
    assert {"device_id", "session_id"} <= set(user) <= {"device_id", "session_id", "account_uuid"}
    return body


def _remove(holder, name, expected):
    assert holder.pop(name, expected) == expected
