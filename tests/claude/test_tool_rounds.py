"""Five rounds of two tool calls each: the fewest calls upstream, in one process; without that process, or with another
instance of the proxy, the model is told exactly the same."""

import json
import os
import signal
from collections import namedtuple

import pytest
from support import MODEL, USUAL_PROCESSES, eventually, turn
from support.cli_additions import without_cli_additions
from support.clients import anthropic_client, openai_client
from support.processes import calls, is_alive, own_children

ROUNDS = 5
SYSTEM = "Look, then see."
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
NAMES = ["look", "see"]


class Anthropic:
    """The conversation with Anthropic's client."""

    connect = staticmethod(anthropic_client)

    def __init__(self, streams):
        self.streams = streams
        self.messages = [{"role": "user", "content": "go"}]

    def ask(self, client):
        """The calls of the next answer as (id, name, input)."""
        tools = [{"name": name, "description": "Tries.", "input_schema": SCHEMA} for name in NAMES]
        body = {"model": MODEL, "max_tokens": 500, "system": SYSTEM, "tools": tools, "messages": self.messages}
        if self.streams:
            with client.messages.stream(**body) as stream:
                answer = stream.get_final_message()
        else:
            answer = client.messages.create(**body)
        content = [block.model_dump(include={"type", "text", "id", "name", "input"}) for block in answer.content]
        self.messages.append({"role": "assistant", "content": content})
        return [(block.id, block.name, block.input) for block in answer.content if block.type == "tool_use"]

    def tell(self, results):
        content = [{"type": "tool_result", "tool_use_id": each, "content": text} for each, text in results]
        self.messages.append({"role": "user", "content": content})

    def last_text(self):
        return self.messages[-1]["content"][0]["text"]


class OpenAI:
    """The same with OpenAI's."""

    connect = staticmethod(openai_client)

    def __init__(self, streams):
        self.streams = streams
        self.messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": "go"}]

    def ask(self, client):
        functions = [{"name": name, "description": "Tries.", "parameters": SCHEMA} for name in NAMES]
        tools = [{"type": "function", "function": function} for function in functions]
        body = {"model": MODEL, "max_tokens": 500, "tools": tools, "messages": self.messages}
        if self.streams:
            with client.chat.completions.stream(**body) as stream:
                message = stream.get_final_completion().choices[0].message
        else:
            message = client.chat.completions.create(**body).choices[0].message
        made = message.tool_calls or []
        parts = [{"id": each.id, "type": "function", "function": _function(each)} for each in made]
        self.messages.append({"role": "assistant", "content": message.content, "tool_calls": parts or None})
        return [(each.id, each.function.name, json.loads(each.function.arguments)) for each in made]

    def tell(self, results):
        self.messages += [{"role": "tool", "tool_call_id": each, "content": text} for each, text in results]

    def last_text(self):
        return self.messages[-1]["content"]


def _function(call):
    return {"name": call.function.name, "arguments": call.function.arguments}


def script(simulator):
    for number in range(ROUNDS):
        tools = [
            {"tool": {"name": f"mcp__client__{name}", "id": f"toolu_{number}{name}", "input": {"n": number}}}
            for name in NAMES
        ]
        simulator.script(turn(f"Round {number}.", *tools))
    simulator.script(turn("Done."))


Seen = namedtuple("Seen", "requests sessions")


def hold(conversation, proxies, simulator, between=lambda proxy, answered: None):
    """The whole conversation, each turn through the next of the proxies; after each of them `between`. What was
    received upstream, and by which sessions of Claude Code."""
    simulator.clear()
    script(simulator)
    for number in range(ROUNDS + 1):
        proxy = proxies[number % len(proxies)]
        with conversation.connect(proxy) as client:
            made = conversation.ask(client)
        expected = [(f"toolu_{number}{name}", name, {"n": number}) for name in NAMES] if number < ROUNDS else []
        assert made == expected
        between(proxy, number)
        if made:
            conversation.tell([(call, f"{name} saw {number}") for call, name, _ in made])
    assert conversation.last_text() == "Done."
    arrived = [request["json"] for request in simulator.conversations()]
    assert len(arrived) == ROUNDS + 1, "one call upstream for each answer"
    sessions = [json.loads(body["metadata"]["user_id"])["session_id"] for body in arrived]
    return Seen([as_the_caller_meant_it(body) for body in arrived], sessions)


def as_the_caller_meant_it(body):
    meant = without_cli_additions(body)
    assert [tool["name"] for tool in meant["tools"]] == sorted(NAMES)
    assert all((tool["description"], tool["input_schema"]) == ("Tries.", SCHEMA) for tool in meant["tools"])
    return meant


def caller(proxy, simulator):
    """The one process below this proxy that has called upstream; the others are spares."""
    port = int(simulator.url.rpartition(":")[2])

    def only():
        found = [pid for pid in own_children(proxy.pid) if calls(pid, port)]
        return found if len(found) == 1 else None

    return eventually(only, within=10, what="one process with a connection")[0]


@pytest.fixture
def one(start):
    return start("claude-code", config=USUAL_PROCESSES)


@pytest.fixture
def other(start):
    return start("claude-code", config=USUAL_PROCESSES)


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("kind", [Anthropic, OpenAI], ids=["anthropic", "openai"])
def test_five_rounds_of_two_calls(one, other, simulator, kind, streams):
    pids = []
    kept = hold(kind(streams), [one], simulator, lambda proxy, _: pids.append(caller(proxy, simulator)))
    assert len(set(pids)) == 1 and len(set(kept.sessions)) == 1, "the same process throughout"
    assert [len(request["messages"]) for request in kept.requests] == [1, 3, 5, 7, 9, 11]

    def kill(proxy, _):
        os.kill(caller(proxy, simulator), signal.SIGKILL)

    end(pids[0])
    killed = hold(kind(streams), [one], simulator, kill)
    assert len(set(killed.sessions)) == ROUNDS + 1, "each turn by another process"
    assert killed.requests == kept.requests

    taken_over = hold(kind(streams), [one, other], simulator)
    assert len(set(taken_over.sessions)) == ROUNDS + 1
    assert taken_over.requests == kept.requests


def end(pid):
    """So that the process of an earlier conversation is not taken for one of the next."""
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not is_alive(pid), within=5, what="its end")
