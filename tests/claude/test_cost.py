"""What a request cost is in its log line and in the metrics, also where one process has answered several."""

import re

import pytest
from support import MODEL, eventually, turn
from support.dialects import ANTHROPIC, OPENAI

# List prices of the model, in US dollars for a million tokens.
INPUT, OUTPUT = 2, 10
USAGE = [(1000, 100), (2000, 300), (4000, 700)]
COSTS = [(used * INPUT + said * OUTPUT) / 1e6 for used, said in USAGE]


@pytest.fixture
def keeps(start):
    return start("claude-code", config={"claude_code": {"idle_time": 60, "hold_time": 60}})


def told(proxy, count):
    """The costs in the log, oldest first, once there are so many lines."""
    lines = eventually(lambda: (found := proxy.log("request"))[count - 1 :] and found, within=10, what="the lines")
    return [line["cost_usd"] if "cost_usd" in line else None for line in lines]


def total(proxy):
    with proxy.http() as client:
        metrics = client.get("/metrics").text
    labels = r'\{backend="claude-code",model="' + MODEL + r'"\}'
    return float(re.search(rf"^ccp_cost_usd_total{labels} (\S+)$", metrics, re.MULTILINE)[1])


def usage(tokens):
    return {"input_tokens": tokens[0], "output_tokens": tokens[1]}


@pytest.mark.parametrize("dialect", [ANTHROPIC, OPENAI], ids=["anthropic", "openai"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_three_turns_of_one_process_cost_what_each_used(keeps, simulator, dialect, stream):
    messages = []
    with keeps.http() as client:
        for number, tokens in enumerate(USAGE):
            simulator.script(turn("Yes.", usage=usage(tokens)))
            messages.append({"role": "user", "content": f"question {number}"})
            answer = client.post(dialect.path, json=dialect.body("", messages=messages, stream=stream))
            assert answer.status_code == 200 and "Yes." in answer.text
            messages.append({"role": "assistant", "content": "Yes."})
        sessions = {request["json"]["metadata"]["user_id"] for request in simulator.conversations()}
        assert len(sessions) == 1, "one process answered all"
    assert told(keeps, 3) == pytest.approx(COSTS)
    assert total(keeps) == pytest.approx(sum(COSTS))


def test_a_process_for_each_turn_costs_the_same(over_claude, simulator):
    before = len(over_claude.log("request"))
    with over_claude.http() as client:
        for tokens in USAGE[:2]:
            simulator.script(turn("Yes.", usage=usage(tokens)))
            assert client.post(ANTHROPIC.path, json=ANTHROPIC.body("hi")).status_code == 200
    assert told(over_claude, before + 2)[before:] == pytest.approx(COSTS[:2])


def test_the_calls_of_a_tool_loop_are_told_with_its_end(keeps, simulator):
    tools = [{"name": "look", "input_schema": {"type": "object"}}]
    ask = {"role": "user", "content": "hi"}
    simulator.script(turn({"tool": {"name": "mcp__client__look", "input": {}}}, usage=usage(USAGE[0])))
    with keeps.http() as client:
        first = client.post(ANTHROPIC.path, json=ANTHROPIC.body("", messages=[ask], tools=tools)).json()
        result = {"type": "tool_result", "tool_use_id": first["content"][0]["id"], "content": "seen"}
        messages = [ask, {"role": "assistant", "content": first["content"]}, {"role": "user", "content": [result]}]
        simulator.script(turn("Yes.", usage=usage(USAGE[1])))
        assert client.post(ANTHROPIC.path, json=ANTHROPIC.body("", messages=messages, tools=tools)).status_code == 200
    assert told(keeps, 2) == [None, pytest.approx(sum(COSTS[:2]))]
    assert total(keeps) == pytest.approx(sum(COSTS[:2]))
