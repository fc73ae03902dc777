"""docs/dialects.md leaves out no field that the official library can send."""

import re
from pathlib import Path

import pytest
from openai.types import completion_create_params as legacy
from openai.types.chat import completion_create_params as chat

PAGE = (Path(__file__).parents[2] / "docs/dialects.md").read_text()


def documented(heading):
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    return {field for row in rows for field in re.findall(r"`(\w+)`", row)}


@pytest.mark.parametrize(
    ("heading", "params"),
    [
        ("Chat completions: the request", chat.CompletionCreateParamsBase),
        ("Legacy completions", legacy.CompletionCreateParamsBase),
    ],
)
def test_every_field_of_the_library_is_documented(heading, params):
    fields = set(params.__annotations__) | {"stream"}
    assert len(fields) > 10
    assert fields - documented(heading) == set()
