"""Whether what the server says has OpenAI's shapes.

Three judges: JSON schemas made from the types of the installed official library; the library's models in strict mode;
and a short table of what OpenAI's published API description requires beyond them. Members that none of them know must
be among those that this project documents.
"""

from functools import cache
from typing import Literal

import jsonschema
import openai.types as common
import openai.types.chat as chat
import openai.types.responses as responses
import pydantic
from openai.types.chat import chat_completion, chat_completion_chunk

# Required by the published description (openai-openapi 2.3.0), optional in the library's types.
REQUIRED = {
    chat.ChatCompletionMessage: {"content", "refusal"},
    chat_completion.Choice: {"logprobs"},
    chat_completion_chunk.Choice: {"finish_reason"},
    responses.Response: {"error", "incomplete_details", "instructions", "metadata", "temperature", "top_p"},
    responses.ResponseOutputText: {"logprobs"},
    responses.ResponseErrorEvent: {"code", "param"},
    responses.ResponseFunctionCallArgumentsDoneEvent: {"name"},
}
# What the answers hold beyond OpenAI's own members: docs/dialects.md tells them.
OURS = {
    chat.ChatCompletionMessage: {"reasoning_content", "reasoning_details"},
    chat_completion_chunk.ChoiceDelta: {"reasoning_content", "reasoning_details", "annotations"},
    common.Model: {"display_name", "max_input_tokens", "max_tokens", "capabilities"},
    # OpenAI's own answers have it; neither the library nor the published description knows.
    responses.Response: {"store"},
    # In the published description, not yet in the library.
    responses.ResponseFunctionCallArgumentsDoneEvent: {"name"},
}


class Error(pydantic.BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None
    model_config = {"extra": "forbid"}


class ErrorDocument(pydantic.BaseModel):
    error: Error
    model_config = {"extra": "forbid"}


class Deleted(pydantic.BaseModel):
    id: str
    object: str
    deleted: bool


class UnfinishedChoice(common.CompletionChoice):
    """The library has one type for whole and streamed ones; all but the last of those have no reason."""

    finish_reason: Literal["stop", "length", "content_filter"] | None


class CompletionChunk(common.Completion):
    choices: list[UnfinishedChoice]


class ModelList(pydantic.BaseModel):
    object: str
    data: list[common.Model]
    model_config = {"extra": "allow"}


EVENTS = {
    kind.model_fields["type"].annotation.__args__[0]: kind
    for name, kind in vars(responses).items()
    if name.startswith("Response") and name.endswith("Event") and isinstance(kind, type)
}
@cache
def _adapter(kind):
    adapter = pydantic.TypeAdapter(kind)
    return adapter, jsonschema.Draft202012Validator(adapter.json_schema())


def check(kind, document):
    """The instance, if `document` (bytes) has the shape of `kind`; an assertion that tells the place if not."""
    adapter, schema = _adapter(kind)
    for fault in schema.iter_errors(pydantic.TypeAdapter(object).validate_json(document)):
        raise AssertionError(f"{kind.__name__}: {fault.json_path}: {fault.message}")
    instance = adapter.validate_json(document, strict=True)
    _look(instance, kind.__name__)
    return instance


def _look(value, path):
    """What is required and what is unknown, at every depth."""
    if isinstance(value, list):
        for number, each in enumerate(value):
            _look(each, f"{path}[{number}]")
    if not isinstance(value, pydantic.BaseModel):
        return
    kind = type(value)
    missing = REQUIRED.get(kind, set()) - value.model_fields_set
    assert not missing, f"{path} ({kind.__name__}) lacks {missing}"
    unknown = set(value.model_extra or {}) - OURS.get(kind, set())
    assert not unknown, f"{path} ({kind.__name__}) has {unknown}"
    for name in value.model_fields_set & set(kind.model_fields):
        # The tools are the request's own, told again: they may hold what only the client knows.
        if not (kind is responses.Response and name == "tools"):
            _look(getattr(value, name), f"{path}.{name}")
