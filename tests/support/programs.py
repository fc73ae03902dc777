"""Where the programs under test are. One that is missing fails the tests: a skip would hide that nothing was tested."""

import os
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


def node_modules():
    path = ROOT / "tests/clients/node/node_modules"
    if not path.is_dir():
        pytest.fail(f"{path} is not there: run `make tools`", pytrace=False)
    return path


def clean_environment(home, **more):
    """All that a child process gets of this machine: where programs are. Never its login, keys or settings."""
    tmp = Path(home) / "tmp"
    tmp.mkdir(exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(tmp), **more}
