"""The configuration is changed while the server runs: as a whole or not at all, and no request notices."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

from support import eventually, turn
from support.dialects import ANTHROPIC, OPENAI
from support.gateway import change
from support.streams import events

IN_FORCE = "another configuration is in force"
REFUSED = "the configuration is refused; the earlier one stays in force"


def hang_up(proxy):
    """Asks the proxy to read its configuration again, and waits until it has."""
    before = len(proxy.log(IN_FORCE)) + len(proxy.log(REFUSED))
    proxy.process.send_signal(signal.SIGHUP)
    eventually(lambda: len(proxy.log(IN_FORCE)) + len(proxy.log(REFUSED)) > before, within=10, what="the reload")


def served_by(proxy):
    with proxy.http() as http:
        response = http.post(ANTHROPIC.path, json=ANTHROPIC.body("hi"))
        assert response.status_code == 200, response.text
        return response.headers["x-backend"]


def routed_to(name):
    return {"routes": [{"models": ["*"], "targets": [name]}]}


def test_reloading_under_load_drops_nothing(over_both, upstreams):
    proxy = over_both()
    stop = time.monotonic() + 8

    def client(number):
        served = []
        with proxy.http() as http:
            while time.monotonic() < stop:
                body = ANTHROPIC.body(f"client {number} [[sim n=20 gap=10]]", stream=True)
                with http.stream("POST", ANTHROPIC.path, json=body) as response:
                    names = [name for name, _ in events(response)]
                    assert response.status_code == 200 and names[-1] == "message_stop", names[-3:]
                    served.append(response.headers["x-backend"])
        return served

    with ThreadPoolExecutor(32) as pool:
        running = [pool.submit(client, number) for number in range(32)]
        changes = 0
        while time.monotonic() < stop - 0.5:
            change(proxy, routing=routed_to("ba"[changes % 2]), claude={"max_tokens": 100 + changes})
            hang_up(proxy)
            changes += 1
            time.sleep(0.2)
        served = [backend for one in running for backend in one.result(timeout=120)]
    assert changes >= 5 and set(served) == {"a", "b"}
    assert proxy.log(REFUSED) == []
    for name, simulator in zip("ab", upstreams):
        requests = simulator.conversations()
        assert len(requests) == served.count(name)
        assert {request["ended"] for request in requests} == {"complete"}


def test_a_stream_keeps_the_backend_that_the_configuration_has_no_more(over_both, upstreams):
    a, b = upstreams
    proxy = over_both()
    a.script(turn("one ", "hold", "two"))
    with proxy.http() as http, http.stream("POST", ANTHROPIC.path, json=ANTHROPIC.body("hi", stream=True)) as response:
        passing = events(response)
        next(passing)
        change(proxy, backends={"a": None}, routing=routed_to("b"))
        hang_up(proxy)
        assert served_by(proxy) == "b"
        a.release()
        assert [name for name, _ in passing][-1] == "message_stop"
    eventually(lambda: proxy.log("shut down: the configuration has it no more"), within=5)


def test_a_file_that_is_no_configuration_changes_nothing(over_both):
    proxy = over_both()
    file = proxy.home / "config.json"
    good = file.read_text()
    for broken, reason in [
        ("no configuration at all", "no valid JSON"),
        (good[: len(good) // 2], "no valid JSON"),
        (good.replace('"targets": ["a", "b"]', '"targets": ["c"]'), "routing.routes[0].targets[0]: `c` is no backend"),
        (good.replace('"routing"', '"ruoting"'), "ruoting: unknown key; did you mean `routing`?"),
        (good.replace('"sim-key"', '"env:NOT_THERE"'), "backends.a.api_key: the environment variable `NOT_THERE`"),
    ]:
        file.write_text(broken)
        hang_up(proxy)
        assert reason in proxy.log(REFUSED)[-1]["error"]
        assert served_by(proxy) == "a"
    assert proxy.log(IN_FORCE) == []
    file.write_text(good.replace('"targets": ["a", "b"]', '"targets": ["b"]'))
    hang_up(proxy)
    assert served_by(proxy) == "b"


def test_a_changed_file_is_noticed_by_itself(start, simulator):
    proxy = start("anthropic", config={"claude": {"max_tokens": 77}})

    def asked_for():
        with proxy.http() as client:
            body = OPENAI.body("hi")
            del body["max_tokens"]
            assert client.post(OPENAI.path, json=body).status_code == 200
        return simulator.conversations()[-1]["json"]["max_tokens"]

    assert asked_for() == 77
    change(proxy, claude={"max_tokens": 78})
    eventually(lambda: asked_for() == 78, within=10, what="the change", every=0.2)
    (proxy.home / "config.json").write_text("no configuration at all")
    eventually(lambda: proxy.log(REFUSED), within=10, what="the refusal")
    assert asked_for() == 78


def test_what_needs_a_restart_is_named_and_what_a_backend_has_learned_stays(over_both, upstreams):
    a, _ = upstreams
    proxy = over_both(breaker_pause=60, breaker_failures=2)
    a.script({"http_error": {"status": 500}, "times": 2})
    assert [served_by(proxy) for _ in range(3)] == ["b"] * 3
    change(proxy, server={"port": 1, "max_body_bytes": 2000}, openai={"store_days": 3})
    hang_up(proxy)
    (kept,) = proxy.log("these changes need a restart; they are not in force")
    assert kept["keys"] == "server.port, openai.store_days"
    with proxy.http() as http:
        assert http.get("/health").json()["backends"]["a"]["breaker"] == "open"
        assert http.post(ANTHROPIC.path, json=ANTHROPIC.body("x" * 3000)).status_code == 413
        assert "ccp_attempts_total" in http.get("/metrics").text
    assert served_by(proxy) == "b"
