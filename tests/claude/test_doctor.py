"""`doctor` drives the installed program against its own simulator and names what does not hold."""

import subprocess

import pytest
from support.programs import claude_binary, proxy_binary

PROXY, CLAUDE = proxy_binary(), claude_binary()
CREDENTIALS = {"key": {"ANTHROPIC_API_KEY": "test-key"}, "account": {"CLAUDE_CODE_OAUTH_TOKEN": "test-token"}}
CHECKS = ["plain turn", "verbatim text", "fed history", "long history", "next turn", "tool call", "warm start"]


def doctor(home, claude, *flags, credentials="key"):
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": str(home),
        "CCP_CLAUDE_CODE__PATH": str(claude),
        **CREDENTIALS[credentials],
    }
    command = [PROXY, "doctor", "--backend", "claude-code", "--no-request", *flags]
    return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=240)


def lines(told, mark):
    return [line for line in told.stdout.splitlines() if line.startswith(mark)]


@pytest.mark.parametrize("credentials", CREDENTIALS)
def test_every_promise_of_the_pinned_program_holds(tmp_path, credentials):
    told = doctor(tmp_path, CLAUDE, credentials=credentials)
    assert told.returncode == 0, told.stdout + told.stderr
    for check in CHECKS + (["account limits"] if credentials == "account" else []):
        assert any(check in line for line in lines(told, "ok")), f"{check}: {told.stdout}"


def test_a_program_that_takes_no_transcript_is_told_on(tmp_path):
    """The history is fed to it instead, so that callers notice nothing: only here it is said."""
    drifted = tmp_path / "claude"
    drifted.write_text(f'#!/bin/sh\ncase "$*" in *--resume=*) rm ../transcript.jsonl;; esac\nexec {CLAUDE} "$@"\n')
    drifted.chmod(0o755)
    told = doctor(tmp_path, drifted)
    assert told.returncode == 1
    (failed,) = lines(told, "failed")
    assert "long history" in failed and "it was fed instead of resumed" in failed


def test_a_program_that_reads_files_named_in_prompts_is_told_on(tmp_path):
    """One that does not know the mark which makes a prompt mere text."""
    drifted = tmp_path / "claude"
    drifted.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *stream-json*) ;; *) exec {CLAUDE} "$@" ;; esac\n'
        f"""sed -u 's/"client_composed":true/"client_composed":false/' | {CLAUDE} "$@"\n"""
    )
    drifted.chmod(0o755)
    told = doctor(tmp_path, drifted)
    assert told.returncode == 1
    failed = lines(told, "failed")
    assert any("verbatim text" in line and "with Claude Code" in line for line in failed), told.stdout
    assert "something has to be mended" in told.stdout


def test_the_drive_can_be_left_out(tmp_path):
    told = doctor(tmp_path, CLAUDE, "--no-drift")
    assert told.returncode == 0, told.stdout
    assert not any(check in told.stdout for check in CHECKS)
