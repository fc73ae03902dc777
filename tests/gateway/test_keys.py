"""Keys are made, listed, revoked and rotated by the command line and by the admin API, of a server that runs on."""

import json

import httpx
import pytest
from support import KEY
from support.accounts import ADMIN_TOKEN, OPERATED, command, made_key, messages_request, operator, rows
from support.waiting import eventually


@pytest.fixture
def proxy(start):
    return start("anthropic", config=OPERATED)


def status(proxy, key, path="/v1/messages", body=None):
    body = body or messages_request("hi")
    return httpx.post(f"{proxy.url}{path}", json=body, headers={"x-api-key": key}, timeout=30, trust_env=False).status_code


def test_a_key_of_the_command_line_opens_and_is_revoked_within_a_second(proxy):
    key = command(proxy, "keys", "create", "--name", "anna").strip()
    assert key.startswith("ccp_") and len(key) == 47
    eventually(lambda: status(proxy, key) == 200, within=1, what="the key opens")
    command(proxy, "keys", "revoke", "anna")
    eventually(lambda: status(proxy, key) == 401, within=1, what="the key is revoked")
    assert status(proxy, KEY) == 200, "keys of the configuration stay"
    assert "revoked" in command(proxy, "keys", "revoke", "anna", fails=True)


def test_a_key_of_the_admin_api_opens_and_is_revoked_at_once(proxy):
    key = made_key(proxy, "anna")
    assert status(proxy, key) == 200
    with operator(proxy) as client:
        assert client.delete("/admin/keys/anna").json()["state"] == "revoked"
    assert status(proxy, key) == 401


def test_a_rotated_key_has_the_same_id_and_the_old_one_works_for_its_grace(proxy):
    made = json.loads(command(proxy, "keys", "create", "--name", "anna", "--json"))
    rotated = json.loads(command(proxy, "keys", "rotate", "anna", "--grace", "1h", "--json"))
    assert rotated["id"] == made["id"] and rotated["key"] != made["key"]
    eventually(lambda: status(proxy, rotated["key"]) == 200, within=1)
    assert status(proxy, made["key"]) == 200
    newest = command(proxy, "keys", "rotate", made["id"]).strip()
    eventually(lambda: status(proxy, newest) == 200, within=1)
    assert (status(proxy, made["key"]), status(proxy, rotated["key"])) == (401, 401)
    eventually(lambda: len(rows(proxy)) > 4, within=2)
    assert {row["key"] for row in rows(proxy) if row["key_name"] == "anna"} == {made["id"]}


def test_a_key_ends_when_it_was_said_to(proxy):
    key = command(proxy, "keys", "create", "--name", "anna", "--expires", "3s").strip()
    eventually(lambda: status(proxy, key) == 200, within=1)
    eventually(lambda: status(proxy, key) == 401, within=4, what="the end")
    assert json.loads(command(proxy, "keys", "list", "--json"))["data"][0]["state"] == "expired"


def test_a_key_may_ask_for_its_models_on_its_paths_alone(proxy, simulator):
    options = ["--models", "claude-haiku-*,claude-sonnet-5-5", "--endpoints", "/v1/messages*"]
    key = command(proxy, "keys", "create", "--name", "anna", *options).strip()
    eventually(lambda: status(proxy, key) == 200, within=1)
    other = messages_request("hi") | {"model": "claude-opus-5-5"}
    assert status(proxy, key, body=other) == 403
    count = {name: value for name, value in messages_request("hi").items() if name in ("model", "messages")}
    assert status(proxy, key, "/v1/messages/count_tokens", body=count) == 200
    assert status(proxy, key, "/v1/chat/completions") == 403
    assert len(simulator.conversations()) == 1


def test_a_key_is_shown_once_and_kept_as_a_hash(proxy):
    keys = [command(proxy, "keys", "create", "--name", "anna", "--daily-usd", "5").strip(), made_key(proxy, "ben")]
    eventually(lambda: status(proxy, keys[0]) == 200, within=1)
    told = command(proxy, "keys", "list") + command(proxy, "keys", "list", "--json") + command(proxy, "config", "print")
    with operator(proxy) as client:
        told += client.get("/admin/keys").text + client.get("/metrics").text
    told += proxy.stdout() + proxy.stderr()
    assert "anna" in told and "daily_budget_usd" in told
    kept = b"".join(path.read_bytes() for path in proxy.data_dir.iterdir() if path.is_file())
    for secret in [*keys, KEY, ADMIN_TOKEN]:
        assert secret not in told
        assert secret.encode() not in kept
    modes = {path.name: path.stat().st_mode & 0o777 for path in proxy.data_dir.iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_a_claude_login_serves_its_operator_alone(start, tmp_path):
    """Keys can't be made for others, neither way; and a server that would serve such keys does not start."""
    login = {"claude_code": {"credentials": "login"}} | OPERATED
    over_login = start("claude-code", config=login, wait=False)
    assert "Consumer Terms" in command(over_login, "keys", "create", "--name", "anna", fails=True)
    with operator(over_login) as client:
        refused = client.post("/admin/keys", json={"name": "anna"})
    assert refused.status_code == 403 and "Consumer Terms" in refused.text


def test_a_login_does_not_start_over_keys_that_were_made_before(start):
    proxy = start("anthropic", config=OPERATED)
    made_key(proxy, "anna")
    config = json.loads((proxy.home / "config.json").read_text())
    config["claude"]["backend"] = "claude-code"
    config["claude_code"] = {"credentials": "login", "path": "/bin/true"}
    (proxy.home / "config.json").write_text(json.dumps(config))
    said = command(proxy, "serve", fails=True)
    assert "Consumer Terms" in said and "keys revoke" in said


def test_a_server_whose_keys_can_not_be_read_does_not_start(proxy):
    """Without them it would let callers in who must not."""
    made_key(proxy, "anna")
    proxy.process.kill()
    proxy.process.wait()
    for file in proxy.data_dir.glob("keys.sqlite*"):
        file.write_bytes(b"nonsense" * 1000)
    assert "the keys that were issued can't be read" in command(proxy, "serve", fails=True)
