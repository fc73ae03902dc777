"""What two requests share of a process: the command line but for the model, and nothing else."""

from pathlib import Path

from support import eventually, turn
from support.dialects import ANTHROPIC, OPENAI
from support.processes import children, only_child

VARIED = [
    (ANTHROPIC, {"model": "claude-sonnet-5-5", "system": "one"}),
    (
        ANTHROPIC,
        {"model": "claude-sonnet-5-5", "temperature": None, "stop_sequences": ["--tools=Bash"], "x": "--cwd=/"},
    ),
    (OPENAI, {"model": "claude-opus-5-5", "user": "--permission-mode=bypassPermissions"}),
]


def seen_while_held(proxy, simulator, dialect, fields):
    """The pid, command line, directory and variables' names of the process that serves one request."""
    simulator.script(turn("hold", "Yes."))
    body = {name: value for name, value in dialect.body("hi", stream=True, **fields).items() if value is not None}
    with proxy.http() as client, client.stream("POST", dialect.path, json=body) as response:
        eventually(simulator.active, within=20, what="the call upstream")
        pid = only_child(proxy.pid)
        command_line = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        variables = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
        folder = Path(f"/proc/{pid}/cwd").resolve()
        seen = (pid, command_line, {variable.split("=")[0] for variable in variables}, list(folder.iterdir()), folder)
        simulator.release()
        assert response.status_code == 200, response.read()
        response.read()
    eventually(lambda: not children(proxy.pid), within=5, what="the end of the process")
    return seen


def test_requests_differ_in_the_model_alone_and_never_share_a_process(start, simulator):
    proxy = start("claude-code")
    seen = [seen_while_held(proxy, simulator, dialect, fields) for dialect, fields in VARIED]
    pids, command_lines, variables, contents, folders = zip(*seen, strict=True)
    assert len(set(pids)) == len(set(folders)) == len(VARIED)
    assert all(content == [] for content in contents)
    assert variables[0] == variables[1] == variables[2]
    assert command_lines[0] == command_lines[1]
    models = {f"--model={fields['model']}" for _, fields in VARIED}
    assert {argument for line in command_lines for argument in line} - set(command_lines[0]) <= models
