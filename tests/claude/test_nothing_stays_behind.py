"""Hundreds of turns leave the proxy as they found it: no process, no file descriptor, no temporary file."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from support import eventually
from support.dialects import DIALECTS
from support.processes import children, descriptors
from support.proxy import outside


@pytest.fixture
def leaves_nothing(start):
    """A proxy that has served once already, and is compared with itself after the test."""
    proxy = start("claude-code", config={"server": {"idle_timeout": 1}})
    ask(proxy, 0)
    settle = {"within": 10, "what": "the end of all processes"}
    eventually(lambda: not children(proxy.pid), **settle)
    eventually(lambda: len(proxy.scratch()) <= 2, within=2, what="the removal of its files")
    before = (len(descriptors(proxy.pid)), proxy.scratch(), outside())
    yield proxy
    eventually(lambda: not children(proxy.pid), **settle)
    eventually(lambda: len(descriptors(proxy.pid)) <= before[0], within=10, what=f"{before[0]} file descriptors again")
    eventually(lambda: (proxy.scratch(), outside()) == before[1:], within=2, what=f"{before[1:]} again")
    with proxy.http() as client:
        metrics = client.get("/metrics").text
    assert 'ccp_claude_processes{backend="claude-code",state="running"} 0' in metrics


def ask(proxy, number):
    dialect, stream = DIALECTS[number % 2], number % 4 < 2
    with proxy.http() as client:
        answer = client.post(dialect.path, json=dialect.body(f"number {number}", stream=stream))
    assert answer.status_code == 200, answer.text
    assert str(number) in answer.text
    return number


@pytest.mark.timeout(900)
def test_two_hundred_turns_one_after_the_other(leaves_nothing):
    for number in range(200):
        ask(leaves_nothing, number)


def test_twenty_turns_at_once(leaves_nothing):
    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(lambda number: ask(leaves_nothing, number), range(20))) == list(range(20))
