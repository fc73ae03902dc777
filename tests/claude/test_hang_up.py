"""A caller that hangs up frees what it held: the call upstream, the process, its files."""

import pytest
from support import eventually, turn
from support.processes import children, is_alive, only_child
from support.streams import events, text_of


@pytest.fixture
def proxy(over_claude):
    eventually(lambda: not children(over_claude.pid), within=10, what="the end of earlier processes")
    return over_claude


def freed(proxy, simulator, pid):
    eventually(lambda: simulator.active() == 0, within=1, what="the end of the call upstream")
    eventually(lambda: not is_alive(pid), within=4, what="the end of the process")
    eventually(lambda: not children(proxy.pid), within=1, what="the reaping of the process")
    eventually(lambda: len(proxy.scratch()) <= 2, within=1, what="the removal of its files")


def test_in_the_middle_of_a_stream(proxy, client, simulator, dialect):
    simulator.script(turn("So far", "hold", "never heard"))
    with client.stream("POST", dialect.path, json=dialect.body("Hello", stream=True)) as response:
        next(event for event in events(response) if text_of(event[1]) == "So far")
        pid = only_child(proxy.pid)
        assert simulator.active() == 1
    freed(proxy, simulator, pid)
    eventually(lambda: proxy.log("request")[-1:], within=3, what="its line in the log")
    eventually(lambda: proxy.log("request")[-1]["ended"] == "client_gone", within=3, what="the end in it")


def test_before_the_answer_begins(proxy, simulator, dialect):
    simulator.script(turn(before=["hold"]))
    with proxy.http() as client:
        task = client.build_request("POST", dialect.path, json=dialect.body("Hello"), extensions=_timeout(3))
        with pytest.raises(Exception, match="timed out"):
            client.send(task)
        pid = only_child(proxy.pid)
    freed(proxy, simulator, pid)


def _timeout(seconds):
    return {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), seconds)}


def test_while_the_program_starts(proxy, simulator, dialect):
    with proxy.http() as client:
        task = client.build_request("POST", dialect.path, json=dialect.body("Hello"), extensions=_timeout(0.1))
        with pytest.raises(Exception, match="timed out"):
            client.send(task)
    eventually(lambda: not children(proxy.pid), within=5, what="the end of the process")
    eventually(lambda: len(proxy.scratch()) <= 2, within=1, what="the removal of its files")
    assert simulator.active() == 0


def test_while_it_waits_for_a_free_process(start, simulator, dialect):
    proxy = start("claude-code", config={"claude_code": {"max_processes": 1}})
    simulator.script(turn("hold", "one"))
    with proxy.http() as client, client.stream("POST", dialect.path, json=dialect.body("first", stream=True)) as first:
        eventually(simulator.active, within=10, what="the first call")
        with proxy.http(timeout=0.5) as impatient, pytest.raises(Exception, match="timed out"):
            impatient.post(dialect.path, json=dialect.body("second"))
        simulator.release()
        assert any(dialect.is_good_end(event) for event in events(first))
    eventually(lambda: not children(proxy.pid), within=5, what="the end of the process")
    assert [request["json"]["messages"][0]["content"][0]["text"] for request in simulator.conversations()] == ["first"]
