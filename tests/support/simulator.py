"""The simulator as a program, with its control endpoints."""

import subprocess

import httpx

from .programs import clean_environment, simulator_binary

MODEL = "claude-sonnet-5-5"


def turn(*steps, **fields):
    """A scripted answer. A step is text, or what the simulator knows: `{"pause_ms": 5}`, `"hold"`, `"cut"` …"""
    named = {"hold", "stall", "cut", "close", "end", "ping", "next_block"}
    made = [{"text": step} if isinstance(step, str) and step not in named else step for step in steps]
    return {"steps": made, **fields}


class Simulator:
    """A stand-in for the Messages API on a free port."""

    def __init__(self, home):
        command = [simulator_binary()]
        self.process = subprocess.Popen(
            command, env=clean_environment(home), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://"), "the simulator did not start"
        self._control = httpx.Client(base_url=f"{self.url}/__sim", timeout=10, trust_env=False)

    def _ask(self, method, path, **options):
        response = self._control.request(method, path, **options)
        assert response.status_code == 200, response.text
        return response.json()

    def script(self, *turns):
        """Queues answers; each serves one request, or `times` of them."""
        self._ask("POST", "/script", json=list(turns))

    def requests(self, path=None):
        """What arrived, oldest first; only for this path if one is given."""
        return self._ask("GET", f"/requests?path={path}" if path else "/requests")

    def conversations(self):
        """The requests for a message, oldest first."""
        return self.requests("/v1/messages")

    def conversation(self):
        """The body of the only request for a message."""
        (request,) = self.conversations()
        return request["json"]

    def active(self):
        """How many exchanges have not ended."""
        return self._ask("GET", "/active")["active"]

    def release(self, times=1):
        """Lets every exchange go on that waits in a `hold`, this many holds each."""
        self._ask("POST", "/release", json={"times": times})

    def service_account(self):
        """Google credentials that it takes, as their file has them."""
        return self._ask("GET", "/service-account")

    def google_token(self):
        """An access token of Google's that it takes."""
        machine = f"{self.url}/computeMetadata/v1/instance/service-accounts/default/token"
        response = httpx.get(machine, headers={"metadata-flavor": "Google"}, timeout=10, trust_env=False)
        return response.json()["access_token"]

    def clear(self):
        """Forgets scripts and requests."""
        self._ask("DELETE", "/script")
        self._ask("DELETE", "/requests")

    def stop(self):
        self._control.close()
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()
