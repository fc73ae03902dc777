"""Keys, usage and many clients at once: what the tests of the gateway need to see from outside."""

import http.client
import json
import sqlite3
import subprocess
import time
from urllib.parse import urlsplit

from .programs import clean_environment, proxy_binary
from .simulator import MODEL

ADMIN_TOKEN = "the-operators-token"
OPERATED = {"admin": {"token": ADMIN_TOKEN}}


def command(proxy, *arguments, fails=False):
    """Runs `claude-code-proxy …` as the operator would beside the running server: in the same home."""
    # The server's own environment names its upstream; a command needs none but the configuration.
    environment = clean_environment(proxy.home, ANTHROPIC_API_KEY="sk-ant-the-dummy-of-the-tests")
    done = subprocess.run(
        [proxy_binary(), *arguments], cwd=proxy.home, env=environment, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode != 0) == fails, done.stderr
    return done.stderr if fails else done.stdout


def rows(proxy):
    """All rows of the ledger, as another program reads them beside the server."""
    ledger = sqlite3.connect(f"file:{proxy.data_dir / 'usage.sqlite'}?mode=ro", uri=True, timeout=10)
    ledger.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in ledger.execute("SELECT * FROM usage ORDER BY time, id")]
    finally:
        ledger.close()


def operator(proxy):
    """An HTTP client that shows the admin token."""
    client = proxy.http()
    del client.headers["x-api-key"]
    client.headers["authorization"] = f"Bearer {ADMIN_TOKEN}"
    return client


def made_key(proxy, name, **limits):
    """The text of a new key with these limits."""
    with operator(proxy) as client:
        made = client.post("/admin/keys", json={"name": name, "limits": limits})
    assert made.status_code == 201, made.text
    return made.json()["key"]


def messages_request(prompt, stream=False, max_tokens=64):
    return {
        "model": MODEL,
        "max_tokens": max_tokens,
        "stream": stream,
        "messages": [{"role": "user", "content": prompt}],
    }


def chat_request(prompt, stream=False):
    return {"model": MODEL, "stream": stream, "messages": [{"role": "user", "content": prompt}]}


def responses_request(prompt, stream=False):
    return {"model": MODEL, "stream": stream, "store": False, "input": prompt}


REQUESTS = {
    "/v1/messages": messages_request,
    "/v1/chat/completions": chat_request,
    "/v1/responses": responses_request,
}


class Caller:
    """One client with one connection: little of its own, so that hundreds fit beside the programs under test."""

    def __init__(self, url, key, timeout=60):
        self._address = urlsplit(url).netloc
        self._headers = {"x-api-key": key, "content-type": "application/json", "anthropic-version": "2023-06-01"}
        self._timeout = timeout
        self._connection = None

    def _open(self, path, body):
        self._connection = self._connection or http.client.HTTPConnection(self._address, timeout=self._timeout)
        self._connection.request("POST", path, json.dumps(body), self._headers)
        return self._connection.getresponse()

    def ask(self, path, body):
        """The status and the whole answer."""
        answer = self._open(path, body)
        return answer.status, answer.read()

    def hang_up_after(self, path, body, text):
        """Reads until the answer has said this, then closes the connection."""
        answer = self._open(path, body)
        seen = b""
        while text not in seen:
            piece = answer.read1(4096)
            if not piece:
                raise ConnectionAbortedError(seen)
            seen += piece
        self.close()

    def close(self):
        if self._connection:
            self._connection.close()
        self._connection = None


def until(deadline, *, pause):
    """Goes round until then, with a pause each time."""
    while time.monotonic() < deadline:
        yield
        time.sleep(pause)
