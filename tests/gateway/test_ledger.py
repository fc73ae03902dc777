"""The ledger of usage equals what the upstream says it told, to the token."""

import csv
import io
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import pytest
from support import KEY
from support.accounts import OPERATED, REQUESTS, Caller, command, operator, rows
from support.waiting import eventually

EXCHANGES = 5000
CLIENTS = 24
# The simulator remembers two thousand requests.
BATCH = 1000
# Of an answer that broke off: what `message_start` told.
TOLD_AT_START = 1


def prompt(number, hold=False):
    """Each exchange has a number of input tokens of its own, by which its row is found."""
    held = ' text="one" hold' if hold else ""
    return f"[[sim{held} n=2 in={number} out={number % 97 + 2} cache_read={number % 5}]]"


def expected(number, hung_up):
    return (number, TOLD_AT_START if hung_up else number % 97 + 2, number % 5)


class Books:
    """What the simulator has recorded, gathered before it forgets."""

    def __init__(self, simulator):
        self.simulator = simulator
        self.entries = {}

    def gather(self):
        eventually(lambda: self.simulator.active() == 0, within=60, what="the end of all exchanges")
        for request in self.simulator.conversations():
            content = request["json"]["messages"][-1]["content"]
            text = content if isinstance(content, str) else content[-1]["text"]
            self.entries[int(text.split(" in=")[1].split()[0])] = request
        self.simulator.clear()


def exchange(proxy, dice, number):
    """One exchange of any kind; some hang up in the midst of it."""
    path, kind = dice.choice(list(REQUESTS)), dice.random()
    caller = Caller(proxy.url, KEY)
    try:
        if kind < 0.1:
            caller.hang_up_after(path, REQUESTS[path](prompt(number, hold=True), stream=True), b"one")
            return "hung up"
        status, _ = caller.ask(path, REQUESTS[path](prompt(number), stream=kind < 0.5))
        return status
    except (OSError, HTTPException):
        return "cut off"
    finally:
        caller.close()


def run(proxy, numbers, seed, meanwhile=lambda number: None):
    def one(number):
        meanwhile(number)
        return exchange(proxy, random.Random(seed + number), number)

    with ThreadPoolExecutor(CLIENTS) as clients:
        return dict(zip(numbers, clients.map(one, numbers), strict=True))


def counted(row):
    return row["input"], row["output"], row["cache_read"]


def test_the_ledger_equals_the_books_of_the_upstream(start, simulator):
    """5,000 exchanges of all dialects with hang-ups, and a kill in the midst of them."""
    proxy, books, outcomes = start("anthropic", config=OPERATED), Books(simulator), {}
    killed_at, victim = [], 1000 + EXCHANGES // 2

    def kill(number):
        if number == victim:
            killed_at.append(time.time() * 1000)
            proxy.process.kill()

    for first in range(1000, 1000 + EXCHANGES, BATCH):
        outcomes |= run(proxy, range(first, first + BATCH), 7, meanwhile=kill)
        if victim in outcomes and proxy.process.poll() is not None:
            proxy.die_and_come_back(meanwhile=books.gather)
        else:
            books.gather()
    time.sleep(1)
    kept = {row["input"]: row for row in rows(proxy) if row["input"]}
    assert EXCHANGES * 0.7 < len(books.entries) < EXCHANGES, "the kill is in the midst"
    lost, wrong = [], []
    for number, request in books.entries.items():
        if number not in kept:
            lost.append(request["ended_ms"] - killed_at[0])
            continue
        hung_up = outcomes[number] == "hung up"
        row = kept[number]
        if counted(row) != expected(number, hung_up) or bool(row["estimated"]) != hung_up:
            wrong.append((number, outcomes[number], request["ended"], row))
    assert wrong == []
    print(f"{len(books.entries)} exchanges reached the upstream, {len(lost)} rows of the last second are missing")
    # What had ended more than a second before the kill is there, and so is all that came after it.
    assert all(-1000 <= age <= 1500 for age in lost), sorted(lost)
    assert set(kept) <= set(books.entries), "no row without an exchange"


def test_the_ledger_equals_the_books_when_nobody_is_killed(start, simulator):
    proxy, books = start("anthropic", config=OPERATED), Books(simulator)
    outcomes = run(proxy, range(1000, 1400), 11)
    books.gather()
    with operator(proxy) as client:
        total = client.get("/admin/usage").json()["total"]
    want = [expected(number, outcome == "hung up") for number, outcome in outcomes.items()]
    assert set(books.entries) == set(outcomes)
    assert (total["requests"], total["estimated"]) == (400, sum(outcome == "hung up" for outcome in outcomes.values()))
    got = total["input_tokens"], total["output_tokens"], total["cache_read_tokens"]
    assert got == tuple(map(sum, zip(*want, strict=True)))


@pytest.fixture
def used(start, simulator):
    """A server that has served four requests."""
    proxy = start("anthropic", config=OPERATED)
    caller = Caller(proxy.url, KEY)
    for path in [*REQUESTS, "/v1/messages"]:
        status, _ = caller.ask(path, REQUESTS[path]("[[sim n=1 in=1000 out=500]]"))
        assert status == 200
    caller.close()
    eventually(lambda: len(rows(proxy)) == 4, within=2)
    return proxy


def test_the_command_reports_beside_the_running_server(used):
    table = command(used, "usage")
    assert "4,000" in table and "2,000" in table and "$0.0280" in table, table
    told = json.loads(command(used, "usage", "--by", "model", "--since", "1h", "--json"))
    assert told["data"][0]["model"] == "claude-sonnet-5-5" and told["total"]["requests"] == 4
    lines = list(csv.DictReader(io.StringIO(command(used, "usage", "--by", "day", "--csv"))))
    assert len(lines) == 1 and lines[0]["cost_usd"] == "0.028" and lines[0]["requests"] == "4"
    assert json.loads(command(used, "usage", "--until", "1h", "--json"))["data"] == []
    assert "soon" in command(used, "usage", "--since", "soon", fails=True)


def test_command_and_admin_api_tell_the_same(used):
    with operator(used) as client:
        for by in ("key", "model", "day", "backend"):
            told = client.get("/admin/usage", params={"by": by}).json()
            assert told == json.loads(command(used, "usage", "--by", by, "--json")), by


def test_a_row_tells_all_but_what_was_said(used):
    row = rows(used)[0]
    assert (row["dialect"], row["endpoint"], row["backend"], row["status"]) == ("anthropic", "messages", "anthropic", 200)
    assert (row["ended"], row["estimated"], row["attempts"], row["cost"]) == ("complete", 0, 1, 7_000_000)
    assert row["bytes_in"] > 50 and row["bytes_out"] > 50 and row["duration"] > row["overhead"] > 0
    everything = json.dumps(rows(used))
    assert "sim n=1" not in everything and KEY not in everything


def test_the_operator_alone_sees_usage(used):
    with used.http() as client:
        assert client.get("/admin/usage").status_code == 403
    with operator(used) as client:
        assert client.get("/admin/usage").status_code == 200


def test_a_ledger_that_can_not_be_opened_keeps_nothing_from_being_served(used):
    def damage():
        for file in used.data_dir.glob("usage.sqlite*"):
            file.write_bytes(b"nonsense" * 1000)

    used.die_and_come_back(meanwhile=damage)
    caller = Caller(used.url, KEY)
    assert caller.ask("/v1/messages", REQUESTS["/v1/messages"]("hi"))[0] == 200
    caller.close()
    assert [entry for entry in used.log() if entry["level"] == "ERROR" and "usage can't be kept" in entry["message"]]
    with operator(used) as client:
        assert client.get("/admin/usage").status_code == 404
    assert (used.data_dir / "usage.sqlite").read_bytes().startswith(b"nonsense"), "it is left as it is"
