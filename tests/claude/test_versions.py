"""Which versions of Claude Code are driven: too old ones are refused by name, newer than tested ones warned of."""

import subprocess

import pytest
from support import eventually
from support.dialects import DIALECTS
from support.processes import children
from support.programs import claude_binary, clean_environment, proxy_binary


def telling(folder, version):
    """The real program, which tells another version."""
    program = folder / "claude"
    told = f'echo "{version} (Claude Code)"'
    program.write_text(f'#!/bin/sh\ncase "$*" in *--version*) {told} ;; *) exec {claude_binary()} "$@" ;; esac\n')
    program.chmod(0o755)
    return {"claude_code": {"path": str(program)}}


def test_one_that_is_too_old_is_refused_by_name(start, simulator, tmp_path):
    proxy = start("claude-code", config=telling(tmp_path, "2.1.247"), wait=False)
    with proxy.http() as client:
        reason = eventually(
            lambda: "2.1.247" in (told := client.get("/health/ready").text) and told, within=20, what="the reason"
        )
        assert "too old" in reason and "2.1.248" in reason and "claude update" in reason
        assert client.get("/health/ready").status_code == 503
        for dialect in DIALECTS:
            answer = client.post(dialect.path, json=dialect.body("hi"))
            assert answer.status_code == 500
            assert "2.1.247 is too old" in dialect.error(answer.json())[1]
    assert simulator.requests() == [] and children(proxy.pid) == []


def warnings(proxy):
    return [entry for entry in proxy.log() if entry["level"] == "WARN" and "newer than tested" in entry["message"]]


@pytest.mark.parametrize(("version", "warned"), [("3.0.0", True), ("2.9.0", False)])
def test_a_newer_major_than_tested_serves_with_a_warning(start, tmp_path, version, warned):
    proxy = start("claude-code", config=telling(tmp_path, version))
    with proxy.http() as client:
        for dialect in DIALECTS:
            assert client.post(dialect.path, json=dialect.body("hi")).status_code == 200
    assert [entry["version"] for entry in warnings(proxy)] == [version] * warned


@pytest.mark.parametrize(
    ("version", "code", "says"),
    [("2.1.247", 1, "2.1.247 is too old"), ("3.0.0", 0, "a newer major version than the tested")],
)
def test_doctor_says_so_too(tmp_path, version, code, says):
    path = telling(tmp_path, version)["claude_code"]["path"]
    environment = clean_environment(tmp_path, ANTHROPIC_API_KEY="test-key", CCP_CLAUDE_CODE__PATH=path)
    command = [proxy_binary(), "doctor", "--backend", "claude-code", "--no-request", "--no-drift"]
    told = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (told.returncode, says in told.stdout) == (code, True), told.stdout
