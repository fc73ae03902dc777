"""Bedrock and Vertex, as Claude Code speaks to them: a conversation goes on in one process, one call upstream for a
request; and so through an HTTP proxy."""

import base64
import json
import struct
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support import eventually
from support.dialects import ANTHROPIC, OPENAI
from support.processes import only_child

ANSWER = {"type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
ANSWER |= {"stop_sequence": None, "usage": {"input_tokens": 5, "output_tokens": 1}}


def answer(number, stop):
    """The events of an answer that says which it is."""
    delta = {"type": "text_delta", "text": f"answer {number}"}
    return [
        {"type": "message_start", "message": ANSWER | {"id": f"msg_{number}"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ]


def sse(events):
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


def event_stream(events):
    """AWS's binary framing: lengths and checksums around headers and payload."""
    return b"".join(map(_frame, events))


def _frame(event):
    payload = json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode()}).encode()
    headers = b""
    for name, value in {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}.items():
        headers += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack(">I", zlib.crc32(message))


CLOUDS = {
    "bedrock": {
        "framing": (event_stream, "application/vnd.amazon.eventstream"),
        "model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "path": "/model/us.anthropic.claude-sonnet-4-5-20250929-v1:0/invoke-with-response-stream",
        "env": lambda url: {
            "AWS_REGION": "us-east-1",
            "CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1",
            "ANTHROPIC_BEDROCK_BASE_URL": url,
        },
    },
    "vertex": {
        "framing": (sse, "text/event-stream"),
        "model": "claude-sonnet-4-5@20250929",
        "path": "/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict",
        "env": lambda url: {
            "CLOUD_ML_REGION": "us-east5",
            "ANTHROPIC_VERTEX_PROJECT_ID": "p",
            "CLAUDE_CODE_SKIP_VERTEX_AUTH": "1",
            "ANTHROPIC_VERTEX_BASE_URL": f"{url}/v1",
        },
    },
}


class Cloud:
    """Answers every call; remembers path and body of each."""

    def __init__(self, framing, content_type):
        self.calls, self.stops = [], []
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                cloud.calls.append((self.path, body))
                stop = cloud.stops.pop(0) if cloud.stops else "end_turn"
                told = framing(answer(len(cloud.calls), stop))
                self.send_response(200)
                self.send_header("content-type", content_type)
                self.send_header("content-length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def do_GET(self):
                # It asks Bedrock for inference profiles.
                self.send_error(404)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(params=CLOUDS)
def over_cloud(request, start):
    about = CLOUDS[request.param]
    cloud = Cloud(*about["framing"])
    section = {"credentials": request.param, "base_url": None, "idle_time": 60}
    proxy = start("claude-code", config={"claude_code": section}, env=about["env"](cloud.url))
    yield proxy, cloud, about
    cloud.server.shutdown()
    cloud.server.server_close()


@pytest.mark.parametrize("dialect", [ANTHROPIC, OPENAI], ids=["anthropic", "openai"])
def test_a_conversation_goes_on_in_one_process(over_cloud, dialect):
    proxy, cloud, about = over_cloud
    messages, pids = [], set()
    with proxy.http() as client:
        for number in (1, 2, 3):
            messages.append({"role": "user", "content": f"question {number}"})
            body = dialect.body("", model=about["model"], messages=messages, temperature=0.5, max_tokens=77)
            told = client.post(dialect.path, json=body)
            assert told.status_code == 200, told.text
            assert dialect.answer_text(told.json()) == f"answer {number}"
            messages.append({"role": "assistant", "content": f"answer {number}"})
            pids.add(only_child(proxy.pid))
    assert len(pids) == 1 and [path for path, _ in cloud.calls] == [about["path"]] * 3
    assert {(body["temperature"], body["max_tokens"]) for _, body in cloud.calls} == {(0.5, 77)}
    assert [len(body["messages"]) for _, body in cloud.calls] == [1, 3, 5]


def test_the_program_does_not_call_again_by_itself(over_cloud):
    """As it would after an answer that met its token limit."""
    proxy, cloud, about = over_cloud
    cloud.stops = ["max_tokens"]
    with proxy.http() as client:
        told = client.post(ANTHROPIC.path, json=ANTHROPIC.body("hi", model=about["model"]))
    assert told.json()["stop_reason"] == "max_tokens"
    eventually(lambda: "running\"} 0" in metrics(proxy), within=10, what="the end of the turn")
    assert len(cloud.calls) == 1


def test_nor_does_it_ask_an_http_proxy_to(start):
    """Whatever it is kept from sending must not reach a proxy of the operator's either."""
    http_proxy = Cloud(sse, "text/event-stream")
    http_proxy.stops = ["max_tokens"]
    section = {"base_url": "http://api.invalid", "env": {"HTTP_PROXY": http_proxy.url}}
    proxy = start("claude-code", config={"claude_code": section})
    with proxy.http() as client:
        told = client.post(ANTHROPIC.path, json=ANTHROPIC.body("hi"))
    assert told.json()["stop_reason"] == "max_tokens"
    eventually(lambda: "running\"} 0" in metrics(proxy), within=10, what="the end of the turn")
    assert [path.partition("?")[0] for path, _ in http_proxy.calls] == ["http://api.invalid/v1/messages"]
    http_proxy.server.shutdown()
    http_proxy.server.server_close()


def metrics(proxy):
    with proxy.http() as client:
        return client.get("/metrics").text
