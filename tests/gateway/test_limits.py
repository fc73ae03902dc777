"""Limits hold whatever their callers do."""

import json
import os
import threading
import time

import pytest
from support.accounts import OPERATED, Caller, made_key, messages_request, rows, until
from support.waiting import eventually

SECONDS = int(os.environ.get("GATEWAY_SECONDS", "60"))
CLIENTS = 200


class Crowd:
    """Clients that ask as often as they can, each for itself, until the time is over."""

    def __init__(self, proxy, key, body, clients, pause):
        self.began = self.ended = None
        self.statuses = []
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, args=(Caller(proxy.url, key), body, pause)) for _ in range(clients)
        ]

    def start(self, seconds):
        self._deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.start()

    def _run(self, caller, body, pause):
        for _ in until(self._deadline, pause=pause):
            began = time.monotonic()
            status, _ = caller.ask("/v1/messages", body)
            ended = time.monotonic()
            with self._lock:
                self.statuses.append(status)
                self.began = min(self.began or began, began)
                self.ended = max(self.ended or ended, ended)
        caller.close()

    def join(self):
        for thread in self._threads:
            thread.join()
        assert set(self.statuses) <= {200, 402, 429}, set(self.statuses)
        return self.statuses.count(200)

    @property
    def seconds(self):
        return self.ended - self.began


@pytest.fixture
def proxy(start):
    return start("anthropic", config=OPERATED)


def test_two_hundred_clients_stay_within_the_rates_of_their_key(proxy, simulator):
    """Requests and tokens per minute, each with 200 clients on one key at the same time."""
    per_minute, burst, tokens_per_minute = 900, 60, 60_000
    of_requests = made_key(proxy, "requests", requests_per_minute=per_minute, burst_size=burst)
    of_tokens = made_key(proxy, "tokens", tokens_per_minute=tokens_per_minute)
    request = messages_request("[[sim n=1 in=150 out=50]]", max_tokens=400)
    crowds = [Crowd(proxy, key, request, CLIENTS, pause=0.7) for key in (of_requests, of_tokens)]
    for crowd in crowds:
        crowd.start(SECONDS)
    passed, _ = [crowd.join() for crowd in crowds]
    allowed = per_minute / 60 * crowds[0].seconds + burst
    assert abs(passed - allowed) <= allowed * 0.01, (passed, allowed)
    time.sleep(1)
    used = sum(row["input"] + row["output"] for row in rows(proxy) if row["key_name"] == "tokens")
    allowed = tokens_per_minute / 60 * crowds[1].seconds + tokens_per_minute
    reservation = len(json.dumps(request)) / 4 + 400
    assert used <= allowed + reservation, (used, allowed)
    assert used >= allowed * 0.95 - reservation, (used, allowed, "what was not used is given back")


def test_no_more_requests_run_at_once_than_may(proxy, simulator):
    most = 8
    key = made_key(proxy, "few", concurrent_requests=most)
    bodies = [messages_request("[[sim n=5 gap=20]]", stream=True), messages_request("[[sim n=1 delay=60]]")]
    crowds = [Crowd(proxy, key, body, 20, pause=0.05) for body in bodies]
    for crowd in crowds:
        crowd.start(8)
    passed = sum(crowd.join() for crowd in crowds)
    eventually(lambda: simulator.active() == 0, within=5)
    changes = []
    for request in simulator.conversations():
        changes += [(request["started_ms"], 1), (request["ended_ms"], -1)]
    at_once, highest = 0, 0
    for _, change in sorted(changes):
        at_once += change
        highest = max(highest, at_once)
    assert passed > 100 and highest <= most, (passed, highest)
    assert highest == most, "the limit was reached"


def test_a_budget_is_overspent_by_no_more_than_what_was_in_flight(proxy, simulator):
    budget, price, clients = 0.1, 0.007, 16
    key = made_key(proxy, "poor", daily_budget_usd=budget)
    crowd = Crowd(proxy, key, messages_request("[[sim n=1 in=1000 out=500 delay=50]]"), clients, pause=0.01)
    crowd.start(5)
    passed = crowd.join()
    time.sleep(1)
    spent = sum(row["cost"] or 0 for row in rows(proxy) if row["key_name"] == "poor") / 1e9
    assert abs(spent - passed * price) < 1e-9
    assert budget <= spent < budget + clients * price, (spent, passed)
    assert 402 in crowd.statuses
    # It is spent for a server that was killed and came back, too.
    proxy.die_and_come_back()
    caller = Caller(proxy.url, key)
    assert caller.ask("/v1/messages", messages_request("hi"))[0] == 402
    caller.close()
    with proxy.http() as client:
        assert 'ccp_rejected_requests_total{reason="budget_spent"}' in client.get("/metrics").text
