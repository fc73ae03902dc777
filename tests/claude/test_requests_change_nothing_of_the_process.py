"""Whatever stands in a request, the process that serves it is started as any other: the same arguments but for the
model, the same environment, an empty directory of ours, no server of tools but the proxy itself, no other program."""

import json
import random
import re
import tempfile
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import MODEL, USUAL_PROCESSES, eventually, hostile
from support.dialects import ANTHROPIC, OPENAI
from support.hostile import MARK, OTHERS, TEXTS
from support.processes import children
from support.witness import Witness

FULL = {"anthropic": hostile.ANTHROPIC, "openai": hostile.OPENAI}
MUTATIONS = 1000
# Each of these starts a process, which takes half a second of a core; what is refused starts none.
WHOLE_REQUESTS = 22
# In each of those: members that nobody knows, and headers.
UNKNOWN, HEADERS = 4, 6
# The scratch directory of a process, in the environment and as its working directory.
OWN = re.compile(r"/claude-code-proxy-\d+/\d+/[0-9a-f]{8}/")


@pytest.fixture
def witness():
    with tempfile.TemporaryDirectory(prefix="ccp-") as folder:
        yield Witness(folder)


@pytest.fixture
def proxy(start, witness):
    """Every request that gets as far has a process started for it alone."""
    config = {"claude_code": {"path": str(witness.program), "max_processes": 4, "start_timeout": 60}}
    return start("claude-code", config=config, env={"PATH": str(witness.path)})


Mutated = namedtuple("Mutated", "body headers story")


def mutations(body, random):
    """A thousand changes. In some requests each place for a text has a hostile one, there are members that nobody knows
    and odd headers; in the others one value is something else."""
    free = [path for path in hostile.places(body) if hostile.is_free(body, path)]
    requests, count = [], 0
    for number in range(WHOLE_REQUESTS):
        changed = hostile.with_values(body, {path: random.choice(TEXTS) for path in free})
        changed = hostile.with_names(changed, random, UNKNOWN)
        requests.append(Mutated(changed, hostile.headers(random, HEADERS), f"whole request {number}"))
        count += len(free) + 2 * UNKNOWN + HEADERS
    bound = [path for path in hostile.places(body) if path not in free]
    while count < MUTATIONS:
        path, value = random.choice(bound), random.choice(TEXTS + OTHERS)
        requests.append(Mutated(hostile.with_values(body, {path: value}), {}, f"{path} became {value!r}"[:200]))
        count += 1
    return requests


def ask(proxy, dialect, request):
    """The status of the answer; what is wrong with it, if anything."""
    with proxy.http(timeout=240) as client:
        answer = client.post(dialect.path, json=request.body, headers=request.headers)
    if answer.status_code >= 500:
        return answer.status_code, f"{request.story}: {answer.text}"
    if answer.status_code != 200:
        dialect.error(answer.json())
    return answer.status_code, None


@pytest.mark.timeout(600)
@pytest.mark.parametrize("dialect", [ANTHROPIC, OPENAI], ids=lambda dialect: dialect.name)
def test_a_thousand_mutations_start_the_same_process(proxy, witness, simulator, dialect):
    body = FULL[dialect.name]
    assert ask(proxy, dialect, Mutated(body, {}, "as it is")) == (200, None)
    eventually(lambda: not children(proxy.pid), within=10, what="the end of the process")
    (usual,) = witness.starts()
    commands = set(witness.commands())
    requests = mutations(body, random.Random(20261122))
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda request: ask(proxy, dialect, request), requests))
    eventually(lambda: not children(proxy.pid), within=10, what="the end of all processes")

    statuses, wrong = zip(*answers, strict=True)
    assert not any(wrong), [story for story in wrong if story]
    starts = witness.starts()[1:]
    assert len(starts) >= WHOLE_REQUESTS, "what was accepted had a process"
    assert statuses.count(400) >= 50, "what was refused had none"
    for started in starts:
        expect_the_same(proxy, started, usual)
        expect_no_server_but_ours(witness.told(started))
    assert len({started.directory for started in starts}) == len(starts)
    # Claude Code looks whether its empty directory is in a repository; nobody has a say in that.
    assert set(witness.commands()) == commands
    assert not Path(f"/tmp/{MARK}").exists()
    sessions = [request["json"]["metadata"]["user_id"] for request in simulator.conversations()]
    print(f"{len(requests)} requests, {len(starts)} processes, {len(sessions)} calls upstream")


def expect_the_same(proxy, started, usual):
    models = [argument for argument in started.arguments if argument.startswith("--model=")]
    assert len(models) == 1
    assert [argument for argument in started.arguments if argument not in models] == [
        argument for argument in usual.arguments if not argument.startswith("--model=")
    ]
    assert re.fullmatch(r"--model=[A-Za-z0-9][A-Za-z0-9._:/@\[\]-]*", models[0])
    assert [OWN.sub("/", variable) for variable in started.environment] == [
        OWN.sub("/", variable) for variable in usual.environment
    ]
    assert MARK not in "".join(started.environment)
    assert started.files == [] and re.search(OWN.pattern + "w$", started.directory)
    assert started.directory.startswith(str(proxy.home / "tmp"))


# What the proxy may put in force in a running process, and nothing else.
SETTINGS = {"CLAUDE_CODE_EXTRA_BODY", "CLAUDE_CODE_DISABLE_THINKING", "ANTHROPIC_BASE_URL"}
EXTRA_BODY = {"max_tokens", "temperature", "top_p", "top_k", "stop_sequences", "output_config", "thinking"}
EXTRA_BODY |= {"tool_choice", "metadata"}


def expect_no_server_but_ours(lines):
    for line in lines:
        assert line["type"] in ("user", "assistant", "control_request", "control_response"), line["type"]
        if line["type"] == "user":
            assert line["client_composed"] is True, "or a path in it would be read, a command be run"
        if line["type"] == "control_request":
            expect_harmless(line["request"])


def expect_harmless(request):
    kind = request.pop("subtype")
    if kind == "initialize":
        assert set(request) <= {"hooks", "systemPrompt", "sdkMcpServers"} and not request.get("hooks")
        assert request.get("sdkMcpServers") in (None, [], ["client"])
    elif kind == "apply_flag_settings":
        assert set(request) == {"settings"} and set(request["settings"]) == {"env"}
        variables = request["settings"]["env"]
        assert set(variables) <= SETTINGS
        assert set(json.loads(variables.get("CLAUDE_CODE_EXTRA_BODY", "{}"))) <= EXTRA_BODY
        assert MARK not in variables.get("ANTHROPIC_BASE_URL", "")
    else:
        assert kind == "interrupt" and not request


def converse(proxy, name):
    """A conversation of three turns in which every message has the name of the conversation."""
    dialect = random.choice([ANTHROPIC, OPENAI])
    messages = []
    with proxy.http() as client:
        for number in range(3):
            messages.append({"role": "user", "content": f"{name}, {number}"})
            answer = client.post(dialect.path, json=dialect.body("", messages=messages))
            assert answer.status_code == 200, answer.text
            text = dialect.answer_text(answer.json())
            assert text == f'You said: "{name}, {number}"'
            messages.append({"role": "assistant", "content": text})


def test_two_conversations_never_share_a_process(start, simulator):
    proxy = start("claude-code", config=USUAL_PROCESSES)
    names = [f"conversation {number}" for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: converse(proxy, name), names))
    heard = {}
    for request in simulator.conversations():
        session = json.loads(request["json"]["metadata"]["user_id"])["session_id"]
        said = json.dumps([message for message in request["json"]["messages"] if message["role"] == "user"])
        heard.setdefault(session, set()).update(re.findall(r"conversation \d+", said))
    assert len(simulator.conversations()) == 3 * len(names) and request["json"]["model"] == MODEL
    assert all(len(conversations) == 1 for conversations in heard.values()), heard
    assert len(heard) == len(names), "each went on in the process that had heard it"
