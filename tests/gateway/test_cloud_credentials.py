"""Credentials of clouds: found where the clouds' own tools leave them, and told to nobody."""

import json

import pytest
from support import MODEL, eventually
from support.dialects import ANTHROPIC
from support.programs import ask_claude

AWS = {"access_key_id": "AKIASIMULATOR0000001", "secret_access_key": "simulated/secret+of/a+key+that+lasts"}
BEARER = "bedrock-api-key-simulated"
CONTAINER_TOKEN = "simulated-container-token"


@pytest.fixture
def over(start, simulator):
    """A proxy over one backend of this kind, with these settings and what its environment has."""

    def over(kind, env=None, wait=True, **settings):
        backend = {"kind": kind, "base_url": simulator.url, "region": "us-east-1"} | settings
        config = {"claude": {"backend": None}, "anthropic": None, "backends": {"it": backend}, "logging": {"level": "debug"}}
        # The keys of a test's own environment, and nothing of a machine that it may run on.
        nothing = {"AWS_EC2_METADATA_DISABLED": "true", "ANTHROPIC_API_KEY": None}
        return start("anthropic", config=config, env=nothing | (env or {}), wait=wait)

    return over


def asked(proxy):
    with proxy.http() as client:
        return client.post(ANTHROPIC.path, json=ANTHROPIC.body("Hi"))


def works(proxy):
    response = asked(proxy)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("where", ["environment", "bearer key", "profile", "container", "machine"])
def test_bedrocks_are_found_as_awss_tools_find_them(over, simulator, tmp_path, where):
    profile = tmp_path / "credentials"
    profile.write_text("[work]\n" + "".join(f"aws_{key} = {value}\n" for key, value in AWS.items()))
    environment = {
        "environment": {f"AWS_{key.upper()}": value for key, value in AWS.items()},
        "bearer key": {"AWS_BEARER_TOKEN_BEDROCK": BEARER},
        "profile": {"AWS_SHARED_CREDENTIALS_FILE": str(profile), "AWS_PROFILE": "work"},
        "container": {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{simulator.url}/container-credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": CONTAINER_TOKEN,
        },
        "machine": {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": simulator.url},
    }
    works(over("bedrock", env=environment[where]))


@pytest.mark.parametrize("where", ["named file", "metadata server"])
def test_googles_are_found_as_its_tools_find_them(over, simulator, tmp_path, where):
    account = tmp_path / "account.json"
    account.write_text(json.dumps(simulator.service_account()))
    environment = {
        "named file": {"GOOGLE_APPLICATION_CREDENTIALS": str(account)},
        "metadata server": {"GCE_METADATA_HOST": simulator.url.removeprefix("http://")},
    }
    works(over("vertex", env=environment[where], region="global", project="simulated-project"))


def test_none_at_all_is_an_error_that_the_log_explains(over):
    # A server whose only backend has none is not ready.
    proxy = over("bedrock", wait=False)
    response = asked(proxy)
    assert (response.status_code, response.json()["error"]["type"]) == (502, "api_error")
    assert "AWS_BEARER_TOKEN_BEDROCK" not in response.text
    eventually(lambda: "no AWS credentials were found" in proxy.stdout(), within=10, what="the reason in the log")
    assert not proxy.is_ready()


def test_they_are_in_no_log_error_or_health(over, simulator):
    account = simulator.service_account()
    key = account["private_key"].splitlines()[1]
    proxies = [
        over("bedrock", **AWS),
        over("bedrock", **AWS | {"secret_access_key": "another/secret+entirely"}),
        over("bedrock", bearer_token="a-bearer-key-that-is-wrong"),
        over("vertex", region="global", credentials=json.dumps(account)),
        over("vertex", region="global", project="simulated-project", access_token="a-token-that-is-wrong"),
    ]
    secrets = [AWS["secret_access_key"], "another/secret+entirely", "bearer-key-that-is-wrong", key, "token-that-is-wrong", "ya29."]
    statuses = []
    for proxy in proxies:
        response = asked(proxy)
        statuses.append(response.status_code)
        with proxy.http() as client:
            told = [response.text, client.get("/health").text, client.get("/metrics").text, proxy.stdout(), proxy.stderr()]
        assert not [secret for secret in secrets for text in told if secret in text]
    assert statuses == [200, 502, 403, 200, 502]


CLOUDS = {
    "signed": {
        "CLAUDE_CODE_USE_BEDROCK": "1",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": AWS["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": AWS["secret_access_key"],
    },
    "bearer": {"CLAUDE_CODE_USE_BEDROCK": "1", "AWS_REGION": "us-east-1", "AWS_BEARER_TOKEN_BEDROCK": BEARER},
    "vertex": {
        "CLAUDE_CODE_USE_VERTEX": "1",
        "CLOUD_ML_REGION": "global",
        "ANTHROPIC_VERTEX_PROJECT_ID": "simulated-project",
        "CLAUDE_CODE_SKIP_VERTEX_AUTH": "1",
    },
}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_simulators_clouds_are_what_claude_code_takes_for_clouds(simulator, tmp_path, cloud):
    """Without a proxy between them: what our own signer is held against is what AWS's signer satisfies, too."""
    at = {"ANTHROPIC_BEDROCK_BASE_URL": simulator.url, "ANTHROPIC_VERTEX_BASE_URL": f"{simulator.url}/v1"}
    token = {"ANTHROPIC_AUTH_TOKEN": simulator.google_token()} if cloud == "vertex" else {}
    result = ask_claude(tmp_path, "Say hello", f"--model={MODEL}", **CLOUDS[cloud], **at, **token)
    assert (result["is_error"], "Say hello" in result["result"]) == (False, True), result
    refused = [request["path"] for request in simulator.requests() if request["status"] != 200]
    assert refused == []
