"""The JavaScript clients: runs the tests in `node/` with Node's own runner, once for each backend."""

import subprocess

import pytest
from support import KEY
from support.programs import clean_environment, node_modules


@pytest.mark.parametrize("client", ["anthropic", "openai", "vercel"])
def test_the_javascript_client(client, proxy, simulator, tmp_path):
    folder = node_modules().parent
    environment = clean_environment(tmp_path, PROXY_URL=proxy.url, PROXY_KEY=KEY, SIMULATOR_URL=simulator.url)
    command = ["node", "--test", "--test-reporter=tap", folder / f"{client}.test.mjs"]
    ended = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    # An empty run would pass as well.
    passed = int(ended.stdout.rpartition("# pass ")[2].split()[0])
    assert passed >= 14, ended.stdout
