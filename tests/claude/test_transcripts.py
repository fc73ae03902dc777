"""A transcript holds a whole conversation: it is nobody's but the owner's, and not even a killed server leaves one."""

import os
import shutil
import stat
import tempfile
import threading
from pathlib import Path

import httpx
import pytest
from support import Proxy, claude_binary, eventually
from support.dialects import ANTHROPIC

HISTORY = [
    {"role": "user", "content": "The password is swordfish."},
    {"role": "assistant", "content": "I see."},
    {"role": "user", "content": "What is it?"},
]


@pytest.fixture
def tmp():
    """A temporary directory with a short name, for several servers one after the other."""
    made = Path(tempfile.mkdtemp(prefix="ccp-"))
    yield made
    shutil.rmtree(made)


def changed(folder, name, script):
    """Claude Code, but for what it does when it is to resume a conversation."""
    program = folder / name
    program.write_text(f'#!/bin/sh\ncase "$*" in *--resume=*) {script};; esac\nexec {claude_binary()} "$@"\n')
    program.chmod(0o755)
    return program


def proxy_with(simulator, tmp, program):
    section = {"path": str(program), "resume_from_turns": 1}
    return Proxy("claude-code", simulator.url, config={"claude_code": section}, env={"TMPDIR": str(tmp)})


def transcripts(tmp):
    return [Path(folder) / name for folder, _, names in os.walk(tmp) for name in names if name == "transcript.jsonl"]


def ask(proxy):
    with proxy.http() as client:
        return client.post(ANTHROPIC.path, json=ANTHROPIC.body("", messages=HISTORY))


def ask_in_vain(proxy):
    with pytest.raises(httpx.HTTPError):
        ask(proxy)


def test_a_killed_server_leaves_a_transcript_only_until_the_next_one_starts(simulator, tmp):
    server = proxy_with(simulator, tmp, changed(tmp, "stuck", "exec sleep 300"))
    asking = threading.Thread(target=ask_in_vain, args=(server,))
    asking.start()
    try:
        (transcript,) = eventually(lambda: transcripts(tmp), within=30, what="the transcript")
        eventually(lambda: "swordfish" in transcript.read_text(), within=10, what="its content")
        private = [stat.S_IMODE(path.stat().st_mode) for path in (transcript, transcript.parent, transcript.parent.parent)]
        assert private == [0o600, 0o700, 0o700]
    finally:
        server.kill()
        asking.join()
    assert transcript.exists()
    with proxy_with(simulator, tmp, claude_binary()) as proxy:
        eventually(lambda: not transcripts(tmp), within=30, what="the end of the transcript")
        assert ask(proxy).status_code == 200
        assert not transcripts(tmp)


def test_a_conversation_that_can_not_be_resumed_is_told_all_the_same_and_the_log_says_so(simulator, tmp):
    with proxy_with(simulator, tmp, changed(tmp, "lost", "rm ../transcript.jsonl")) as proxy:
        answer = ask(proxy)
        assert answer.status_code == 200, answer.text
        assert len(simulator.conversation()["messages"]) == len(HISTORY)
        (warning,) = [line for line in proxy.log() if "could not be resumed" in line.get("message", "")]
        assert warning["level"] == "WARN" and "swordfish" not in proxy.stdout() + proxy.stderr()
