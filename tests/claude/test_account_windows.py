"""An account's usage windows are shown to its operator: in /health and /metrics, and to nobody without a key."""

import hashlib
import json
import re
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from support.programs import claude_binary, proxy_binary, simulator_binary

PROXY, SIMULATOR, CLAUDE = proxy_binary(), simulator_binary(), str(claude_binary())
KEY = "operators-own-key"


def call(url, body=None, key=None):
    headers = {"content-type": "application/json", "anthropic-version": "2023-06-01", **({"x-api-key": key} if key else {})}
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


@pytest.fixture
def simulator():
    process = subprocess.Popen([SIMULATOR], stdout=subprocess.PIPE, text=True, env={})
    yield process.stdout.readline().strip()
    process.terminate()
    process.wait()


@pytest.fixture
def proxy(simulator, tmp_path):
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "CLAUDE_CODE_OAUTH_TOKEN": "test-token",
        "CCP_CLAUDE__BACKEND": "claude-code",
        "CCP_CLAUDE_CODE__PATH": CLAUDE,
        "CCP_CLAUDE_CODE__BASE_URL": simulator,
        "CCP_AUTH__API_KEYS": json.dumps([f"sha256:{hashlib.sha256(KEY.encode()).hexdigest()}"]),
    }
    log = tmp_path / "log"
    command = [PROXY, "--host", "127.0.0.1", "--port", "0"]
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=output, stderr=output)
    yield wait_for(lambda: re.search(r"http://localhost:\d+", log.read_text()))[0]
    process.terminate()
    process.wait()


def wait_for(found):
    deadline = time.monotonic() + 20
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return result


def windows(used, status, reset):
    """The API's headers about an account's windows."""
    headers = {"status": status, "representative-claim": "five_hour", "reset": reset}
    for window, part in (("5h", used), ("7d", 0.5)):
        headers |= {f"{window}-utilization": part, f"{window}-reset": reset, f"{window}-status": status}
    return {f"anthropic-ratelimit-unified-{name}": str(value) for name, value in headers.items()}


def told(proxy):
    return json.loads(call(f"{proxy}/health", key=KEY))["backends"]["claude-code"].get("account_windows")


def test_the_operator_sees_the_windows_and_others_do_not(simulator, proxy):
    reset = int(time.time()) + 3600
    headers = windows(0.25, "allowed", reset)
    call(f"{simulator}/__sim/script", {"steps": [{"text": "fine"}], "headers": headers})
    assert told(proxy) is None
    question = {"model": "claude-sonnet-5-5", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]}
    call(f"{proxy}/v1/messages", question, KEY)

    assert wait_for(lambda: told(proxy)) == {
        "five_hour": {"utilization": 0.25, "resets_at": reset, "status": "allowed"},
        "seven_day": {"utilization": 0.5, "resets_at": reset, "status": "allowed"},
    }
    labels = r'\{backend="claude-code",window="seven_day"\}'
    metrics = call(f"{proxy}/metrics", key=KEY)
    assert re.search(rf"^ccp_account_window_utilization_ratios{labels} 0\.5$", metrics, re.MULTILINE), metrics
    assert re.search(rf"^ccp_account_window_reset_timestamp_seconds{labels} {reset}", metrics, re.MULTILINE)

    assert "account" not in call(f"{proxy}/health")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        call(f"{proxy}/metrics")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions"])
def test_a_window_that_is_used_up_is_a_429_that_says_when_it_opens_again(simulator, proxy, path, stream):
    reset = int(time.time()) + 3600
    refusal = {"http_error": {"status": 429}, "headers": windows(1, "rejected", reset), "times": 9}
    call(f"{simulator}/__sim/script", refusal)
    question = {"model": "claude-sonnet-5-5", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]}
    with pytest.raises(urllib.error.HTTPError) as refused:
        call(f"{proxy}{path}", question | {"stream": stream}, KEY)
    answer = refused.value
    assert answer.code == 429
    assert json.load(answer)["error"]["type"] == "rate_limit_error"
    assert reset - time.time() - 5 <= int(answer.headers["retry-after"]) <= 3600
    shown = wait_for(lambda: told(proxy))
    assert shown["five_hour"] == {"utilization": 1, "resets_at": reset, "status": "rejected"}
