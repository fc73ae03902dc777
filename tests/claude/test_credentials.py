"""Whose account pays: exactly one credential set reaches the program, and none of it is ever shown."""

import json
import subprocess
from pathlib import Path

import pytest
from support.dialects import ANTHROPIC
from support.programs import claude_binary, clean_environment, proxy_binary

# What an operator may have lying around; each value is told apart by its name.
SETS = {
    "login": {},
    "oauth_token": {"CLAUDE_CODE_OAUTH_TOKEN": "the-oauth-token"},
    "api_key": {"ANTHROPIC_API_KEY": "the-api-key"},
    "bedrock": {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "the-aws-key-id",
        "AWS_SECRET_ACCESS_KEY": "the-aws-secret",
        "ANTHROPIC_BEDROCK_BASE_URL": "http://127.0.0.1:9",
        "CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1",
    },
    "vertex": {
        "CLOUD_ML_REGION": "us-east5",
        "ANTHROPIC_VERTEX_PROJECT_ID": "the-project",
        "ANTHROPIC_VERTEX_BASE_URL": "http://127.0.0.1:9",
        "CLAUDE_CODE_SKIP_VERTEX_AUTH": "1",
    },
}
SWITCHES = {"bedrock": {"CLAUDE_CODE_USE_BEDROCK": "1"}, "vertex": {"CLAUDE_CODE_USE_VERTEX": "1"}}
ALL = {name: value for variables in SETS.values() for name, value in variables.items()}
STRAY = {"ANTHROPIC_AUTH_TOKEN": "stray-token", "GITHUB_TOKEN": "stray-token", "HTTPS_PROXY": "http://stray-proxy"}


def watched(folder):
    """The real program, which first notes its environment and command line: the program's path, and what it noted."""
    program, noted = folder / "claude", folder / "noted"
    noted.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *stream-json*) cat /proc/$$/environ > {noted}/$$.env; cat /proc/$$/cmdline > {noted}/$$.args ;; esac\n'
        f'exec {claude_binary()} "$@"\n'
    )
    program.chmod(0o755)

    def environments():
        texts = [file.read_text().split("\0") for file in sorted(noted.glob("*.env"))]
        return [dict(line.split("=", 1) for line in text if "=" in line) for text in texts]

    return program, environments, lambda: "".join(file.read_text() for file in noted.glob("*.args"))


@pytest.mark.parametrize("chosen", SETS)
def test_only_the_chosen_set_reaches_the_program(start, tmp_path, chosen):
    program, environments, arguments = watched(tmp_path)
    folder = tmp_path / "claude-config"
    section = {"credentials": chosen, "path": str(program), "config_dir": str(folder), "env": {"MY_OWN": "mine"}}
    proxy = start("claude-code", config={"claude_code": section}, env=ALL | STRAY, wait=False)
    with proxy.http() as client:
        # Whether there is an answer is not what this is about: there is no cloud, and no login.
        client.post(ANTHROPIC.path, json=ANTHROPIC.body("hi"))
    (found,) = environments()
    paying = {name: value for name, value in found.items() if name in ALL or name.startswith("CLAUDE_CODE_USE_")}
    assert paying == SETS[chosen] | SWITCHES.get(chosen, {})
    assert not set(STRAY) & set(found)
    assert (found["CLAUDE_CONFIG_DIR"], found["MY_OWN"]) == (str(folder), "mine")
    # Bare mode never reads a login: it is for all but a Claude account.
    assert ("CLAUDE_CODE_SIMPLE" in found) == (chosen not in ("login", "oauth_token"))
    assert (found["HOME"] == str(proxy.home)) == (chosen != "api_key")
    said = proxy.stdout() + proxy.stderr() + arguments()
    assert not [value for value in ALL.values() if value.startswith("the-") and value in said]


def doctor(home, program, chosen, *flags):
    environment = clean_environment(
        home,
        CCP_CLAUDE_CODE__PATH=str(program),
        CCP_CLAUDE_CODE__CREDENTIALS=chosen,
        CCP_CLAUDE_CODE__CONFIG_DIR=str(Path(home) / "own-config"),
        CCP_CLAUDE_CODE__ENV=json.dumps({"HTTPS_PROXY": "http://me:the-proxy-password@proxy:1"}),
        **ALL,
    )
    command = [proxy_binary(), "doctor", "--backend", "claude-code", "--no-request", "--no-drift", *flags]
    return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("chosen", SETS)
def test_doctor_names_the_set_and_shows_none_of_it(tmp_path, chosen):
    told = doctor(tmp_path, claude_binary(), chosen)
    said = told.stdout + told.stderr
    (line,) = [line for line in told.stdout.splitlines() if " environment " in line]
    assert all(f"{name}=…" in line for name in SETS[chosen]), line
    assert not [name for name in ALL if name not in SETS[chosen] and name in line]
    assert f"CLAUDE_CONFIG_DIR={tmp_path}/own-config" in line and "HTTPS_PROXY=…" in line
    hidden = [value for value in ALL.values() if value.startswith("the-")] + ["the-proxy-password"]
    assert not [value for value in hidden if value in said], said


@pytest.mark.parametrize("chosen", ["login", "oauth_token"])
@pytest.mark.parametrize("auth", [{"open": True}, {"api_keys": ["sha256:" + "0" * 64, "sha256:" + "1" * 64]}])
def test_a_claude_account_serves_its_operator_alone(start, chosen, auth):
    with pytest.raises(AssertionError, match="Terms"):
        start("claude-code", config={"claude_code": {"credentials": chosen}, "auth": auth}, env=ALL)


@pytest.mark.parametrize("chosen", ["api_key", "bedrock", "vertex"])
def test_a_metered_account_may_serve_many(start, chosen):
    keys = {"auth": {"api_keys": ["sha256:" + "0" * 64, "sha256:" + "1" * 64]}}
    start("claude-code", config={"claude_code": {"credentials": chosen}} | keys, env=ALL, wait=False)


def test_who_pays_is_not_the_environment_sections_to_say(start):
    for name in ("ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CONFIG_DIR"):
        with pytest.raises(AssertionError, match=name):
            start("claude-code", config={"claude_code": {"env": {name: "x"}}})
