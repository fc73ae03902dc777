"""The proxy as a program: started as a user would start it, in a home of its own."""

import glob
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import httpx

from .programs import claude_binary, clean_environment, proxy_binary
from .waiting import eventually

BACKENDS = ["anthropic", "claude-code"]
# What callers show. Configured, because without one a server in a container lets nobody in.
KEY = "ccp_the_key_of_the_tests"


# For `config`: programs are started ahead, wait for their conversation and are as many as the product has it.
USUAL_PROCESSES = {"claude_code": dict.fromkeys(("max_processes", "min_idle", "max_idle", "idle_time"))}


def _merged(base, over):
    """`over` wins; sections are merged, lists and values replaced. None is the product's default."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    merged = base | {name: _merged(base.get(name), value) for name, value in over.items()}
    return {name: value for name, value in merged.items() if value is not None}


def _usual_config(backend, upstream):
    config = {
        "server": {"host": "127.0.0.1", "port": 0, "drain_timeout": 5},
        "claude": {"backend": backend},
        "auth": {"api_keys": ["sha256:" + hashlib.sha256(KEY.encode()).hexdigest()]},
    }
    if backend == "anthropic":
        config["anthropic"] = {"base_url": upstream}
    else:
        # Less at once than usual: the programs of a test share two cores with it.
        section = {"credentials": "api_key", "base_url": upstream, "max_processes": 8, "queue_timeout": 240}
        # One process for each turn, unless a test is about those that wait: then what runs is what was asked for.
        section |= {"min_idle": 0, "max_idle": 0, "idle_time": 0}
        config["claude_code"] = section | {"path": str(claude_binary())}
    return config


class Proxy:
    """A running proxy. `config` is merged over the usual config.json, `env` is added to the environment; `under` is a
    command that becomes the proxy."""

    def __init__(self, backend, upstream, config=None, env=None, wait=True, under=()):
        self.backend = backend
        # Short, because programs put sockets below it.
        self.home = Path(tempfile.mkdtemp(prefix="ccp-"))
        file = self.home / "config.json"
        file.write_text(json.dumps(_merged(_usual_config(backend, upstream), config or {})))
        self._stdout, self._stderr = (self.home / "stdout"), (self.home / "stderr")
        environment = clean_environment(self.home, ANTHROPIC_API_KEY="sk-ant-the-dummy-of-the-tests")
        self._environment = {name: value for name, value in (environment | (env or {})).items() if value is not None}
        self._under = under
        self._launch(wait)

    def _launch(self, wait=True):
        with self._stdout.open("wb") as stdout, self._stderr.open("wb") as stderr:
            self.process = subprocess.Popen(
                [*self._under, proxy_binary()],
                cwd=self.home,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
        self.pid = self.process.pid
        try:
            port = eventually(self._port, within=20, what="the banner of the proxy")
            self.url = f"http://127.0.0.1:{port}"
            if wait:
                eventually(self.is_ready, within=30, what="readiness")
        except BaseException:
            self.kill()
            raise

    def die_and_come_back(self, meanwhile=lambda: None):
        """SIGKILL, as a power cut or the kernel would; then it is started anew in the same home, at another port."""
        self.process.kill()
        self.process.wait()
        meanwhile()
        self._launch()

    def _port(self):
        assert self.process.poll() is None, f"the proxy ended at once:\n{self.stderr()}"
        said = re.search(r"Anthropic API +http://\S+:(\d+)", self.stderr())
        return said and said[1]

    def is_ready(self):
        return httpx.get(f"{self.url}/health/ready", timeout=5, trust_env=False).status_code == 200

    @property
    def data_dir(self):
        """What survives its end."""
        return self.home / ".local/share/claude-code-proxy"

    def stderr(self):
        return self._stderr.read_text(errors="replace")

    def stdout(self):
        return self._stdout.read_text(errors="replace")

    def log(self, message=None):
        """The log's lines as objects; only those with this message if one is given."""
        entries = [json.loads(line) for line in self.stdout().splitlines()]
        return [entry for entry in entries if message is None or entry.get("message") == message]

    def http(self, **options):
        """A plain HTTP client that shows the key."""
        headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"} | options.pop("headers", {})
        return httpx.Client(base_url=self.url, headers=headers, **({"timeout": 60, "trust_env": False} | options))

    def scratch(self):
        """What the proxy and its children have on disk for the time being: while it runs, its folder and the record of
        it. The folder around those belongs to all proxies of a user and stays."""
        # Unlike Path.rglob, it does not mind that things vanish under its eyes.
        tree = os.walk(self.home / "tmp")
        found = sorted(os.path.join(folder, name) for folder, folders, files in tree for name in folders + files)
        return [path for path in found if path != str(self.home / f"tmp/claude-code-proxy-{os.getuid()}")]

    def stop(self, within=20):
        """Stops it as an operator would; it must end well."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(within)
            assert code == 0, f"exit code {code}:\n{self.stderr()}"
        finally:
            self.kill()

    def kill(self):
        """The last resort, and the end of its home."""
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, failed, *_):
        self.kill() if failed else self.stop()


def outside():
    """Where Claude Code leaves things when its own temporary directory does not suit it. Other proxies of this machine,
    whose temporary directory is /tmp, come and go."""
    found = glob.glob("/tmp/claude*") + glob.glob("/tmp/.claude*")
    return {path for path in found if not path.startswith("/tmp/claude-code-proxy-")}
