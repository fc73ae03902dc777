"""Every test here drives the real Claude Code, through the program and over HTTP, in each dialect."""

import pytest
from support.dialects import DIALECTS


@pytest.fixture(params=DIALECTS, ids=lambda dialect: dialect.name)
def dialect(request):
    return request.param


@pytest.fixture
def client(over_claude):
    """A plain HTTP client of the usual proxy."""
    with over_claude.http() as client:
        yield client
