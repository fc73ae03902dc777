"""The configuration is read once: what happens to its file later changes no request of a running server."""

import json

from support import turn
from support.dialects import OPENAI


def test_a_running_server_keeps_the_configuration_it_started_with(start, simulator):
    proxy = start("anthropic", config={"claude": {"max_tokens": 77}})
    file = proxy.home / "config.json"

    def asked_for():
        simulator.script(turn("Yes."))
        with proxy.http() as client:
            body = OPENAI.body("hi")
            del body["max_tokens"]
            assert client.post(OPENAI.path, json=body).status_code == 200
        return simulator.conversations()[-1]["json"]["max_tokens"]

    assert asked_for() == 77
    changed = json.loads(file.read_text())
    changed["claude"]["max_tokens"] = 78
    file.write_text(json.dumps(changed))
    assert asked_for() == 77
    file.write_text("no configuration at all")
    assert asked_for() == 77
