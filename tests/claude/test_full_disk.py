"""Without room for a scratch directory a request is refused in its dialect; with room again the next one is served."""

import pytest
from chaos.disk import FullDisk, LostDirectory, launcher
from support import Proxy, eventually
from support.processes import children


@pytest.fixture(scope="module")
def place():
    """The proxy's disk is small where one can be mounted; else its directory is taken away."""
    under = launcher()
    return under, FullDisk if under else LostDirectory


def test_a_full_disk_is_an_error_while_it_is_full(place, simulator, dialect):
    under, fault = place
    with Proxy("claude-code", simulator.url, under=under) as proxy, proxy.http(timeout=120) as client:
        with fault(proxy):
            refused = client.post(dialect.path, json=dialect.body("Hello"))
        assert refused.status_code == 500
        assert "could not be started" in dialect.error(refused.json())[1]
        assert simulator.conversations() == []
        answer = client.post(dialect.path, json=dialect.body("Hello"))
        assert answer.status_code == 200, answer.text
        eventually(lambda: not children(proxy.pid), within=10, what="the end of the process")
