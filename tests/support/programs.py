"""Where the programs under test are. One that is missing fails the tests: a skip would hide that nothing was tested."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"


def _program(variable, usual_place, remedy):
    path = Path(os.environ.get(variable) or usual_place)
    if not os.access(path, os.X_OK):
        pytest.fail(f"{path} is not there: run `{remedy}`", pytrace=False)
    return path


def proxy_binary():
    return _program("TEST_PROXY_BINARY", BUILT / "claude-code-proxy", "make test-clients")


def simulator_binary():
    return _program("TEST_SIMULATOR_BINARY", BUILT / "claude-simulator", "make test-clients")


def claude_binary():
    return _program("TEST_CLAUDE_BINARY", ROOT / ".tools/claude/node_modules/.bin/claude", "make tools")


def ask_claude(home, prompt, *flags, **environment):
    """What Claude Code itself prints for a prompt, as a client in `home`; it works in the folder `work` there."""
    settings = {
        "CLAUDE_CONFIG_DIR": str(home / "claude"),
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_TELEMETRY": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    folder = home / "work"
    folder.mkdir(exist_ok=True)
    ended = subprocess.run(
        [claude_binary(), "-p", prompt, "--output-format=json", *flags],
        env=clean_environment(home, **settings, **environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.stdout, ended.stderr
    return json.loads(ended.stdout)


def codex_binary():
    return _program("TEST_CODEX_BINARY", ROOT / ".tools/codex/node_modules/.bin/codex", "make tools")


def node_modules():
    path = ROOT / "tests/clients/node/node_modules"
    if not path.is_dir():
        pytest.fail(f"{path} is not there: run `make tools`", pytrace=False)
    return path


# What the clients in this process would read of this machine's user, or tell to others than the server under test.
OF_THE_USER = ("OPENAI_", "ANTHROPIC_", "LANGCHAIN_", "LANGSMITH_", "LITELLM_", "LLM_", "CLAUDE_", "CODEX_", "AWS_", "GOOGLE_", "CLOUD_ML_", "CLOUDSDK_")


def forget_the_user():
    """Takes the user's settings out of this process' environment, before a client that reads them is imported."""
    for name in list(os.environ):
        if name.startswith(OF_THE_USER) or name.lower().endswith("_proxy"):
            del os.environ[name]
    # LiteLLM would fetch its table of prices, Hugging Face's library whatever it is asked for.
    os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "HF_HUB_OFFLINE": "1"}


def clean_environment(home, **more):
    """All that a child process gets of this machine: where programs are. Never its login, keys or settings."""
    tmp = Path(home) / "tmp"
    tmp.mkdir(exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(tmp), **more}
