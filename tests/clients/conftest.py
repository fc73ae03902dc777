"""The official Python clients as fixtures: each test runs with them over each backend.

Every proxy here is reached through a relay that keeps a copy of what passes, whatever the client; once a test is over,
each answer and each event in an OpenAI dialect is held against OpenAI's shapes.
"""

import copy

import pytest
from support.clients import anthropic_client, openai_client
from support.openai_judge import judge
from support.programs import forget_the_user
from support.relay import Relay

forget_the_user()


@pytest.fixture(scope="session")
def _relays():
    """One for each server, by its address."""
    running = {}
    yield running
    for relay in running.values():
        relay.stop()


@pytest.fixture
def witnessed(_relays):
    """Gives a proxy another address, at which all that is said is judged at the end of the test."""
    seen = []

    def witnessed(proxy):
        if proxy.url not in _relays:
            _relays[proxy.url] = Relay(proxy.url)
        seen.append(_relays[proxy.url])
        proxy.url = seen[-1].url
        return proxy

    yield witnessed
    for relay in seen:
        for exchange in relay.taken():
            try:
                judge(exchange)
            except Exception as fault:
                raise AssertionError(f"{fault}\n--- in\n{exchange}") from fault


@pytest.fixture
def proxy(proxy, witnessed):
    return witnessed(copy.copy(proxy))


@pytest.fixture
def over_api(over_api, witnessed):
    return witnessed(copy.copy(over_api))


@pytest.fixture
def over_claude(over_claude, witnessed):
    return witnessed(copy.copy(over_claude))


@pytest.fixture
def start(start, witnessed):
    return lambda backend, **options: witnessed(start(backend, **options))


@pytest.fixture
def claude(proxy):
    """Anthropic's client."""
    with anthropic_client(proxy) as client:
        yield client


@pytest.fixture
def gpt(proxy):
    """OpenAI's client."""
    with openai_client(proxy) as client:
        yield client
