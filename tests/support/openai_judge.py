"""What every exchange in an OpenAI dialect must keep, whatever the test it happened in is about."""

import json
import re

import openai.types as common
from openai.types import chat, responses

from .openai_shapes import EVENTS, CompletionChunk, Deleted, ErrorDocument, ModelList, check
from .streams import raw_events

ANSWERS = [
    ("POST", r"/v1/chat/completions", chat.ChatCompletion),
    ("POST", r"/v1/completions", common.Completion),
    ("POST", r"/v1/responses/input_tokens", responses.InputTokenCountResponse),
    ("POST", r"/v1/responses(/[^/]+/cancel)?", responses.Response),
    ("GET", r"/v1/responses/[^/]+/input_items", responses.ResponseItemList),
    ("GET", r"/v1/responses/[^/]+", responses.Response),
    ("DELETE", r"/v1/responses/[^/]+", Deleted),
    ("GET", r"/v1/models", ModelList),
    ("GET", r"/v1/models/.+", common.Model),
]
LAST = {"response.completed", "response.incomplete", "response.failed", "response.cancelled", "error"}


def judge(exchange):
    """Fails where an exchange in an OpenAI dialect is not as OpenAI's would be; the others it leaves alone."""
    kind = _kind(exchange)
    if kind is None or exchange.status is None:
        return
    if "event-stream" in exchange.headers.get("content-type", ""):
        _judge_stream(kind, exchange)
    elif exchange.is_whole:
        check(kind if exchange.status < 400 else ErrorDocument, exchange.body)


def _kind(exchange):
    if exchange.path.startswith("/v1/models") and "anthropic-version" in exchange.request_headers:
        return None
    for method, path, kind in ANSWERS:
        if exchange.method == method and re.fullmatch(path, exchange.path):
            return kind
    return None


def _judge_stream(kind, exchange):
    told = list(raw_events(exchange.body.decode().split("\n")))
    if kind is responses.Response:
        _responses_stream(told, exchange)
    else:
        _chat_stream(told, kind, exchange)


def _chat_stream(told, kind, exchange):
    kind = chat.ChatCompletionChunk if kind is chat.ChatCompletion else CompletionChunk
    assert not any(name for name, _ in told), "events of a chat stream have no name"
    data = [text for _, text in told]
    if exchange.is_whole:
        is_error = '"error"' in data[-1] and not json.loads(data[-1]).get("choices")
        assert (data[-1] == "[DONE]") != is_error, "a whole stream ends with [DONE] or an error"
    ended = []
    for text in data:
        if text == "[DONE]":
            assert text is data[-1]
        elif "error" in json.loads(text):
            assert text is data[-1], "nothing follows an error"
            check(ErrorDocument, text)
        else:
            chunk = check(kind, text)
            for choice in chunk.choices:
                assert choice.index not in ended, "nothing follows a finish reason"
                if choice.finish_reason:
                    ended.append(choice.index)
    if data and data[-1] == "[DONE]":
        assert ended, "a finished stream tells why it ended"


def _responses_stream(told, exchange):
    start = int((re.search(r"starting_after=(\d+)", exchange.target) or [0, -1])[1]) + 1
    events = []
    for number, (name, text) in enumerate(told, start):
        event = check(EVENTS[name], text)
        assert event.type == name
        assert event.sequence_number == number, f"{name} has number {event.sequence_number}, {number} is due"
        events.append(json.loads(text))
    kinds = [event["type"] for event in events]
    if start == 0 and kinds:
        assert kinds[0] == "response.created", kinds
    if exchange.is_whole:
        assert kinds[-1] in LAST, f"the last event is {kinds[-1]}"
    assert not LAST & set(kinds[:-1]), f"something follows the end: {kinds}"
    if start == 0:
        _Items().read(events)


class _Items:
    """The items of a streamed response: each opened, filled and closed in order, and the same again at the end."""

    def __init__(self):
        self.added, self.done, self.parts = [], {}, {}

    def read(self, events):
        for event in events:
            handle = getattr(self, "_" + event["type"].replace(".", "_"), None)
            if handle:
                handle(event)
        last = events[-1] if events else {}
        if last.get("type") in ("response.completed", "response.incomplete"):
            output = last["response"]["output"]
            assert sorted(self.done) == list(range(len(self.added))), "every item that was opened is closed"
            assert output == [self.done[index] for index in sorted(self.done)], "the end tells the items again"

    def _response_output_item_added(self, event):
        assert event["output_index"] == len(self.added), "items are numbered in order"
        self.added.append(event["item"])

    def _response_output_item_done(self, event):
        index, item = event["output_index"], event["item"]
        assert index not in self.done and item["id"] == self.added[index]["id"]
        assert item["type"] == self.added[index]["type"]
        self.done[index] = item

    def _grow(self, event, member):
        index = event["output_index"]
        assert index < len(self.added) and index not in self.done, f"{event['type']} outside its item"
        place = (event["type"].rpartition(".")[0], index, event.get("content_index"), event.get("summary_index"))
        return place, event.get(member)

    def _delta(self, event):
        place, text = self._grow(event, "delta")
        self.parts[place] = self.parts.get(place, "") + text

    def _whole(self, event, member):
        place, text = self._grow(event, member)
        assert self.parts.get(place, "") == text, f"{event['type']} tells other than its deltas"

    _response_output_text_delta = _delta
    _response_refusal_delta = _delta
    _response_function_call_arguments_delta = _delta
    _response_custom_tool_call_input_delta = _delta
    _response_reasoning_summary_text_delta = _delta
    _response_reasoning_text_delta = _delta

    def _response_output_text_done(self, event):
        self._whole(event, "text")

    def _response_refusal_done(self, event):
        self._whole(event, "refusal")

    def _response_function_call_arguments_done(self, event):
        self._whole(event, "arguments")

    def _response_custom_tool_call_input_done(self, event):
        self._whole(event, "input")

    def _response_reasoning_summary_text_done(self, event):
        self._whole(event, "text")

    def _response_reasoning_text_done(self, event):
        self._whole(event, "text")
