"""The same single turn by the official Python Agent SDK: one `query()`, which starts the program, asks and ends it."""

import importlib.metadata
import time

from claude_agent_sdk import ClaudeAgentOptions, query
from claude_agent_sdk.types import StreamEvent

from client import Answer
from stand import KEY, QUIET

VERSION = importlib.metadata.version("claude-agent-sdk")


def options(claude, model, upstream, folder):
    """The least that a turn needs: no tools, no settings, no system prompt; the environment that the proxy gives too."""
    return ClaudeAgentOptions(
        cli_path=claude,
        model=model,
        tools=[],
        setting_sources=[],
        system_prompt="",
        include_partial_messages=True,
        cwd=folder,
        env={
            **QUIET,
            "HOME": folder,
            "ANTHROPIC_BASE_URL": upstream,
            "ANTHROPIC_API_KEY": KEY,
            "CLAUDE_CODE_SIMPLE": "1",
        },
    )


async def one_shot(question, chosen):
    began = time.perf_counter()
    first, text = None, ""
    async for message in query(prompt=question, options=chosen):
        if isinstance(message, StreamEvent) and (piece := message.event.get("delta", {}).get("text")):
            first = first or time.perf_counter()
            text += piece
    if first is None:
        raise RuntimeError("the SDK's answer held no text")
    return Answer((first - began) * 1000, text)
