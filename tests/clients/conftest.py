"""The official Python clients as fixtures: each test runs with them over each backend."""

import pytest
from support.clients import anthropic_client, openai_client


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
