"""Built-in tools by configuration: an agent behind both APIs, whose turn is one answer, told about only to who asks, and
which does nothing that its operator did not allow."""

import json
import subprocess
import threading
from pathlib import Path

import httpx
import pytest
from support import KEY, MODEL, eventually, turn
from support.clients import anthropic_client, openai_client
from support.dialects import ANTHROPIC, DIALECTS, OPENAI
from support.processes import children
from support.programs import clean_environment, node_modules
from support.streams import events, text_of

ADMIN = "the-admin-token-of-the-tests"
EVENTS = {"x-claude-code-events": "true"}
PERMISSIONS = "/v1/claude-code/permissions"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "a.txt").write_text("hello file\n")
    return folder


@pytest.fixture
def agent(start, folder):
    def agent(**options):
        section = {"tools": ["Read", "Bash"], "working_directory": str(folder), "allowed_tools": ["Bash(sleep *)"]}
        section |= options.pop("section", {})
        config = {"claude_code": section, "admin": {"token": ADMIN}} | options
        return start("claude-code", config=config)

    return agent


def read(folder):
    return {"tool": {"name": "Read", "id": "toolu_r", "input": {"file_path": str(folder / "a.txt")}}}


def bash(command, call="toolu_b"):
    return {"tool": {"name": "Bash", "id": call, "input": {"command": command}}}


def reads_and_answers(simulator, folder):
    simulator.script(
        turn("Let me see. ", read(folder), usage={"input_tokens": 100, "output_tokens": 10}),
        turn("It says hello.", usage={"input_tokens": 200, "output_tokens": 20}),
    )


def usage(dialect, answer):
    counts = answer["usage"]
    names = ("input_tokens", "output_tokens") if dialect is ANTHROPIC else ("prompt_tokens", "completion_tokens")
    return tuple(counts[name] for name in names)


def kinds(activities):
    return [activity["kind"] for activity in activities]


class Desk:
    """An operator who answers each prompt with the next of these answers."""

    def __init__(self, proxy, *answers):
        self.prompts, self.posted = [], []
        self._answers = list(answers)
        self._client = httpx.Client(
            base_url=proxy.url, headers={"authorization": f"Bearer {ADMIN}"}, timeout=60, trust_env=False
        )
        self._listens = threading.Event()
        self._thread = threading.Thread(target=self._sit, daemon=True)
        self._thread.start()
        assert self._listens.wait(20), "the desk is not open"

    def _sit(self):
        with self._client.stream("GET", PERMISSIONS) as response:
            assert response.status_code == 200
            lines = response.iter_lines()
            assert next(lines).startswith(":")
            self._listens.set()
            name = ""
            for line in lines:
                if line.startswith("event:"):
                    name = line.partition(":")[2].strip()
                elif line.startswith("data:") and name == "permission_request":
                    self._answer(json.loads(line.partition(":")[2]))
                    if not self._answers:
                        return

    def _answer(self, prompt):
        self.prompts.append(prompt)
        answer = {"id": prompt["id"]} | self._answers.pop(0)
        self.posted.append(self._client.post(PERMISSIONS, json=answer))

    def close(self):
        self._thread.join(20)
        self._client.close()


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_two_calls_upstream_are_one_answer_and_events_are_for_who_asks(agent, simulator, folder, dialect):
    proxy = agent()
    with proxy.http() as client:
        reads_and_answers(simulator, folder)
        plain = client.post(dialect.path, json=dialect.body("Look")).json()
        reads_and_answers(simulator, folder)
        told = client.post(dialect.path, json=dialect.body("Look again"), headers=EVENTS).json()
        refused = client.post(dialect.path, json=dialect.body("Look"), headers={"x-claude-code-events": "maybe"})
    for answer in (plain, told):
        assert dialect.answer_text(answer) == "Let me see. It says hello."
        assert usage(dialect, answer) == (300, 30)
        assert "tool_use" not in json.dumps(answer.get("content", answer.get("choices")))
    assert "claude_code_events" not in plain
    assert kinds(told["claude_code_events"]) == ["tool_use", "tool_result"]
    assert told["claude_code_events"][0]["input"] == {"file_path": str(folder / "a.txt")}
    assert "hello file" in json.dumps(told["claude_code_events"][1]["content"])
    assert refused.status_code == 400
    first, second, *_ = simulator.conversations()
    assert [tool["name"] for tool in first["json"]["tools"]] == ["Bash", "Read"]
    assert "hello file" in json.dumps(second["json"]["messages"][-1])
    assert len(simulator.conversations()) == 4


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_a_stream_tells_events_beside_the_answer_only_when_asked(agent, simulator, folder, dialect):
    proxy = agent()
    streams = []
    with proxy.http() as client:
        for headers in ({}, EVENTS):
            reads_and_answers(simulator, folder)
            body = dialect.body("Look", stream=True)
            with client.stream("POST", dialect.path, json=body, headers=headers) as response:
                streams.append(list(events(response)))
    for stream in streams:
        assert "".join(text_of(data) for _, data in stream) == "Let me see. It says hello."
        assert dialect.is_good_end(stream[-1])
    assert "claude_code_event" not in json.dumps(streams[0])
    if dialect is ANTHROPIC:
        beside = [data for name, data in streams[1] if name == "claude_code_event"]
        names = [name for name, _ in streams[1]]
        assert names.count("message_start") == names.count("message_stop") == 1
        starts = [data["index"] for name, data in streams[1] if name == "content_block_start"]
        assert starts == [0, 1]
    else:
        chunks = [data for _, data in streams[1] if isinstance(data, dict)]
        beside = [chunk["claude_code_event"] for chunk in chunks if "claude_code_event" in chunk]
        assert all(chunk["id"] == chunks[0]["id"] for chunk in chunks)
    assert kinds(beside) == ["tool_use", "tool_result"]


def test_the_official_python_clients_read_streams_with_events(agent, simulator, folder):
    proxy = agent()
    messages = [{"role": "user", "content": "Look"}]
    reads_and_answers(simulator, folder)
    request = {"model": MODEL, "max_tokens": 100, "messages": messages}
    with anthropic_client(proxy, default_headers=EVENTS).messages.stream(**request) as stream:
        assert "".join(stream.text_stream) == "Let me see. It says hello."
        message = stream.get_final_message()
    assert [block.type for block in message.content] == ["text", "text"]
    assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("end_turn", 300, 30)
    reads_and_answers(simulator, folder)
    whole = anthropic_client(proxy, default_headers=EVENTS).messages.create(**request)
    assert whole.model_extra["claude_code_events"][0]["name"] == "Read"

    chat = openai_client(proxy, default_headers=EVENTS).chat.completions
    reads_and_answers(simulator, folder)
    chunks = list(chat.create(model=MODEL, messages=messages, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "Let me see. It says hello."
    told = [chunk.model_extra["claude_code_event"] for chunk in chunks if "claude_code_event" in chunk.model_extra]
    assert kinds(told) == ["tool_use", "tool_result"]
    reads_and_answers(simulator, folder)
    with chat.stream(model=MODEL, messages=messages) as stream:
        assert stream.get_final_completion().choices[0].message.content == "Let me see. It says hello."


def test_the_official_javascript_clients_read_streams_with_events(agent, simulator, folder, tmp_path):
    proxy = agent()
    for _ in range(2):
        reads_and_answers(simulator, folder)
    environment = clean_environment(tmp_path, PROXY_URL=proxy.url, PROXY_KEY=KEY, MODEL=MODEL)
    ended = subprocess.run(
        ["node", "--test", "--test-reporter=tap", node_modules().parent / "agent.test.mjs"],
        cwd=node_modules().parent, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240,
    )
    assert ended.returncode == 0 and "# pass 2" in ended.stdout, ended.stdout + ended.stderr


def test_the_operator_allows_changes_or_denies_what_a_tool_asks(agent, simulator, folder):
    proxy = agent()
    desk = Desk(
        proxy,
        {"behavior": "allow"},
        {"behavior": "allow", "updated_input": {"command": "touch changed"}},
        {"behavior": "deny", "message": "not on a Sunday"},
    )
    calls = [turn(bash(f"touch asked{n}", f"toolu_{n}")) for n in range(3)]
    simulator.script(*calls, turn("done"))
    with proxy.http() as client:
        answer = client.post(ANTHROPIC.path, json=ANTHROPIC.body("Go"), headers=EVENTS).json()
    desk.close()
    assert [posted.status_code for posted in desk.posted] == [200, 200, 200]
    assert [prompt["tool_name"] for prompt in desk.prompts] == ["Bash"] * 3
    assert [prompt["input"]["command"] for prompt in desk.prompts] == ["touch asked0", "touch asked1", "touch asked2"]
    assert sorted(file.name for file in folder.iterdir()) == ["a.txt", "asked0", "changed"]
    decisions = [told for told in answer["claude_code_events"] if told["kind"] == "permission_decision"]
    assert [decision["behavior"] for decision in decisions] == ["allow", "allow", "deny"]
    assert "not on a Sunday" in json.dumps(simulator.conversations()[-1]["json"]["messages"][-1])
    # What was asked is nowhere in the log.
    assert "touch asked" not in proxy.stdout() + proxy.stderr()


def test_what_nobody_answers_is_denied_after_the_configured_wait_and_at_once_without_a_listener(
    agent, simulator, folder
):
    proxy = agent(section={"permission_timeout": 1})
    with proxy.http() as client:

        def because():
            simulator.script(turn(bash("touch asked")), turn("done"))
            answer = client.post(ANTHROPIC.path, json=ANTHROPIC.body("Go"), headers=EVENTS).json()
            (decision,) = [told for told in answer["claude_code_events"] if told["kind"] == "permission_decision"]
            assert decision["behavior"] == "deny"
            return decision["because"]

        assert because() == "nobody_listens"
        headers = {"authorization": f"Bearer {ADMIN}"}
        with httpx.stream("GET", proxy.url + PERMISSIONS, headers=headers, timeout=60, trust_env=False) as response:
            lines = response.iter_lines()
            assert next(lines).startswith(":")
            assert because() == "no_answer"
            told = [line.partition(":")[2].strip() for line in (next(lines) for _ in range(8)) if "event:" in line]
            assert told == ["permission_request", "permission_resolved"]
    assert not (folder / "asked").exists()


def test_permissions_are_the_operators_alone(agent, start, simulator, folder):
    proxy = agent()
    other = start("claude-code", config={"claude_code": {"tools": ["Read"], "working_directory": str(folder)}})
    plain = start("claude-code", config={"admin": {"token": ADMIN}})

    def ask(proxy, key, method="GET", **options):
        headers = {"authorization": f"Bearer {key}"} if key else {}
        response = httpx.request(method, proxy.url + PERMISSIONS, headers=headers, trust_env=False, **options)
        return response.status_code, response.text

    assert ask(proxy, None)[0] == 401
    assert ask(proxy, "wrong")[0] == 401
    status, text = ask(proxy, KEY)
    assert status == 403 and "admin.token" in text
    status, text = ask(other, KEY)
    assert status == 403 and "admin.token" in text
    status, text = ask(plain, ADMIN)
    assert status == 404 and "claude_code.tools" in text
    for answer, expected, path in [
        ({"id": "perm_0", "behavior": "allow"}, 404, "id"),
        ({"id": "perm_0", "behavior": "maybe"}, 400, "behavior"),
        ({"behavior": "deny"}, 400, "id"),
        ({"id": "perm_0", "behavior": "allow", "updated_input": []}, 400, "updated_input"),
    ]:
        status, text = ask(proxy, ADMIN, "POST", json=answer)
        assert status == expected and path in text, text
    # The token is no API key.
    with httpx.Client(base_url=proxy.url, headers={"x-api-key": ADMIN}, trust_env=False) as stranger:
        assert stranger.post(ANTHROPIC.path, json=ANTHROPIC.body("Hello")).status_code == 401
    assert not simulator.conversations()


def test_the_callers_tool_and_built_in_ones_in_one_turn(agent, simulator, folder):
    proxy = agent()
    look = {"name": "look", "input_schema": {"type": "object"}}
    body = ANTHROPIC.body("Go", tools=[look])
    call = {"tool": {"name": "mcp__client__look", "id": "toolu_l", "input": {}}}
    simulator.script(
        turn("I look.", call, read(folder), usage={"input_tokens": 100, "output_tokens": 10}),
        turn("Both seen.", usage={"input_tokens": 200, "output_tokens": 20}),
    )
    with proxy.http() as client:
        first = client.post(ANTHROPIC.path, json=body).json()
        assert [block["type"] for block in first["content"]] == ["text", "tool_use"]
        assert (first["content"][1]["name"], first["stop_reason"]) == ("look", "tool_use")
        result = {"type": "tool_result", "tool_use_id": "toolu_l", "content": "a view"}
        body["messages"] += [
            {"role": "assistant", "content": first["content"]},
            {"role": "user", "content": [result]},
        ]
        second = client.post(ANTHROPIC.path, json=body).json()
    assert second["content"][0]["text"] == "Both seen."
    assert usage(ANTHROPIC, first) == (100, 10) and usage(ANTHROPIC, second) == (200, 20)
    arrived = json.dumps(simulator.conversations()[-1]["json"]["messages"])
    assert len(simulator.conversations()) == 2 and "a view" in arrived and "hello file" in arrived


FIELDS = {
    "allowed_tools": ["Bash"],
    "allowedTools": ["Bash"],
    "built_in_tools": ["Bash"],
    "claude_code": {"tools": ["Bash"], "working_directory": "/"},
    "cwd": "/",
    "permission_mode": "bypassPermissions",
    "working_directory": "/",
    "metadata": {"user_id": "--tools=Bash"},
}


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_no_request_gets_tools_that_the_configuration_does_not_give(over_claude, simulator, dialect):
    simulator.script(turn("hello", times=0))
    with over_claude.http() as client:
        for name, value in FIELDS.items():
            client.post(dialect.path, json=dialect.body("Hello", **{name: value}), headers=EVENTS)
    conversations = simulator.conversations()
    assert conversations and not any(request["json"].get("tools") for request in conversations)


def test_no_request_changes_what_the_tools_may_do(agent, simulator, folder):
    proxy = agent(section={"allowed_tools": []})
    with proxy.http() as client:
        for name, value in FIELDS.items():
            simulator.script(turn(bash("touch asked")), turn("done"))
            client.post(ANTHROPIC.path, json=ANTHROPIC.body("Go", **{name: value})).raise_for_status()
    assert not (folder / "asked").exists()
    for request in simulator.conversations():
        assert [tool["name"] for tool in request["json"]["tools"]] == ["Bash", "Read"]


def test_a_caller_who_hangs_up_ends_the_tool_that_runs(agent, simulator):
    proxy = agent()
    simulator.script(turn("I wait.", bash("sleep 613 && true")))

    def sleeps():
        lines = [Path(f"/proc/{pid}/cmdline") for pid in children(proxy.pid)]
        return [line for line in lines if line.exists() and line.read_bytes() == b"sleep\x00613\x00"]

    with proxy.http() as client:
        body = ANTHROPIC.body("Go", stream=True)
        with client.stream("POST", ANTHROPIC.path, json=body) as response:
            # Kept: when it goes, the client closes the connection.
            stream = events(response)
            next(event for event in stream if text_of(event[1]) == "I wait.")
            eventually(sleeps, within=30, what="the tool")
            (tool,) = sleeps()
    eventually(lambda: not tool.exists(), within=15, what="the end of the tool")
    eventually(lambda: not children(proxy.pid), within=15, what="the end of the program")
    assert len(simulator.conversations()) == 1


@pytest.mark.parametrize(
    ("section", "more", "said"),
    [
        ({}, {"auth": {"open": True, "api_keys": []}}, "auth.open"),
        ({"working_directory": None}, {}, "claude_code.working_directory"),
        ({"working_directory": "/nowhere/at/all"}, {}, "/nowhere/at/all"),
        ({"permission_mode": "bypassPermissions"}, {}, "claude_code.permission_mode"),
        ({"tools": ["Read", "Bsh"], "allowed_tools": []}, {}, "did you mean `Bash`"),
        ({"allowed_tools": ["Write"]}, {}, "claude_code.allowed_tools"),
    ],
)
def test_what_would_be_dangerous_or_without_effect_is_refused_at_start(start, folder, section, more, said):
    usual = {"tools": ["Read", "Bash"], "working_directory": str(folder)}
    section = {name: value for name, value in (usual | section).items() if value is not None}
    with pytest.raises(AssertionError, match="the proxy ended at once") as refused:
        start("claude-code", config={"claude_code": section} | more)
    assert said in str(refused.value)


def test_an_answer_takes_no_more_calls_than_configured(agent, simulator, folder):
    proxy = agent(section={"max_turns": 2})
    simulator.script(turn("again", read(folder), times=0))
    with proxy.http() as client:
        paused = client.post(ANTHROPIC.path, json=ANTHROPIC.body("Go"), headers=EVENTS).json()
        assert paused["stop_reason"] == "pause_turn"
        assert paused["claude_code_events"][-1] == {
            "type": "claude_code_event", "kind": "max_turns_reached", "max_turns": 2,
        }
        assert client.post(OPENAI.path, json=OPENAI.body("Go")).json()["choices"][0]["finish_reason"] == "stop"
    eventually(lambda: not children(proxy.pid), within=15, what="the end of the programs")
    assert len(simulator.conversations()) == 4
