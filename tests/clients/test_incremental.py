"""A stream is translated as it comes: each piece is with the client before the next one is written.

The simulator holds after every piece until the test, which has read that piece at the client, lets it go on.
"""

import pytest
from support import MODEL, turn
from support.streams import events

ASK = "How warm is it in Oslo?"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PIECES = ["on", "e tw", "o thr", "ee"]
ARGUMENTS = ['{"ci', 'ty": "O', "sl", 'o"}']


class Messages:
    path = "/v1/messages"
    body = {
        "model": MODEL,
        "max_tokens": 3000,
        "thinking": {"type": "adaptive"},
        "messages": [{"role": "user", "content": ASK}],
        "tools": [{"name": "weather", "input_schema": SCHEMA}],
    }

    @staticmethod
    def piece(data):
        delta = data.get("delta", {})
        return delta.get("text") or delta.get("thinking") or delta.get("partial_json")


class Chat:
    path = "/v1/chat/completions"
    body = {
        "model": MODEL,
        "reasoning_effort": "high",
        "messages": [{"role": "user", "content": ASK}],
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}],
    }

    @staticmethod
    def piece(data):
        delta = data["choices"][0]["delta"]
        (call,) = delta.get("tool_calls") or [{}]
        return delta.get("content") or delta.get("reasoning_content") or call.get("function", {}).get("arguments")


class Responses:
    path = "/v1/responses"
    body = {
        "model": MODEL,
        "reasoning": {"effort": "high", "summary": "auto"},
        "input": ASK,
        "tools": [{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}],
    }

    @staticmethod
    def piece(data):
        return data["delta"] if data["type"].endswith(".delta") else None


def held(steps):
    """A hold behind each of the steps."""
    return [step for each in steps for step in (each, "hold")]


def deltas(kind, member, pieces):
    return held({"delta": {"type": kind, member: piece}} for piece in pieces)


def text():
    return PIECES, turn(*held(PIECES))


def thinking():
    block = {"block": {"type": "thinking", "thinking": "", "signature": ""}}
    signed = {"delta": {"type": "signature_delta", "signature": "c2lnbmVk"}}
    return PIECES, turn(block, *deltas("thinking_delta", "thinking", PIECES), signed, "next_block", "Yes.")


def arguments():
    block = {"block": {"type": "tool_use", "id": "toolu_01abc", "name": "weather", "input": {}}}
    pieces = deltas("input_json_delta", "partial_json", ARGUMENTS)
    return ARGUMENTS, turn(block, *pieces, stop_reason="tool_use")


def arrives_piece_by_piece(proxy, simulator, dialect, pieces, answer):
    simulator.script(answer)
    got, rest = [], []
    with proxy.http(timeout=90) as client:
        with client.stream("POST", dialect.path, json=dialect.body | {"stream": True}) as response:
            assert response.status_code == 200, response.read()
            for _, data in events(response):
                piece = data != "[DONE]" and dialect.piece(data)
                if not piece:
                    continue
                if len(got) == len(pieces):
                    rest.append(piece)
                    continue
                got.append(piece)
                # Upstream waits behind this very piece: it has written no other.
                assert simulator.active() == 1
                simulator.release()
    assert got == pieces
    return rest


@pytest.mark.parametrize("dialect", [Messages, Chat, Responses])
@pytest.mark.parametrize("kind", [text, thinking])
def test_each_piece_arrives_before_the_next_is_written(proxy, simulator, dialect, kind):
    rest = arrives_piece_by_piece(proxy, simulator, dialect, *kind())
    assert rest == (["Yes."] if kind is thinking else [])


@pytest.mark.parametrize("dialect", [Messages, Chat, Responses])
def test_each_piece_of_a_calls_arguments_arrives_before_the_next_is_written(over_api, simulator, dialect):
    assert arrives_piece_by_piece(over_api, simulator, dialect, *arguments()) == []
