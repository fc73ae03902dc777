"""Pydantic AI's agents over chat completions, Responses and Messages."""

import asyncio

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from support import KEY, MODEL, turn


class City(BaseModel):
    name: str
    inhabitants: int


def over_chat(proxy):
    return OpenAIChatModel(MODEL, provider=OpenAIProvider(base_url=f"{proxy.url}/v1", api_key=KEY))


def over_responses(proxy):
    return OpenAIResponsesModel(MODEL, provider=OpenAIProvider(base_url=f"{proxy.url}/v1", api_key=KEY))


def over_messages(proxy):
    return AnthropicModel(MODEL, provider=AnthropicProvider(base_url=proxy.url, api_key=KEY))


@pytest.fixture(params=[over_chat, over_responses, over_messages])
def ask_by(request):
    return request.param


@pytest.fixture
def model(ask_by, proxy):
    return ask_by(proxy)


def test_an_agent_uses_its_tool(model, simulator):
    agent = Agent(model, instructions="Answer with the weather.")
    asked = []

    @agent.tool_plain
    def weather(city: str) -> str:
        """The weather in a city."""
        asked.append(city)
        return "-3 °C"

    simulator.script(turn({"thinking": "Look."}, {"tool": {"name": "weather", "input": {"city": "Oslo"}}}))
    result = agent.run_sync("How warm is it in Oslo?")
    assert asked == ["Oslo"] and result.output == 'The tool said: "-3 °C"'
    assert result.usage.requests == 2 and result.usage.output_tokens > 0


def test_an_answer_of_a_type(ask_by, proxy, simulator):
    tool = {"name": "final_result", "input": {"name": "Oslo", "inhabitants": 700000}}
    simulator.script(turn({"tool": tool}))
    result = Agent(ask_by(proxy), output_type=City).run_sync("Which city?")
    assert result.output == City(name="Oslo", inhabitants=700000)


def test_a_stream(ask_by, proxy, simulator):
    simulator.script(turn({"text": ["Go", "od ", "day."]}))

    async def listen():
        async with Agent(ask_by(proxy)).run_stream("Hello") as result:
            return [text async for text in result.stream_text(delta=True, debounce_by=None)]

    assert asyncio.run(listen()) == ["Go", "od ", "day."]


def test_a_conversation_goes_on(ask_by, proxy, simulator):
    agent = Agent(ask_by(proxy))
    first = agent.run_sync("My name is Ada.")
    agent.run_sync("What is my name?", message_history=first.all_messages())
    roles = [message["role"] for message in simulator.conversations()[-1]["json"]["messages"]]
    assert roles == ["user", "assistant", "user"]
