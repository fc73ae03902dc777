"""What a caller says stays in the conversation: it is on no command line, in no environment, in no log."""

from pathlib import Path

import pytest
from support import BACKENDS, eventually, turn
from support.dialects import ANTHROPIC
from support.processes import only_child

SECRET = "the-answer-is-forty-two"


def what_the_system_shows(pid):
    return [Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace") for name in ("cmdline", "environ")]


def test_command_line_and_environment_know_the_model_alone(start, simulator):
    proxy = start("claude-code", env={"OPERATORS_OWN": "secret", "AWS_SECRET_ACCESS_KEY": "secret"})
    simulator.script(turn("hold", "Yes."))
    body = ANTHROPIC.body(SECRET, system=SECRET, stop_sequences=[SECRET], metadata={"user_id": SECRET}, stream=True)
    with proxy.http() as client, client.stream("POST", ANTHROPIC.path, json=body) as response:
        eventually(simulator.active, within=10, what="its call")
        pid = only_child(proxy.pid)
        command_line, environment = what_the_system_shows(pid)
        simulator.release()
        response.read()
    assert f"--model={body['model']}" in command_line
    assert SECRET not in command_line + environment
    assert "OPERATORS_OWN" not in environment and "AWS_SECRET" not in environment


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_log_tells_of_a_request_but_not_what_was_said(start, simulator, backend):
    key = "sk-ant-the-dummy-of-the-tests"
    proxy = start(backend, config={"logging": {"level": "TRACE"}})
    simulator.script(
        turn(f"{SECRET} indeed", usage={"input_tokens": 31, "output_tokens": 3}),
        turn(SECRET, "cut"),
        turn(http_error={"status": 400, "message": SECRET}),
    )
    with proxy.http() as client:
        statuses = [client.post(ANTHROPIC.path, json=ANTHROPIC.body(SECRET)).status_code for _ in range(3)]
        client.post(ANTHROPIC.path, content=b'{"model": "%s' % SECRET.encode())
    assert statuses[0] == 200 and statuses[2] == 400
    eventually(lambda: len(proxy.log("request")) == 4, within=2, what="a line for each request")
    first = proxy.log("request")[0]
    assert (first["status"], first["input_tokens"], first["output_tokens"]) == (200, 31, 3)
    assert (first["backend"], first["dialect"], first["endpoint"]) == (backend, "anthropic", "messages")
    said = proxy.stdout() + proxy.stderr()
    assert SECRET not in said and key not in said
