"""The official library's clients in the forms that it has for the clouds; and two upstreams, `a` and `b`, with a proxy in front
of them."""

import tempfile

import pytest
from support.programs import forget_the_user

forget_the_user()

from anthropic import AnthropicBedrock, AnthropicVertex  # noqa: E402
from support import KEY, Proxy, Simulator  # noqa: E402
from support.gateway import config_over  # noqa: E402

USUAL = {"max_retries": 0, "timeout": 120}


def bedrock_client(url):
    """Set up for Bedrock, with this server's key where AWS's would be."""
    client = AnthropicBedrock(base_url=url, api_key=KEY, aws_region="us-east-1", **USUAL)
    client.model = "us.anthropic.claude-sonnet-5-5"
    return client


def vertex_client(url):
    """Set up for Vertex AI, with this server's key where Google's token would be."""
    client = AnthropicVertex(base_url=f"{url}/v1", access_token=KEY, project_id="mine", region="global", **USUAL)
    client.model = "claude-sonnet-5-5"
    return client


@pytest.fixture
def vertex(proxy):
    with vertex_client(proxy.url) as client:
        yield client


@pytest.fixture(params=[bedrock_client, vertex_client], ids=["bedrock", "vertex"])
def cloud(request, proxy):
    """The client of either cloud; `model` is what that calls the model."""
    with request.param(proxy.url) as client:
        yield client

@pytest.fixture
def upstreams():
    """Two simulators of the test's own, which may die in it."""
    with tempfile.TemporaryDirectory(prefix="ccp-") as home:
        both = Simulator(home), Simulator(home)
        yield both
        for simulator in both:
            simulator.stop()


@pytest.fixture
def over_both(upstreams):
    """Starts a proxy that asks `a` and, where that can't serve, `b`; the keywords are more of the section `routing`."""
    started = []

    def over_both(**routing):
        started.append(Proxy("anthropic", upstreams[0].url, config=config_over(upstreams, **routing)))
        return started[-1]

    yield over_both
    for proxy in started:
        proxy.stop()
