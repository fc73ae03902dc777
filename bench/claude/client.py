"""A client of either dialect over one kept connection: how long until the first text of an answer, and the answer."""

import http.client
import json
import time
from dataclasses import dataclass

PATIENCE_S = 60


@dataclass
class Answer:
    first_ms: float
    text: str


class Anthropic:
    """`POST /v1/messages`, streamed."""

    name = "Anthropic"
    path = "/v1/messages"
    headers = {"anthropic-version": "2023-06-01"}

    @staticmethod
    def body(model, messages):
        return {"model": model, "max_tokens": 256, "stream": True, "messages": messages}

    @staticmethod
    def text(event):
        return event.get("delta", {}).get("text", "")


class OpenAi:
    """`POST /v1/chat/completions`, streamed."""

    name = "OpenAI"
    path = "/v1/chat/completions"
    headers = {}

    @staticmethod
    def body(model, messages):
        return {"model": model, "max_completion_tokens": 256, "stream": True, "messages": messages}

    @staticmethod
    def text(event):
        choices = event.get("choices") or [{}]
        return choices[0].get("delta", {}).get("content") or ""


DIALECTS = (Anthropic, OpenAi)


class Client:
    """One connection to `port` of this machine."""

    def __init__(self, port, key):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        self.key = key
        self.connection.connect()

    def ask(self, dialect, model, messages):
        body = json.dumps(dialect.body(model, messages)).encode()
        headers = {"content-type": "application/json", "x-api-key": self.key, **dialect.headers}
        began = time.perf_counter()
        self.connection.request("POST", dialect.path, body, headers)
        response = self.connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"{dialect.path} answered {response.status}: {response.read().decode()}")
        first, text = None, ""
        while line := response.readline():
            if not line.startswith(b"data: {"):
                continue
            event = json.loads(line[6:])
            if "error" in event:
                raise RuntimeError(f"{dialect.path} ended with {event['error']}")
            if piece := dialect.text(event):
                first = first or time.perf_counter()
                text += piece
        if first is None:
            raise RuntimeError(f"{dialect.path} answered without any text")
        return Answer((first - began) * 1000, text)

    def close(self):
        self.connection.close()
