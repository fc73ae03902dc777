"""Recorded conversations reach the API block for block by each way there is: in the process that hears them turn by
turn, told to a spare, and resumed from a transcript. `conversations/make.py` writes them."""

import json
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import Proxy, eventually, turn
from support.cli_additions import as_documented, canonical, without_cli_additions
from support.dialects import ANTHROPIC
from support.processes import own_children, is_alive

FILES = sorted((Path(__file__).parent / "conversations").glob("*.json"))
RECORDED = {file.stem: json.loads(file.read_text()) for file in FILES}
# Without a history there is nothing to be resumed or to go on with.
WITH_HISTORY = [name for name, recorded in RECORDED.items() if len(recorded["request"]["messages"]) > 1]


def test_there_are_forty_of_them():
    assert len(RECORDED) >= 40


@pytest.fixture
def request_of(simulator):
    """A conversation's request; what the simulator saw before is forgotten."""
    return lambda name: RECORDED[name]["request"]


def proxy_with(url, **section):
    return Proxy("claude-code", url, config={"claude_code": section})


@pytest.fixture(scope="module")
def feeding(_simulator):
    """Has a spare, and tells it every history."""
    with proxy_with(_simulator.url, min_idle=1, max_idle=1, resume_from_turns=0) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def resuming(_simulator):
    """Has a spare as well, but starts a process with every history."""
    with proxy_with(_simulator.url, min_idle=1, max_idle=1, resume_from_turns=1) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def going_on(_simulator):
    """Keeps the process of one conversation, or a second one while the first ends."""
    with proxy_with(_simulator.url, idle_time=60, hold_time=60, max_processes=2, resume_from_turns=0) as proxy:
        yield proxy


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def conversing(proxy):
    """The processes that are ready for a conversation or have one, by what they were started with."""
    found = {pid: command_line(pid) for pid in own_children(proxy.pid)}
    return {pid: line for pid, line in found.items() if "--input-format=stream-json" in line}


def resumed(processes):
    return [pid for pid, line in processes.items() if any(argument.startswith("--resume") for argument in line)]


def the_spare(proxy):
    def alone():
        spares = conversing(proxy)
        return list(spares)[0] if len(spares) == 1 and not resumed(spares) else None

    return eventually(alone, within=60, what="a spare, and nothing else")


def ask(proxy, request):
    with proxy.http(timeout=120) as client:
        answer = client.post(ANTHROPIC.path, json=request)
    assert answer.status_code == 200, answer.text
    return answer


@contextmanager
def held(proxy, simulator, request):
    """Asks, and holds the answer back as long as this lasts."""
    simulator.script(turn("hold", "Yes."))
    asking = threading.Thread(target=ask, args=(proxy, request))
    asking.start()
    try:
        eventually(lambda: simulator.active() or not asking.is_alive(), within=60, what="the call upstream")
        yield
    finally:
        simulator.release()
        asking.join()


def arrived(simulator):
    """What the last call upstream was, without what Claude Code adds."""
    return without_cli_additions(simulator.conversations()[-1]["json"])


@pytest.mark.parametrize("name", RECORDED)
def test_told_to_a_spare(feeding, simulator, request_of, name):
    request = request_of(name)
    spare = the_spare(feeding)
    ask(feeding, request)
    assert len(simulator.conversations()) == 1
    assert arrived(simulator) == as_documented(request)
    eventually(lambda: not is_alive(spare), within=20, what="the end of the spare that was told")


@pytest.mark.parametrize("name", WITH_HISTORY)
def test_resumed_from_a_transcript(resuming, simulator, request_of, name):
    request = request_of(name)
    spare = the_spare(resuming)
    with held(resuming, simulator, request):
        processes = conversing(resuming)
        assert len(resumed(processes)) == 1 and spare in processes
        assert not [path for path in resuming.scratch() if path.endswith(".jsonl")], "it was read and is gone"
    assert len(simulator.conversations()) == 1
    assert arrived(simulator) == as_documented(request)
    assert the_spare(resuming) == spare


def as_steps(content):
    """An answer of the model's for the simulator to give."""
    steps = []
    for block in canonical({"messages": [{"role": "assistant", "content": content}]})["messages"][0]["content"]:
        match block["type"]:
            case "text":
                steps += ["next_block", {"text": block["text"]}]
            case "thinking":
                steps.append({"thinking": {"text": block["thinking"], "signature": block["signature"]}})
            case "tool_use":
                steps.append({"tool": {"id": block["id"], "name": upstream_name(block), "input": block["input"]}})
            case _:
                steps.append({"block": block})
    return steps


def upstream_name(call):
    (named,) = as_documented({"messages": [{"role": "assistant", "content": [call]}]})["messages"][0]["content"]
    return "mcp__client__" + named["name"]


@pytest.mark.parametrize("name", WITH_HISTORY)
def test_played_turn_by_turn(going_on, simulator, request_of, name):
    request = request_of(name)
    messages = request["messages"]
    for place, message in enumerate(messages):
        if message["role"] == "assistant":
            simulator.script(turn(*as_steps(message["content"])))
            answer = ask(going_on, request | {"messages": messages[:place]}).json()
            assert canonical({"messages": [{"role": "assistant", "content": answer["content"]}]}) == canonical(
                {"messages": [message]}
            )
    ask(going_on, request)
    assert arrived(simulator) == as_documented(request)
    calls = simulator.conversations()
    assert len(calls) == 1 + sum(message["role"] == "assistant" for message in messages)
    processes = {json.loads(call["json"]["metadata"]["user_id"])["session_id"] for call in calls}
    assert (len(processes) > 1) == ("changes_process" in RECORDED[name]), f"{len(processes)} processes"
