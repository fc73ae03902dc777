"""Every request field over Claude Code: how it arrives upstream, or that its lack of effect is named, or its refusal.

Tied to the tables of docs/claude-code.md: each row is tested here, and each test has its row."""

import base64
import hashlib
import re
from dataclasses import dataclass, field

import anthropic.types.beta.message_create_params as beta_params
import anthropic.types.beta.beta_tool_param as tool_params
import openai.types.chat.completion_create_params as chat_params
import pytest
from support import MODEL, ROOT, Proxy, eventually
from support.conversation import RED
from support.dialects import ANTHROPIC, OPENAI, RESPONSES
from support.processes import children
from support.programs import claude_binary

# One that takes sampling parameters and thinking budgets.
OLDER = "claude-haiku-4-5"
PDF = base64.b64encode(b"%PDF-1.4\n2 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF").decode()
MARK = {"type": "ephemeral"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
FORMAT = {"type": "json_schema", "schema": SCHEMA}
HI = {"type": "text", "text": "hi"}


@dataclass
class Case:
    """A request's fields, and what must become of them."""

    fields: dict
    outcome: str = "honoured"
    # Honoured: members of the request upstream.
    arrives: dict = field(default_factory=dict)
    # Ignored: the name told. Refused: the path told.
    named: str = ""
    headers: dict = field(default_factory=dict)
    strict_passes: bool = False
    # How many calls upstream it takes.
    calls: int = 1


def passes(**fields):
    return Case(fields, arrives={name: value for name, value in fields.items() if name != "model"})


def ignored(named, **fields):
    return Case(fields, "ignored", named=named)


def refused(path, **fields):
    return Case(fields, "refused", named=path)


def user(*blocks):
    return [{"role": "user", "content": [*blocks, HI]}]


def tool(**more):
    return {"name": "look", "input_schema": {"type": "object", "properties": {}}} | more


def block(*blocks):
    return Case({"messages": user(*blocks)}, arrives={"messages": user(*blocks)})


def later(*answer):
    """A conversation in which this was an earlier answer."""
    return [{"role": "user", "content": [HI]}, {"role": "assistant", "content": list(answer)}, *user()]


def source(kind, sources):
    return [{"type": kind, "source": one} for one in sources]


FILES = [{"type": "url", "url": "https://example.com/a"}, {"type": "file", "file_id": "file_1"}]
IMAGES = source("image", [{"type": "base64", "media_type": "image/png", "data": RED}, *FILES])
DOCUMENTS = source(
    "document",
    [
        {"type": "base64", "media_type": "application/pdf", "data": PDF},
        {"type": "text", "media_type": "text/plain", "data": "words"},
        {"type": "content", "content": [HI]},
        *FILES,
    ],
)
DOCUMENTS[0] |= {"title": "t", "context": "c", "citations": {"enabled": True}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"q": 1}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"}
CITATION = {"type": "char_location", "cited_text": "x", "document_index": 0, "document_title": "d"}
CITATION |= {"start_char_index": 0, "end_char_index": 1}
UPSTREAM = [{"name": "mcp__client__look", "description": "d", "input_schema": tool()["input_schema"]}]


def choice(given, upstream=None):
    fields = {"tools": [tool(description="d")], "tool_choice": given}
    return Case(fields, arrives={"tools": UPSTREAM, "tool_choice": upstream or given})


THINKING = [{"type": "enabled", "budget_tokens": 1024}, {"type": "disabled"}]

MESSAGES = {
    "model": [Case({"model": "claude-opus-5-5"}, arrives={"model": "claude-opus-5-5"})],
    "max_tokens": [passes(max_tokens=17)],
    "temperature": [passes(model=OLDER, temperature=0.25)],
    "top_p": [passes(model=OLDER, top_p=0.5)],
    "top_k": [passes(model=OLDER, top_k=3)],
    "stop_sequences": [passes(stop_sequences=["END", "STOP"])],
    "stream": [Case({"stream": stream}, arrives={"stream": True}) for stream in (False, True)],
    "system": [
        Case({"system": "Be brief."}, arrives={"system": ["Be brief."]}),
        Case({"system": [HI, {"type": "text", "text": "you"}]}, arrives={"system": ["hi\n\nyou"]}),
        Case({}, arrives={"system": []}),
    ],
    "messages": [Case({"messages": user(HI)}, arrives={"messages": user(HI)})],
    "messages[].content[].text": [block({"type": "text", "text": "«bitte»\t🙂"})],
    "messages[].content[].image": [block(image) for image in IMAGES],
    "messages[].content[].document": [block(document) for document in DOCUMENTS],
    "messages[].content[].search_result": [
        block({"type": "search_result", "source": "s", "title": "t", "content": [HI], "citations": {"enabled": True}})
    ],
    "messages[].content[].container_upload": [block({"type": "container_upload", "file_id": "file_1"})],
    "messages[].content[].tool_use": [passes(messages=[*later(CALL)[:2], {"role": "user", "content": [RESULT, HI]}])],
    "messages[].content[].tool_result": [
        passes(messages=[*later(CALL)[:2], {"role": "user", "content": [RESULT | {"is_error": True}, HI]}])
    ],
    "messages[].content[].thinking": [
        ignored("messages[1]", messages=later({"type": "thinking", "thinking": "t", "signature": "s"}))
    ],
    "messages[].content[].citations": [
        ignored("messages[1].content[0].citations", messages=later(HI | {"citations": [CITATION]}))
    ],
    "messages[].content[].caller": [
        ignored(
            "messages[1].content[0].caller",
            messages=[
                *later(CALL | {"caller": {"type": "code_execution_20250825", "tool_id": "srvtoolu_1"}})[:2],
                {"role": "user", "content": [RESULT]},
            ],
        )
    ],
    "messages[].name": [ignored("messages[0].name", messages=[{"role": "user", "content": "hi", "name": "n"}])],
    "messages[-1].role": [refused("messages[1].role", messages=later(HI)[:2])],
    "messages[].role": [refused("messages[1].role", messages=[*user(), {"role": "system", "content": "s"}, *user()])],
    "thinking": [
        *[passes(model=OLDER, max_tokens=2000, thinking=thinking) for thinking in THINKING[:1]],
        passes(max_tokens=2000, thinking={"type": "adaptive", "display": "summarized"}),
        passes(thinking=THINKING[1]),
        Case({}, arrives={"thinking": None}),
    ],
    "output_config.effort": [passes(output_config={"effort": "low"})],
    "output_config.format": [passes(output_config={"format": FORMAT})],
    "output_config.task_budget": [passes(output_config={"task_budget": {"type": "tokens", "total": 20000}})],
    "tools": [
        Case({"tools": [tool(description="d")]}, arrives={"tools": UPSTREAM}),
        Case({"tools": [tool(description="d", type="custom")]}, arrives={"tools": UPSTREAM}),
    ],
    "tools[].type": [refused("tools[1].type", tools=[tool(), {"type": "web_search_20250305", "name": "web_search"}])],
    "tools[].strict": [ignored("tools[0].strict", tools=[tool(strict=True)])],
    "tools[].defer_loading": [ignored("tools[0].defer_loading", tools=[tool(defer_loading=True)])],
    "tools[].input_examples": [ignored("tools[0].input_examples", tools=[tool(input_examples=[{}])])],
    "tools[].eager_input_streaming": [
        ignored("tools[0].eager_input_streaming", tools=[tool(eager_input_streaming=True)])
    ],
    "tools[].allowed_callers": [ignored("tools[0].allowed_callers", tools=[tool(allowed_callers=["direct"])])],
    "tools[].input_schema.anyOf": [
        ignored("tools[0].input_schema.anyOf", tools=[tool(input_schema={"type": "object", "anyOf": [{"type": "object"}]})])
    ],
    "tool_choice.auto": [choice({"type": "auto"})],
    "tool_choice.any": [choice({"type": "any"})],
    "tool_choice.tool": [choice({"type": "tool", "name": "look"}, {"type": "tool", "name": "mcp__client__look"})],
    "tool_choice.none": [choice({"type": "none"})],
    "tool_choice.disable_parallel_tool_use": [choice({"type": "auto", "disable_parallel_tool_use": True})],
    "metadata": [passes(metadata={"user_id": "somebody"})],
    "cache_control": [
        ignored("cache_control", cache_control=MARK),
        ignored("cache_control", system=[HI | {"cache_control": MARK}]),
        ignored("cache_control", messages=[{"role": "user", "content": [HI | {"cache_control": MARK}]}]),
        ignored("cache_control", tools=[tool(cache_control=MARK)]),
    ],
    **{
        name: [ignored(name, **{name: value})]
        for name, value in {
            "service_tier": "auto", "container": "c", "inference_geo": "eu", "speed": "fast", "diagnostics": {},
            "user_profile_id": "u", "workspace_id": "w", "context_management": {"edits": []},
            "mcp_servers": [{"type": "url", "url": "https://example.com", "name": "n"}], "billing_policy": {},
            "compaction": {}, "fallback_credit_token": "t", "fallbacks": [{"model": MODEL}], "thread": {},
        }.items()
    },
    "anthropic-beta": [
        Case({}, "ignored", named="anthropic-beta", headers={"anthropic-beta": "context-1m-2025-08-07"}, strict_passes=True)
    ],
}  # fmt: skip


def said(*parts):
    return [{"role": "user", "content": [*parts, HI]}]


def function(**more):
    return {"type": "function", "function": {"name": "look", "description": "d", "parameters": tool()["input_schema"]} | more}


def data_url(kind, data):
    return f"data:{kind};base64,{data}"


FREE_TEXT = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}
SOMEBODY = {"user_id": hashlib.sha256(b"somebody").hexdigest()}
CHAT = {
    "model": [Case({"model": "claude-opus-5-5"}, arrives={"model": "claude-opus-5-5"})],
    "messages": [
        Case(
            {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}]},
            arrives={"system": ["s"], "messages": [{"role": "user", "content": [HI]}]},
        )
    ],
    "messages[].content[].image_url": [
        Case(
            {"messages": said({"type": "image_url", "image_url": {"url": data_url("image/png", RED)}})},
            arrives={"messages": user(IMAGES[0])},
        )
    ],
    "messages[].content[].file": [
        Case(
            {"messages": said({"type": "file", "file": {"filename": "t", "file_data": data_url("application/pdf", PDF)}})},
            arrives={"messages": user({"type": "document", "source": DOCUMENTS[0]["source"], "title": "t"})},
        )
    ],
    "messages[].content[].input_audio": [
        refused("messages[0].content[0].input_audio", messages=said({"type": "input_audio", "input_audio": {}}))
    ],
    "max_tokens": [passes(max_tokens=17)],
    "max_completion_tokens": [Case({"max_completion_tokens": 17, "max_tokens": None}, arrives={"max_tokens": 17})],
    "temperature": [passes(model=OLDER, temperature=0.25), ignored("temperature", temperature=0.25)],
    "top_p": [passes(model=OLDER, top_p=0.5), ignored("top_p", top_p=0.5)],
    "stop": [Case({"stop": ["END"]}, arrives={"stop_sequences": ["END"]})],
    "stream_options": [Case({"stream": True, "stream_options": {"include_usage": True}}, arrives={"stream": True})],
    "tools": [Case({"tools": [function()]}, arrives={"tools": UPSTREAM})],
    "tool_choice": [
        Case({"tools": [function()], "tool_choice": "required"}, arrives={"tool_choice": {"type": "any"}}),
        Case(
            {"tools": [function()], "tool_choice": {"type": "function", "function": {"name": "look"}}},
            arrives={"tool_choice": {"type": "tool", "name": "mcp__client__look"}},
        ),
    ],
    "parallel_tool_calls": [
        Case(
            {"tools": [function()], "parallel_tool_calls": False},
            arrives={"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        )
    ],
    "tools[].custom": [
        Case(
            {"tools": [{"type": "custom", "custom": {"name": "look", "description": "d"}}]},
            arrives={"tools": [UPSTREAM[0] | {"input_schema": FREE_TEXT}]},
        )
    ],
    "tools[].function.strict": [ignored("tools[0].function.strict", tools=[function(strict=True)])],
    "functions": [Case({"functions": [function()["function"]]}, arrives={"tools": UPSTREAM})],
    "function_call": [
        Case(
            {"functions": [function()["function"]], "function_call": {"name": "look"}},
            arrives={"tool_choice": {"type": "tool", "name": "mcp__client__look", "disable_parallel_tool_use": True}},
        )
    ],
    "n": [Case({"n": 2}, arrives={"messages": user()}, calls=2)],
    "response_format": [
        Case(
            {"response_format": {"type": "json_object"}},
            arrives={
                "tool_choice": {"type": "tool", "name": "mcp__client__json_answer", "disable_parallel_tool_use": True}
            },
        ),
        Case(
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}},
            arrives={"output_config": {"format": FORMAT}},
        )
    ],
    "reasoning_effort": [
        Case(
            {"reasoning_effort": "low", "max_tokens": 2000},
            arrives={"output_config": {"effort": "low"}, "thinking": {"type": "adaptive"}},
        )
    ],
    "user": [Case({"user": "somebody"}, arrives={"metadata": SOMEBODY})],
    "safety_identifier": [Case({"safety_identifier": "somebody"}, arrives={"metadata": SOMEBODY})],
    "cache_control": [ignored("cache_control", messages=[{"role": "user", "content": "hi", "cache_control": MARK}])],
    "anthropic.top_k": [Case({"model": OLDER, "anthropic": {"top_k": 3}}, arrives={"top_k": 3})],
    "anthropic.service_tier": [ignored("anthropic.service_tier", anthropic={"service_tier": "auto"})],
    **{
        name: [refused(name, **{name: value})]
        for name, value in {
            "audio": {}, "web_search_options": {}, "logprobs": True, "modalities": ["audio"],
        }.items()
    },
    **{
        name: [ignored(name, **{name: value})]
        for name, value in {
            "frequency_penalty": 1, "presence_penalty": 1, "logit_bias": {}, "seed": 7, "top_logprobs": 2,
            "prediction": {}, "moderation": {}, "verbosity": "low", "metadata": {"a": "b"}, "store": False,
            "service_tier": "auto", "prompt_cache_key": "k", "prompt_cache_options": {}, "prompt_cache_retention": "24h",
        }.items()
    },
}  # fmt: skip

FUNCTION = {"type": "function", "name": "f", "parameters": SCHEMA}
SERVER = {"type": "mcp", "server_label": "s", "server_url": "https://a.example/", "require_approval": "never"}
RESPONSE = {
    "tools[].web_search": [
        ignored("tools.web_search", tools=[{"type": "web_search"}]),
        ignored("tools.web_search", tools=[{"type": "web_search_preview"}, FUNCTION]),
    ],
    "tools[].mcp": [refused("tools[0].type", tools=[SERVER])],
    "tools[].strict": [
        ignored("tools[1].strict", tools=[FUNCTION, FUNCTION | {"name": "g", "strict": True}]),
        ignored(
            "tools[0].tools[0].strict",
            tools=[{"type": "namespace", "name": "n", "tools": [FUNCTION | {"strict": True}]}],
        ),
    ],
    "cache_control": [
        ignored("cache_control", input=[{"role": "user", "content": "hi", "cache_control": MARK}]),
        ignored("cache_control", tools=[FUNCTION | {"cache_control": MARK}]),
    ],
    "anthropic.service_tier": [ignored("anthropic.service_tier", anthropic={"service_tier": "auto"})],
    "anthropic.tools": [
        refused("anthropic.tools[0].type", anthropic={"tools": [{"type": "web_search_20250305", "name": "web_search"}]})
    ],
}

DIALECTS = {
    "Messages API": (ANTHROPIC, MESSAGES),
    "Chat completions": (OPENAI, CHAT),
    "Responses": (RESPONSES, RESPONSE),
}


def documented(section):
    """{field: outcome} of a table."""
    text = (ROOT / "docs/claude-code.md").read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \| (\w+) \|", text, re.MULTILINE)
    return {name: outcome for names, outcome in rows for name in re.findall(r"`([^`]+)`", names)}


@pytest.mark.parametrize("section", DIALECTS)
def test_every_row_is_tested_and_every_test_has_its_row(section):
    cases = DIALECTS[section][1]
    # Where a field is honoured by some models only, the row says what the others do.
    assert {name: found[0].outcome for name, found in cases.items() if name != "messages[].content[].thinking"} == {
        name: outcome for name, outcome in documented(section).items() if name != "messages[].content[].thinking"
    }
    assert documented("Messages API")["messages[].content[].thinking"] == "honoured"


def test_every_field_that_the_official_clients_know_has_a_row():
    def without_own(params, *own):
        return set(params.__annotations__) - set(own)

    roots = {name.split(".")[0] for name in MESSAGES}
    assert without_own(beta_params.MessageCreateParamsBase, "betas") - roots == set()
    known = {name.removeprefix("tools[].") for name in MESSAGES}
    assert without_own(tool_params.BetaToolParam, "name", "description", "input_schema") - known == set()
    assert without_own(chat_params.CompletionCreateParamsBase) - set(CHAT) == set()


@pytest.fixture(scope="module")
def counted(_simulator, tmp_path_factory):
    """A proxy whose program notes each of its starts, and how often it did."""
    folder = tmp_path_factory.mktemp("counted")
    program, starts = folder / "claude", folder / "starts"
    program.write_text(f'#!/bin/sh\necho x >> {starts}\nexec {claude_binary()} "$@"\n')
    program.chmod(0o755)
    proxy = Proxy("claude-code", _simulator.url, config={"claude_code": {"path": str(program), "hold_time": 0}})
    yield proxy, lambda: len(starts.read_text().split())
    proxy.stop()


CASES = [
    pytest.param(dialect, case, id=f"{dialect.name}-{name}-{number}")
    for dialect, cases in DIALECTS.values()
    for name, found in cases.items()
    for number, case in enumerate(found)
]


def ask(proxy, dialect, case, **headers):
    fields = {name: value for name, value in dialect.body("hi", **case.fields).items() if value is not None}
    with proxy.http(headers=case.headers | headers) as client:
        return client.post(dialect.path, json=fields)


def plain(body):
    """A request upstream, contents as blocks, without the program's own marks and system blocks."""
    texts = [block["text"] for block in body["system"]][2:]
    messages = [{**message} for message in body["messages"]]
    for message in messages:
        if isinstance(message["content"], str):
            message["content"] = [{"type": "text", "text": message["content"]}]
        for block in message["content"]:
            block.pop("cache_control", None)
            if "name" in block:
                block["name"] = block["name"].removeprefix("mcp__client__")
    return body | {"system": texts, "messages": messages}


def check_refusal(dialect, answer, path):
    assert answer.status_code == 400, answer.text
    kind, message = dialect.error(answer.json())
    assert kind == "invalid_request_error" and path in message, message
    if dialect is not ANTHROPIC:
        assert answer.json()["error"]["param"] == path


@pytest.mark.parametrize(("dialect", "case"), CASES)
def test_a_field_arrives_or_is_named_or_refused(counted, simulator, dialect, case):
    proxy, starts = counted
    before = starts()
    answer = ask(proxy, dialect, case)
    if case.outcome == "refused":
        check_refusal(dialect, answer, case.named)
        assert simulator.requests() == [] and starts() == before
        return
    assert answer.status_code == 200, answer.text
    assert answer.headers.get("x-ignored-parameters", "") == case.named
    calls = [plain(call["json"]) for call in simulator.conversations()]
    assert len(calls) == case.calls
    for upstream in calls:
        assert {name: upstream.get(name) for name in case.arrives} == case.arrives
        if case.outcome == "ignored":
            assert case.named not in upstream or upstream[case.named] != case.fields[case.named]


@pytest.mark.parametrize(("dialect", "case"), [param for param in CASES if param.values[1].outcome == "ignored"])
def test_strict_mode_refuses_it_before_a_process_is_started(counted, simulator, dialect, case):
    proxy, starts = counted
    eventually(lambda: not children(proxy.pid), within=10, what="the end of earlier processes")
    before = starts()
    answer = ask(proxy, dialect, case, **{"x-strict": "true"})
    if case.strict_passes:
        assert answer.status_code == 200, answer.text
        return
    check_refusal(dialect, answer, case.named)
    assert children(proxy.pid) == [] and starts() == before and simulator.requests() == []


@pytest.mark.parametrize("dialect", [ANTHROPIC, OPENAI], ids=["anthropic", "openai"])
def test_strict_in_the_configuration_names_all_fields_and_a_header_can_lift_it(start, simulator, dialect):
    proxy = start("claude-code", config={"strict": True})
    # In either dialect the backend finds these.
    over = {"service_tier": "auto", "inference_geo": "eu"}
    case = Case(over if dialect is ANTHROPIC else {"anthropic": over})
    names = [name if dialect is ANTHROPIC else f"anthropic.{name}" for name in over]
    refusal = ask(proxy, dialect, case)
    assert refusal.status_code == 400 and ", ".join(names) in dialect.error(refusal.json())[1], refusal.text
    assert simulator.requests() == [] and children(proxy.pid) == []
    lifted = ask(proxy, dialect, case, **{"x-strict": "false"})
    assert (lifted.status_code, lifted.headers["x-ignored-parameters"]) == (200, ", ".join(names))


def test_over_a_login_the_accounts_own_identity_stands_in_the_metadata(start, simulator):
    token = {"CLAUDE_CODE_OAUTH_TOKEN": "token", "ANTHROPIC_API_KEY": None}
    proxy = start("claude-code", config={"claude_code": {"credentials": "oauth_token"}}, env=token)
    for dialect, fields, named in [
        (ANTHROPIC, {"metadata": {"user_id": "somebody"}}, "metadata"),
        (OPENAI, {"user": "somebody"}, "user"),
    ]:
        simulator.clear()
        answer = ask(proxy, dialect, Case(fields))
        assert (answer.status_code, answer.headers["x-ignored-parameters"]) == (200, named), answer.text
        assert "somebody" not in str(simulator.conversation()["metadata"])


IMAGE = {"type": "image_url", "image_url": {"url": "ftp://example.com/a.png"}}
AT_THE_END = {"role": "assistant", "content": "Sure,"}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"messages": [*said(), AT_THE_END]}, "messages[1]"),
        ({"messages": [{"role": "system", "content": "s"}, *said(IMAGE)]}, "messages[1].content[0].image_url.url"),
        (
            {"tools": [function(), function(name="b", parameters={"type": "object", "properties": {"a b": {}}})]},
            "tools[1].function.parameters.properties",
        ),
        ({"tools": [function()], "anthropic": {"tool_choice": {"type": "tool", "name": "x"}}}, "anthropic.tool_choice.name"),
        ({"anthropic": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}}, "anthropic.tools[0].type"),
        ({"anthropic": {"output_config": 7}}, "anthropic.output_config"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_complaint_about_a_chat_completion_names_the_callers_own_path(over_claude, simulator, fields, path):
    check_refusal(OPENAI, ask(over_claude, OPENAI, Case(fields)), path)
    assert simulator.requests() == []


NO_LINK = {"type": "input_image", "image_url": "ftp://example.com/a.png"}


def response_tool(**fields):
    return {"type": "function", "name": "a", "parameters": {"type": "object"}} | fields


@pytest.mark.parametrize("background", [False, True], ids=["waited-for", "background"])
@pytest.mark.parametrize(
    ("fields", "path"),
    [
        (
            {"instructions": "s", "input": [{"role": "user", "content": "before"}, {"role": "user", "content": [{"type": "input_text", "text": "a"}, NO_LINK]}]},
            "input[1].content[1].image_url",
        ),
        (
            {"tools": [response_tool(), response_tool(name="b", parameters={"type": "object", "properties": {"a b": {}}})]},
            "tools[1].parameters.properties",
        ),
        ({"tools": [response_tool()], "anthropic": {"tool_choice": {"type": "tool", "name": "x"}}}, "anthropic.tool_choice.name"),
        ({"anthropic": {"output_config": 7}}, "anthropic.output_config"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_complaint_about_a_response_names_the_callers_own_path(over_claude, simulator, fields, path, background):
    answer = ask(over_claude, RESPONSES, Case(fields | {"background": background}))
    if not background or "image_url" in path:
        # What the translation refuses is not begun.
        check_refusal(RESPONSES, answer, path)
    else:
        with over_claude.http() as client:
            ended = eventually(
                lambda: (told := client.get(f"/v1/responses/{answer.json()['id']}").json())["status"] == "failed" and told,
                within=10,
                what="the end of the response",
            )
        assert path in ended["error"]["message"], ended
    assert simulator.requests() == []
