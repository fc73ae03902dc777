"""SIGTERM: running answers end well if they can in time, else with an error; then nothing runs any more."""

import signal
import time

from support import eventually, turn
from support.processes import is_alive, only_child
from support.streams import events, text_of


def streaming(proxy, simulator, client, dialect):
    """A stream that has begun and hangs in the middle, as an iterator of its events."""
    simulator.script(turn("So far", "hold", " and on."))
    request = client.build_request("POST", dialect.path, json=dialect.body("Hello", stream=True))
    coming = events(client.send(request, stream=True))
    next(event for event in coming if text_of(event[1]) == "So far")
    return coming


def test_a_running_stream_ends_well(start, simulator, dialect):
    proxy = start("claude-code", config={"server": {"drain_timeout": 10}})
    with proxy.http() as client:
        coming = streaming(proxy, simulator, client, dialect)
        pid = only_child(proxy.pid)
        proxy.process.send_signal(signal.SIGTERM)
        eventually(lambda: "stopping" in [entry["message"] for entry in proxy.log()], within=2, what="the drain")
        simulator.release()
        rest = list(coming)
    assert "".join(text_of(data) for _, data in rest) == " and on."
    assert dialect.is_good_end(rest[-1])
    assert proxy.process.wait(10) == 0
    assert not is_alive(pid) and proxy.scratch() == []


def test_a_stream_that_takes_too_long_ends_with_an_error(start, simulator, dialect):
    proxy = start("claude-code", config={"server": {"drain_timeout": 1}})
    with proxy.http() as client:
        coming = streaming(proxy, simulator, client, dialect)
        pid = only_child(proxy.pid)
        began = time.monotonic()
        proxy.process.send_signal(signal.SIGTERM)
        rest = list(coming)
    assert dialect.is_error_event(rest[-1]) and not any(dialect.is_good_end(event) for event in rest)
    assert proxy.process.wait(10) == 0
    assert time.monotonic() - began < 8
    assert not is_alive(pid) and proxy.scratch() == []
    assert simulator.active() == 0


def test_a_second_signal_ends_it_at_once(start, simulator, dialect):
    proxy = start("claude-code", config={"server": {"drain_timeout": 60}})
    with proxy.http() as client:
        streaming(proxy, simulator, client, dialect)
        pid = only_child(proxy.pid)
        proxy.process.send_signal(signal.SIGTERM)
        eventually(lambda: "stopping" in [entry["message"] for entry in proxy.log()], within=2, what="the drain")
        proxy.process.send_signal(signal.SIGTERM)
        assert proxy.process.wait(2) == 143
    eventually(lambda: not is_alive(pid), within=5, what="the end of claude")
