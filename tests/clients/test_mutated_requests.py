"""Whatever a client sends is answered, or refused in its dialect's shape; never with a 5xx, never with silence."""

import json
import random

import pytest
from support import conversation, eventually
from support.dialects import ANTHROPIC, COMPLETIONS, OPENAI, RESPONSES
from support.mutations import mutated

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ARGUMENTS = {"city": "Oslo"}

ANTHROPIC_BODIES = [
    conversation.ANTHROPIC,
    ANTHROPIC.body("Hello", stream=True, stop_sequences=["END"], metadata={"user_id": "u"}),
    ANTHROPIC.body(
        "Hello",
        tools=[{"name": "weather", "input_schema": SCHEMA}],
        tool_choice={"type": "auto"},
        messages=[
            {"role": "user", "content": "How warm is it in Oslo?"},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "toolu_1", "name": "weather", "input": ARGUMENTS}],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "-3 °C"}]},
        ],
    ),
    ANTHROPIC.body("Hello", model="claude-haiku-4-5", temperature=0.5, system=[{"type": "text", "text": "Be brief."}]),
]
OPENAI_BODIES = [
    conversation.OPENAI,
    OPENAI.body("Hello", stream=True, stream_options={"include_usage": True}, stop=["END"], user="u", seed=7),
    OPENAI.body(
        "Hello",
        tools=[{"type": "function", "function": {"name": "weather", "parameters": SCHEMA, "strict": True}}],
        tool_choice="auto",
        parallel_tool_calls=False,
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "How warm is it in Oslo?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "weather", "arguments": json.dumps(ARGUMENTS)},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "-3 °C"},
        ],
    ),
    OPENAI.body("Hello", model="claude-haiku-4-5", temperature=0.5, max_tokens=20, response_format={"type": "text"}),
]
RESPONSES_BODIES = [
    RESPONSES.body("Hello", instructions="Be brief.", metadata={"a": "b"}, store=False, temperature=0.5),
    RESPONSES.body("Hello", background=True, stream=True, store=True),
    RESPONSES.body(
        [
            {"role": "user", "content": [{"type": "input_text", "text": "How warm is it in Oslo?"}]},
            {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": json.dumps(ARGUMENTS)},
            {"type": "function_call_output", "call_id": "call_1", "output": "-3 °C"},
            {"type": "message", "role": "user", "content": "And in Rome?"},
        ],
        stream=True,
        tools=[{"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}],
        tool_choice="auto",
        parallel_tool_calls=False,
        reasoning={"effort": "low"},
        text={"format": {"type": "text"}},
        include=["reasoning.encrypted_content"],
    ),
]
OPENAI_BODIES += [
    OPENAI.body("Hello", n=2, tools=[{"type": "custom", "custom": {"name": "write", "format": {"type": "text"}}}]),
    OPENAI.body("Hello", response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}),
    OPENAI.body("Hello", web_search_options={"user_location": {"type": "approximate", "approximate": {"city": "Oslo"}}}),
    OPENAI.body(
        "Hello",
        functions=[{"name": "weather", "parameters": SCHEMA}],
        function_call="auto",
        messages=[
            {"role": "user", "content": "How warm is it in Oslo?"},
            {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": "{}"}},
            {"role": "function", "name": "weather", "content": "-3 °C"},
        ],
    ),
]
COMPLETIONS_BODIES = [
    COMPLETIONS.body("Once upon", echo=True, stop=["END"], user="u"),
    COMPLETIONS.body(["Once upon", "a time"], n=2, stream=True, stream_options={"include_usage": True}),
    COMPLETIONS.body("Once upon", model="claude-haiku-4-5", temperature=0.5, best_of=1, seed=7),
]
# What counting takes no notice of, or refuses.
NOT_COUNTED = {"max_tokens", "stream", "stop_sequences", "metadata", "temperature", "background", "store"}


def counted(bodies):
    return [{name: value for name, value in body.items() if name not in NOT_COUNTED} for body in bodies]


BODIES = [
    (ANTHROPIC, ANTHROPIC.path, ANTHROPIC_BODIES),
    (OPENAI, OPENAI.path, OPENAI_BODIES),
    (RESPONSES, RESPONSES.path, RESPONSES_BODIES),
    (COMPLETIONS, COMPLETIONS.path, COMPLETIONS_BODIES),
    (ANTHROPIC, "/v1/messages/count_tokens", counted(ANTHROPIC_BODIES)),
    (RESPONSES, "/v1/responses/input_tokens", counted(RESPONSES_BODIES)),
]
each_endpoint = pytest.mark.parametrize(("dialect", "path", "bodies"), BODIES, ids=[path for _, path, _ in BODIES])
# Legacy completions go the way of chat completions, with more programs for each request; of counting one is enough.
each_way = pytest.mark.parametrize(
    ("dialect", "path", "bodies"), [BODIES[i] for i in (0, 1, 2, 4)], ids=[BODIES[i][1] for i in (0, 1, 2, 4)]
)


@pytest.fixture
def witnessed(witnessed, request):
    """What a response repeats of a mutated request is as odd as that: its shape is not judged."""
    odd = "mutated_requests" in request.node.name and request.node.callspec.params["dialect"] is RESPONSES
    return (lambda proxy: proxy) if odd else witnessed


def sent(proxy, dialect, path, requests):
    """The statuses of the answers, each of which is checked."""
    statuses = []
    with proxy.http(timeout=30) as client:
        for request in requests:
            answer = client.post(path, content=request.body, headers=request.headers)
            statuses.append(answer.status_code)
            story = f"{request.story}: {answer.status_code} {answer.text[:500]}"
            assert answer.status_code == 200 or 400 <= answer.status_code < 500, story
            assert answer.headers["x-request-id"].startswith("req_"), story
            if answer.status_code != 200:
                assert answer.headers["content-type"].startswith("application/json"), story
                dialect.error(answer.json())
                assert answer.status_code != 400 or named(dialect, answer.json(), request), story
    return statuses


def named(dialect, refusal, request):
    """Whether a 400 names the place of what is wrong, if that is a place at all."""
    error = refusal["error"]
    # Anthropic's errors have no member for it, and the API words them as it likes.
    if request.value is None or dialect is ANTHROPIC or "nested deeper" in error["message"]:
        return True
    return error["param"] is not None and leads_somewhere(error["param"], request.value)


def leads_somewhere(path, body):
    """Whether there is such a place, up to a last member that is missing."""
    steps = path.replace("[", ".").replace("]", "").split(".")
    for number, step in enumerate(steps):
        if isinstance(body, list) and step.isdecimal() and int(step) < len(body):
            body = body[int(step)]
        elif isinstance(body, dict) and step in body:
            body = body[step]
        else:
            return number + 1 == len(steps)
    return True


@each_endpoint
def test_the_bodies_that_are_mutated_are_valid(over_api, dialect, path, bodies):
    with over_api.http() as client:
        answers = [client.post(path, json=body) for body in bodies]
    assert [answer.status_code for answer in answers] == [200] * len(bodies), [answer.text for answer in answers]


@each_endpoint
def test_two_thousand_mutated_requests(over_api, simulator, dialect, path, bodies):
    chance = random.Random(20261122)
    statuses = sent(over_api, dialect, path, [mutated(bodies, chance) for _ in range(2000)])
    # Otherwise the mutations would be too tame, or break everything at the first byte.
    assert statuses.count(200) >= 150 and statuses.count(400) >= 600
    eventually(lambda: simulator.active() == 0, within=2, what="the end of all calls upstream")
    with over_api.http() as client:
        assert client.post(dialect.path, json=dialect.body("Still there?")).status_code == 200


@each_way
def test_mutated_requests_over_claude_code(over_claude, dialect, path, bodies):
    chance = random.Random(20261123)
    sent(over_claude, dialect, path, [mutated(bodies, chance) for _ in range(50)])
    with over_claude.http() as client:
        assert client.post(dialect.path, json=dialect.body("Still there?")).status_code == 200
