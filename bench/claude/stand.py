"""The programs under the bench: simulator and proxies, each with a built environment, on loopback and free ports."""

import hashlib
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

KEY = "bench-key"
PATIENCE_S = 30
REST_PATIENCE_S = 5
# At rest is who uses less than a tenth of a core for so long.
REST_S = 0.2
RESTING_TICKS = 2
# As the proxy gives them to the program: nothing but the turn goes upstream, and errors are not tried again.
QUIET = {
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_MAX_RETRIES": "0",
}


def get(url):
    request = urllib.request.Request(url, headers={"x-api-key": KEY})
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return answer.read().decode()


class Simulator:
    """The Messages API on loopback."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True, env={})
        self.url = self.process.stdout.readline().strip()
        self.seen = 0

    def arrived(self):
        """The turns that arrived since the last call."""
        requests = json.loads(get(f"{self.url}/__sim/requests?after={self.seen}"))
        self.seen = max([self.seen] + [request["id"] for request in requests])
        return [request for request in requests if request["path"] == "/v1/messages"]

    def close(self):
        end(self.process)


class Proxy:
    """The release binary over the real program, whose Messages API is the simulator."""

    def __init__(self, program, claude, upstream, settings=None):
        self.home = tempfile.TemporaryDirectory(prefix="bench-")
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": self.home.name,
            "TMPDIR": self.home.name,
            "ANTHROPIC_API_KEY": KEY,
            "CCP_CLAUDE__BACKEND": "claude-code",
            "CCP_CLAUDE_CODE__PATH": claude,
            "CCP_CLAUDE_CODE__BASE_URL": upstream,
            "CCP_CLAUDE_CODE__CREDENTIALS": "api_key",
            # A key, because in a container nobody is a caller of this machine.
            "CCP_AUTH__API_KEYS": json.dumps([f"sha256:{hashlib.sha256(KEY.encode()).hexdigest()}"]),
            "CCP_DATA_DIR": f"{self.home.name}/data",
            "CCP_LOGGING__LEVEL": "WARNING",
            **(settings or {}),
        }
        self.log = Path(self.home.name, "log").open("w+")
        self.process = subprocess.Popen(
            [program, "--host", "127.0.0.1", "--port", "0"],
            env=environment, cwd=self.home.name, stdout=self.log, stderr=self.log,
        )
        self.port = self._port()

    def _port(self):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(r"localhost:(\d+)", Path(self.log.name).read_text())
            if found and self._is_ready(found[1]):
                return int(found[1])
            time.sleep(0.01)
        raise RuntimeError(f"the proxy did not start:\n{Path(self.log.name).read_text()}")

    @staticmethod
    def _is_ready(port):
        try:
            get(f"http://127.0.0.1:{port}/health/ready")
        except (urllib.error.URLError, ConnectionError):
            return False
        return True

    def processes(self):
        """The programs by state."""
        metrics = get(f"http://127.0.0.1:{self.port}/metrics")
        found = re.findall(r'^ccp_claude_processes\{.*state="(\w+)".*\} (\d+)', metrics, re.MULTILINE)
        return {state: int(count) for state, count in found}

    def settle(self):
        """Waits for a spare and until no program works: one that starts takes a core for half a second. Tells whether
        there is a spare."""
        deadline = time.monotonic() + REST_PATIENCE_S
        while time.monotonic() < deadline:
            used = processor_ticks(self.process.pid)
            time.sleep(REST_S)
            if processor_ticks(self.process.pid) - used <= RESTING_TICKS and self.processes().get("spare"):
                return True
        return False

    def close(self):
        end(self.process)
        self.log.close()
        self.home.cleanup()


def processor_ticks(root):
    """The processor time that a process and its descendants have used, in hundredths of a second."""
    parents, ticks = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        pid = int(path.parent.name)
        parents[pid], ticks[pid] = int(fields[1]), int(fields[11]) + int(fields[12])

    def descends(pid):
        while pid and pid != root:
            pid = parents.get(pid, 0)
        return pid == root

    return sum(used for pid, used in ticks.items() if descends(pid))


def end(process):
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def version(program):
    """What the program says of itself, asked without anybody's settings."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "PATH": os.defpath, **QUIET}
        asked = subprocess.run([program, "--version"], env=environment, capture_output=True, text=True, check=True)
    return asked.stdout.strip()
