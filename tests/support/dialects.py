"""The two dialects as plain HTTP, for what the official clients hide: raw streams, errors, odd bodies."""

from dataclasses import dataclass

from .simulator import MODEL


@dataclass(frozen=True)
class Dialect:
    name: str
    path: str

    def body(self, text, /, **fields):
        """A request in which the user says `text`."""
        if self is RESPONSES:
            return {"model": MODEL, "max_output_tokens": 100, "input": text} | fields
        if self is COMPLETIONS:
            return {"model": MODEL, "max_tokens": 100, "prompt": text} | fields
        return {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": text}]} | fields

    def error(self, body):
        """(type, message) of an error document, which must have this dialect's shape and no other."""
        if self is ANTHROPIC:
            assert body["type"] == "error" and set(body) <= {"type", "error", "request_id"}, body
            assert {"type", "message"} <= set(body["error"]), body
        else:
            assert set(body) == {"error"} and set(body["error"]) == {"message", "type", "param", "code"}, body
        message = body["error"]["message"]
        assert isinstance(message, str) and message
        return body["error"]["type"], message

    def answer_text(self, body):
        if self is ANTHROPIC:
            return "".join(block.get("text", "") for block in body["content"])
        return body["choices"][0]["message"]["content"]

    def is_error_event(self, event):
        name, data = event
        if self is ANTHROPIC:
            return name == "error" and data.get("type") == "error"
        return isinstance(data, dict) and "error" in data

    def is_good_end(self, event):
        """What tells a client that the answer is whole."""
        name, data = event
        return name == "message_stop" if self is ANTHROPIC else data == "[DONE]"


ANTHROPIC = Dialect("anthropic", "/v1/messages")
OPENAI = Dialect("openai", "/v1/chat/completions")
# Speaks like `OPENAI`, but for its requests and answers.
RESPONSES = Dialect("responses", "/v1/responses")
COMPLETIONS = Dialect("completions", "/v1/completions")
DIALECTS = [ANTHROPIC, OPENAI]
