"""The judge of OpenAI's shapes itself: it lets a good exchange pass and objects to each kind of fault."""

import json

import pytest
from support.openai_judge import judge
from support.relay import Exchange

CHOICE = {
    "index": 0,
    "finish_reason": "stop",
    "logprobs": None,
    "message": {"role": "assistant", "content": "Yes.", "refusal": None},
}
ANSWER = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}
CHUNK = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "delta": {"content": "Yes."}, "logprobs": None, "finish_reason": None}],
}
LAST = CHUNK | {"choices": [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "in_progress",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "model": "m",
    "output": [],
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
}
CREATED = {"type": "response.created", "sequence_number": 0, "response": RESPONSE}
COMPLETED = {
    "type": "response.completed",
    "sequence_number": 1,
    "response": RESPONSE | {"status": "completed"},
}
MESSAGE = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}
ADDED = {"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": MESSAGE}


def exchange(path, body, kind="application/json", is_whole=True):
    return Exchange("POST", path, {}, b"{}", 200, {"content-type": kind}, body.encode(), is_whole)


def answer(**changes):
    return exchange("/v1/chat/completions", json.dumps(ANSWER | changes))


def chat(*data, is_whole=True):
    text = "".join(f"data: {each if isinstance(each, str) else json.dumps(each)}\n\n" for each in data)
    return exchange("/v1/chat/completions", text, "text/event-stream", is_whole)


def responses(*events, is_whole=True):
    text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return exchange("/v1/responses", text, "text/event-stream", is_whole)


GOOD = {
    "an answer": answer(),
    "a stream": chat(CHUNK, LAST, "[DONE]"),
    "a stream that the client left": chat(CHUNK, is_whole=False),
    "a stream that ends with an error": chat(
        CHUNK, {"error": {"message": "m", "type": "server_error", "param": None, "code": None}}
    ),
    "the events of a response": responses(CREATED, COMPLETED),
    "Anthropic's dialect": exchange("/v1/messages", "{}"),
}
BAD = {
    "a wrong type": answer(created="1"),
    "a wrong constant": answer(object="completion"),
    "a member that is missing": answer(choices=[{name: CHOICE[name] for name in CHOICE if name != "logprobs"}]),
    "a member that nobody knows": answer(foo=1),
    "a stream without an end": chat(CHUNK, LAST),
    "a stream without a reason": chat(CHUNK, "[DONE]"),
    "more behind the end": chat(CHUNK, LAST, CHUNK, "[DONE]"),
    "a gap in the numbers": responses(CREATED, COMPLETED | {"sequence_number": 2}),
    "a response without an end": responses(CREATED),
    "a response that begins with its end": responses(COMPLETED | {"sequence_number": 0}),
    "an item that is left open": responses(CREATED, ADDED, COMPLETED | {"sequence_number": 2}),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_good_passes(name):
    judge(GOOD[name])


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_is_objected_to(name):
    with pytest.raises(AssertionError):
        judge(BAD[name])
