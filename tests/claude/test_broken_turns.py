"""A turn that breaks ends with an error in the caller's dialect; it never looks whole, and nothing of it stays."""

import os
import signal
import threading

import pytest
from support import eventually, turn
from support.processes import children, only_child
from support.streams import events, text_of

STATUSES = [400, 401, 403, 404, 413, 429, 500, 529]


def broken(dialect, seen):
    """The error that ends a stream."""
    *others, last = seen
    assert dialect.is_error_event(last), last
    assert not any(dialect.is_good_end(event) or dialect.is_error_event(event) for event in others)
    return dialect.error(last[1])


def test_a_program_that_is_killed_ends_the_stream_with_an_error(over_claude, client, simulator, dialect):
    simulator.script(turn("So far", "hold", "never heard"))
    with client.stream("POST", dialect.path, json=dialect.body("Hello", stream=True)) as response:
        seen = []
        for event in events(response):
            seen.append(event)
            if text_of(event[1]) == "So far":
                pid = only_child(over_claude.pid)
                os.kill(pid, signal.SIGKILL)
    assert "Claude Code" in broken(dialect, seen)[1]
    eventually(lambda: not children(over_claude.pid), within=5, what="the reaping of the process")
    # The next conversation has a process of its own.
    assert client.post(dialect.path, json=dialect.body("Hello")).status_code == 200


def test_a_program_that_is_killed_before_it_answers_is_an_error(over_claude, client, simulator, dialect):
    simulator.script(turn(before=["hold"]))

    def kill():
        eventually(simulator.active, within=10, what="its call")
        os.kill(only_child(over_claude.pid), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    answer = client.post(dialect.path, json=dialect.body("Hello", stream=True))
    killer.join()
    assert answer.status_code == 500
    assert "Claude Code" in dialect.error(answer.json())[1]


def test_silence_in_the_middle_of_a_stream_is_an_error(start, simulator, dialect):
    proxy = start("claude-code", config={"claude_code": {"silence_timeout": 2}})
    simulator.script(turn("So far", "stall"))
    with proxy.http() as client, client.stream("POST", dialect.path, json=dialect.body("Hi", stream=True)) as response:
        seen = list(events(response))
    kind, message = broken(dialect, seen)
    assert kind in ("timeout_error", "server_error") and "silent" in message
    eventually(lambda: simulator.active() == 0, within=1, what="the end of the call upstream")
    eventually(lambda: not children(proxy.pid), within=5, what="the end of the process")


@pytest.mark.parametrize("how", ["cut", "close", "end"])
def test_an_upstream_that_breaks_off_is_an_error_in_the_stream(client, simulator, dialect, how):
    # Broken off at once, it may be an error without any event.
    simulator.script(turn("So far", "hold", how))
    with client.stream("POST", dialect.path, json=dialect.body("Hi", stream=True)) as response:
        seen = []
        for event in events(response):
            seen.append(event)
            if text_of(event[1]) == "So far":
                simulator.release()
        broken(dialect, seen)
    assert len(simulator.conversations()) == 1, "it was not asked again"


@pytest.mark.parametrize("status", STATUSES)
def test_upstreams_refusal_keeps_its_status(client, simulator, dialect, status):
    # Twice: Claude Code asks again after a 404, this time not for a stream.
    simulator.script(turn(http_error={"status": status, "message": "Told upstream."}, times=2))
    answer = client.post(dialect.path, json=dialect.body("Hi"))
    assert answer.status_code == (503 if status == 529 and dialect.name == "openai" else status), answer.text
    message = dialect.error(answer.json())[1]
    own = {404: "issue with the selected model", 413: "Request too large"}
    assert own.get(status, "Told upstream.") in message
    assert len(simulator.conversations()) == (2 if status == 404 else 1)


def test_an_answer_that_did_not_stream_is_no_text_of_an_error(client, simulator, dialect):
    # Upstream refuses the stream alone; what it then answers is the caller's or nobody's.
    simulator.script(turn(http_error={"status": 404}), turn("A private matter."))
    answer = client.post(dialect.path, json=dialect.body("Hi"))
    assert answer.status_code == 200 or "private" not in answer.text, answer.text


def test_when_all_processes_are_taken_the_caller_is_told_to_come_back(start, simulator, dialect):
    proxy = start("claude-code", config={"claude_code": {"max_processes": 1, "queue_timeout": 0.5}})
    simulator.script(turn("hold", "Yes."))
    with proxy.http() as client, client.stream("POST", dialect.path, json=dialect.body("Hi", stream=True)) as first:
        eventually(simulator.active, within=10, what="the first call")
        with proxy.http() as second:
            refused = second.post(dialect.path, json=dialect.body("Hello"))
        simulator.release()
        assert any(dialect.is_good_end(event) for event in events(first))
    assert refused.status_code == (529 if dialect.name == "anthropic" else 503)
    assert int(refused.headers["retry-after"]) > 0
    dialect.error(refused.json())
