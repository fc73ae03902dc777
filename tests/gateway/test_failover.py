"""One of two upstreams is killed, slowed, overloaded or cut while 64 clients run. No client sees an error that the other one
could have spared it, and nobody is asked again for an answer that has begun."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest
from support import MODEL, eventually, turn
from support.dialects import ANTHROPIC
from support.streams import events

CLIENTS = 64
ROUNDS = 8
# Long enough that a machine with other things to do serves in it, short enough to be waited for.
ATTEMPT_S = 1.0


@dataclass
class Asked:
    """What one client was told."""

    text: str
    status: int
    backend: str
    attempts: int
    names: list
    began: float
    first_s: float
    torn: bool = False

    @property
    def is_whole(self):
        return self.status == 200 and self.names[-1:] == ["message_stop"]

    @property
    def has_begun(self):
        return self.status == 200 and "message_start" in self.names


def ask(client, text):
    began = time.monotonic()
    body = ANTHROPIC.body(text, stream=True)
    with client.stream("POST", ANTHROPIC.path, json=body) as response:
        told = response.headers
        asked = Asked(text, response.status_code, told.get("x-backend"), int(told.get("x-attempts", 0)), [], began, 0)
        asked.first_s = time.monotonic() - began
        try:
            asked.names += [name for name, _ in events(response)]
        except httpx.HTTPError:
            asked.torn = True
    return asked


def run_clients(proxy, meanwhile=lambda: None):
    """All that all clients were told. `meanwhile` happens when each might have been served once."""
    told = []

    def client(number):
        with proxy.http() as http:
            for round_ in range(ROUNDS):
                told.append(ask(http, f"client {number} round {round_} [[sim n=6 gap=5]]"))

    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(client, number) for number in range(CLIENTS)]
        eventually(lambda: len(told) >= CLIENTS, within=60, what="the first answers")
        meanwhile()
        for one in running:
            one.result(timeout=240)
    assert len(told) == CLIENTS * ROUNDS
    return told


def texts(simulator, **having):
    """How many times each prompt arrived, of requests whose record has these values."""
    requests = [r for r in simulator.conversations() if all(r[name] == value for name, value in having.items())]
    return Counter(request["json"]["messages"][0]["content"] for request in requests)


def check(told, a=None, b=None):
    """What holds in each case: whoever was not served had an answer that had begun; and nobody was asked twice for one."""
    for asked in told:
        assert asked.status == 200 and asked.has_begun, asked
        assert not asked.torn, "an answer that breaks off ends with an error, not with a closed connection"
    at_b = texts(b)
    assert max(at_b.values(), default=1) == 1
    assert [asked for asked in told if asked.backend == "a" and asked.text in at_b] == []
    assert {asked.text for asked in told if asked.backend == "b"} == set(at_b)
    if a:
        assert max(texts(a).values(), default=1) == 1
        served_by_a = {asked.text for asked in told if asked.backend == "a"}
        assert set(texts(a, status=200)) - served_by_a <= set(texts(a, status=200, ended="client_gone"))


def median(values):
    return sorted(values)[len(values) // 2]


@pytest.fixture
def warm(over_both):
    def warm(**routing):
        proxy = over_both(breaker_pause=30, attempt_timeout=ATTEMPT_S, **routing)
        with proxy.http() as http:
            assert ask(http, "warm up").backend == "a"
        return proxy

    return warm


def test_an_upstream_that_is_killed_is_replaced_by_the_other(warm, upstreams):
    a, b = upstreams
    proxy = warm()
    told = run_clients(proxy, lambda: (a.process.kill(), a.process.wait()))
    check(told, b=b)
    broken = [asked for asked in told if not asked.is_whole]
    assert all(asked.backend == "a" for asked in broken) and len(broken) <= CLIENTS
    assert sum(asked.backend == "b" for asked in told) >= CLIENTS
    assert sum(asked.attempts > 1 for asked in told) <= 2 * CLIENTS, "once it is known, nobody tries it"


def test_an_upstream_that_gets_slow_is_left_alone_and_latency_recovers(warm, upstreams):
    a, b = upstreams
    proxy = warm()
    a.clear()
    late = {"before": [{"pause_ms": 20_000}], "times": 0, "steps": [{"text": "late"}]}
    told = run_clients(proxy, lambda: a.script(late))
    check(told, a, b)
    assert all(asked.is_whole for asked in told)
    waited = [asked for asked in told if asked.attempts > 1]
    assert 5 <= len(waited) <= CLIENTS, "those on their way when it got slow, and no more"
    known = min(asked.began + asked.first_s for asked in waited)
    later = [asked.first_s for asked in told if asked.began > known + ATTEMPT_S / 10]
    assert len(later) >= 10 and median(later) < ATTEMPT_S / 2, sorted(later)


def test_an_upstream_that_is_overloaded_is_left_alone_and_tried_again(over_both, upstreams):
    a, b = upstreams
    proxy = over_both(breaker_pause=1)
    a.script({"http_error": {"status": 529}, "times": 0})
    told = run_clients(proxy)
    check(told, a, b)
    assert all(asked.is_whole and asked.backend == "b" for asked in told)
    seconds = max(asked.began for asked in told) - min(asked.began for asked in told)
    assert len(a.conversations()) <= CLIENTS + seconds + 2, "once it is known, one try in each pause"
    a.clear()
    with proxy.http() as http:
        eventually(lambda: ask(http, "again").backend == "a", within=10, what="that it serves again", every=0.2)


def test_an_upstream_that_breaks_off_in_the_middle_is_left_alone_and_nobody_asked_again(over_both, upstreams):
    a, b = upstreams
    proxy = over_both(breaker_pause=30)
    a.script(turn("one ", {"pause_ms": 20}, "cut", times=0))
    told = run_clients(proxy)
    check(told, a, b)
    broken = [asked for asked in told if not asked.is_whole]
    assert 5 <= len(broken) <= CLIENTS
    for asked in broken:
        assert (asked.backend, asked.attempts, asked.names[-1]) == ("a", 1, "error")


def test_an_upstream_that_asks_to_wait_is_not_asked_until_then(over_both, upstreams):
    a, b = upstreams
    proxy = over_both()
    a.script({"http_error": {"status": 429}, "headers": {"retry-after": "30"}, "times": 0})
    told = run_clients(proxy)
    check(told, a, b)
    assert all(asked.is_whole and asked.backend == "b" for asked in told)
    assert len(a.conversations()) <= CLIENTS
    b.script({"http_error": {"status": 529}, "headers": {"retry-after": "20"}})
    with proxy.http() as http:
        last = http.post(ANTHROPIC.path, json=ANTHROPIC.body("hi"))
        assert (last.status_code, last.headers["retry-after"]) == (529, "20")
        none_left = http.post(ANTHROPIC.path, json=ANTHROPIC.body("hi"))
        assert none_left.status_code == 529 and 1 <= int(none_left.headers["retry-after"]) <= 20
        assert "x-backend" not in none_left.headers


def test_the_log_says_who_served_at_which_attempt(over_both, upstreams):
    a, _ = upstreams
    proxy = over_both()
    a.script({"http_error": {"status": 503}})
    with proxy.http() as http:
        assert http.post(ANTHROPIC.path, json=ANTHROPIC.body("hi")).headers["x-attempts"] == "2"
        assert http.post(ANTHROPIC.path, json=ANTHROPIC.body("hi")).headers["x-attempts"] == "1"
    lines = eventually(lambda: len(proxy.log("request")) == 2 and proxy.log("request"), within=5)
    assert [(line["backend"], line["attempts"], line["model_served"]) for line in lines] == [
        ("b", 2, MODEL),
        ("a", 1, MODEL),
    ]
    (failed,) = proxy.log("the backend could not serve the request")
    assert (failed["backend"], failed["status"]) == ("a", 503)
