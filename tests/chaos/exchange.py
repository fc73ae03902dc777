"""One request of either dialect, read to its end: what was answered, or how it failed."""

import json
from dataclasses import dataclass, field

import httpx
from support.dialects import ANTHROPIC
from support.streams import events

# Longer than any limit of the proxy: then nobody answers any more.
PATIENCE = 90


class Violation(Exception):
    """A promise that was broken, in words."""


@dataclass
class Answer:
    """What was heard. `ended` is `whole`, `error` or `hung up`."""

    ended: str = "error"
    text: str = ""
    # The calls of tools: id, name and the JSON of the input.
    calls: list = field(default_factory=list)
    # The answer as a message of the next request; only of a whole one.
    message: dict | None = None
    # Of an error: `status type`, or `stream type`.
    error: str = ""


def exchange(client, dialect, body, leave=None):
    """Sends a request. `leave` is when to hang up: after so many seconds, or events of a stream."""
    if body.get("stream"):
        return _streamed(client, dialect, body, leave)
    # Nothing at all would be a socket that does not wait.
    seconds = PATIENCE if leave is None else max(leave, 0.01)
    try:
        response = client.post(dialect.path, json=body, timeout=httpx.Timeout(PATIENCE, read=seconds))
    except httpx.ReadTimeout:
        if leave is None:
            raise Violation(f"no answer within {PATIENCE} s") from None
        return Answer("hung up")
    except httpx.TransportError as error:
        raise Violation(f"no answer but {error!r}") from None
    return _whole(dialect, response)


def _whole(dialect, response):
    if response.status_code != 200:
        return Answer(error=_refusal(dialect, response.status_code, response))
    body = response.json()
    if dialect is ANTHROPIC:
        return _of_blocks(body["content"])
    return _of_message(body["choices"][0]["message"])


def _refusal(dialect, status, response):
    try:
        kind, _ = dialect.error(response.json())
    except Exception as error:
        raise Violation(f"status {status} without an error of the dialect: {response.text[:200]}") from error
    return f"{status} {kind}"


def _of_blocks(blocks):
    calls = [(block["id"], block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    return Answer("whole", text, calls, {"role": "assistant", "content": blocks})


def _of_message(message):
    parts = message.get("tool_calls") or []
    calls = [(part["id"], part["function"]["name"], json.loads(part["function"]["arguments"])) for part in parts]
    kept = {"role": "assistant", "content": message.get("content")} | ({"tool_calls": parts} if parts else {})
    return Answer("whole", message.get("content") or "", calls, kept)


def _streamed(client, dialect, body, leave):
    fold = _Blocks() if dialect is ANTHROPIC else _Chunks()
    ended = None
    try:
        with client.stream("POST", dialect.path, json=body, timeout=PATIENCE) as response:
            if response.status_code != 200:
                response.read()
                return Answer(error=_refusal(dialect, response.status_code, response))
            for number, event in enumerate(events(response)):
                if ended:
                    raise Violation(f"an event after the end: {event}")
                if leave is not None and number >= leave * 4:
                    return Answer("hung up", fold.text())
                if dialect.is_error_event(event):
                    kind, _ = dialect.error(event[1])
                    ended = Answer("error", fold.text(), error=f"stream {kind}")
                elif dialect.is_good_end(event):
                    ended = fold.answer()
                else:
                    fold.take(event[1])
    except httpx.TransportError as error:
        raise Violation(f"a stream broke off without an error: {error!r}") from None
    if not ended:
        raise Violation("a stream ended without its end and without an error")
    return ended


class _Blocks:
    """Folds the events of a Messages stream."""

    def __init__(self):
        self.blocks = []

    def take(self, data):
        if data["type"] == "content_block_start":
            self.blocks.append(dict(data["content_block"]) | {"_json": ""})
        elif data["type"] == "content_block_delta":
            delta, block = data["delta"], self.blocks[data["index"]]
            if delta["type"] == "input_json_delta":
                block["_json"] += delta["partial_json"]
            else:
                name = delta["type"].removesuffix("_delta")
                block[name] = block.get(name, "") + delta[name]

    def text(self):
        return "".join(block["text"] for block in self.blocks if block["type"] == "text")

    def answer(self):
        for block in self.blocks:
            given = block.pop("_json")
            if block["type"] == "tool_use":
                block["input"] = json.loads(given or "{}")
        return _of_blocks(self.blocks)


class _Chunks:
    """Folds the chunks of a chat completion."""

    def __init__(self):
        self.content, self.calls = "", {}

    def take(self, data):
        for choice in data["choices"]:
            self.content += choice["delta"].get("content") or ""
            for part in choice["delta"].get("tool_calls") or []:
                known = self.calls.setdefault(part["index"], {"type": "function", "function": {"arguments": ""}})
                known["id"] = part.get("id") or known["id"]
                known["function"]["name"] = part["function"].get("name") or known["function"]["name"]
                known["function"]["arguments"] += part["function"].get("arguments") or ""

    def text(self):
        return self.content

    def answer(self):
        parts = {"tool_calls": list(self.calls.values())} if self.calls else {}
        return _of_message({"content": self.content or None} | parts)
