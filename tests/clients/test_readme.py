"""The examples of the README run as they are written, over each backend.

`<!-- run -->` in the line before a block marks it; `<!-- run anthropic -->` one that only this backend can serve.
"""

import re
import subprocess
import sys

import pytest
from support import BACKENDS, ROOT, Proxy
from support.programs import clean_environment, node_modules

README = ROOT / "README.md"
BLOCK = re.compile(r"^<!-- run ?([a-z-]*) -->\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = BLOCK.findall(README.read_text()) if README.exists() else []
# Written for a server on this address; run against the test's own.
ADDRESS = "http://localhost:8000"


CASES = [
    pytest.param(backend, language, example, id=f"{number}-{language}-{backend}")
    for number, (only, language, example) in enumerate(EXAMPLES, 1)
    for backend in ([only] if only else BACKENDS)
]


@pytest.fixture(scope="module")
def server(_simulator, request):
    """A proxy for the backend, kept for the examples that follow."""
    # Open, because in a container even a local caller needs a key, and the examples have none to show.
    with Proxy(request.param, _simulator.url, config={"auth": {"api_keys": [], "open": True}}) as proxy:
        yield proxy


def command_for(language, file):
    if language in ("bash", "sh", "console"):
        return ["bash", "-euo", "pipefail", file]
    if language == "python":
        return [sys.executable, "-B", file]
    if language in ("javascript", "js"):
        return ["node", file]
    raise AssertionError(f"nobody knows how to run a block of {language}")


@pytest.mark.parametrize(("server", "language", "example"), CASES, indirect=["server"])
def test_an_example_runs_as_written(server, tmp_path, language, example):
    file = tmp_path / {"python": "example.py", "javascript": "example.mjs", "js": "example.mjs"}.get(
        language, "example.sh"
    )
    file.write_text(example.replace(ADDRESS, server.url))
    # Where `npm install` would have put them for the reader.
    (tmp_path / "node_modules").symlink_to(node_modules())
    ended = subprocess.run(
        command_for(language, file),
        cwd=tmp_path,
        env=clean_environment(tmp_path, PYTHONPATH=""),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, f"{example}\n--- stdout\n{ended.stdout}\n--- stderr\n{ended.stderr}"
    assert ended.stdout.strip(), f"it shows nothing:\n{example}"
    # curl takes an error answer for a success.
    assert '"error"' not in ended.stdout, ended.stdout


def test_the_readme_has_examples_in_every_language():
    assert len(EXAMPLES) >= 4
    assert {"bash", "python", "javascript"} <= {language for _, language, _ in EXAMPLES}
    assert any("claude-3-sonnet-20240229" in example for _, _, example in EXAMPLES)


def test_every_example_names_the_address_that_is_replaced():
    for _, _, example in EXAMPLES:
        assert ADDRESS in example, example
