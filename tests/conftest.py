"""Fixtures of the black-box suites: one simulator for all, and a proxy for each backend."""

import tempfile

import pytest
from support import BACKENDS, Proxy, Simulator


@pytest.fixture(scope="session")
def _simulator():
    with tempfile.TemporaryDirectory(prefix="ccp-") as home:
        simulator = Simulator(home)
        yield simulator
        simulator.stop()


@pytest.fixture
def simulator(_simulator):
    """A simulator that remembers nothing of earlier tests."""
    _simulator.clear()
    return _simulator


@pytest.fixture(scope="session")
def _proxies(_simulator):
    """Started when first needed, stopped at the end: each must then end well."""
    running = {}

    def proxy(backend):
        if backend not in running:
            running[backend] = Proxy(backend, _simulator.url)
        return running[backend]

    yield proxy
    for started in running.values():
        started.stop()


@pytest.fixture(params=BACKENDS)
def proxy(request, simulator, _proxies):
    """A proxy over the simulator, once for each backend."""
    return _proxies(request.param)


@pytest.fixture
def over_api(simulator, _proxies):
    """A proxy over the Messages API alone."""
    return _proxies("anthropic")


@pytest.fixture
def over_claude(simulator, _proxies):
    """A proxy over Claude Code alone."""
    return _proxies("claude-code")


@pytest.fixture
def start(simulator):
    """Starts a proxy of the test's own: `start("anthropic", config={…})`. It must end well too."""
    started = []

    def start(backend, **options):
        started.append(Proxy(backend, simulator.url, **options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.stop()
        else:
            one.kill()
