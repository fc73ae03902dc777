"""OpenAI's Agents SDK: tools, hand-offs and streams, over chat completions and Responses."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, function_tool
from agents import set_tracing_disabled
from openai.types.shared import Reasoning
from pydantic import BaseModel
from support import MODEL, turn
from support.clients import async_openai_client

# It would tell OpenAI's own service of each run.
set_tracing_disabled(True)
CALL = {"tool": {"name": "weather", "input": {"city": "Oslo"}}}


@function_tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"-3 °C in {city}"


class City(BaseModel):
    name: str
    inhabitants: int


@pytest.fixture(params=[OpenAIChatCompletionsModel, OpenAIResponsesModel], ids=["chat", "responses"])
def kind(request):
    return request.param


def run(kind, proxy, talk):
    """Runs `talk(model)` with a model of this kind behind the proxy."""

    @asynccontextmanager
    async def model():
        async with async_openai_client(proxy) as client:
            yield kind(model=MODEL, openai_client=client)

    async def whole():
        async with model() as served:
            return await talk(served)

    return asyncio.run(whole())


def test_an_agent_uses_its_tool(kind, proxy, simulator):
    simulator.script(turn({"thinking": "Look."}, "Let me look.", CALL))

    async def talk(model):
        agent = Agent(name="Weather", instructions="Tell the weather.", model=model, tools=[weather])
        return await Runner.run(agent, "How warm is it in Oslo?")

    result = run(kind, proxy, talk)
    assert result.final_output == 'The tool said: "-3 °C in Oslo"'
    assert [item.type for item in result.new_items if item.type != "reasoning_item"] == [
        "message_output_item",
        "tool_call_item",
        "tool_call_output_item",
        "message_output_item",
    ]
    assert result.context_wrapper.usage.requests == 2


def test_an_agent_hands_over_to_another(kind, proxy, simulator):
    simulator.script(turn({"tool": {"name": "transfer_to_french", "input": {}}}), turn("Bonjour."))

    async def talk(model):
        french = Agent(name="French", instructions="Speak French.", model=model)
        desk = Agent(name="Desk", instructions="Hand over.", model=model, handoffs=[french])
        return await Runner.run(desk, "Bonjour")

    result = run(kind, proxy, talk)
    assert (result.final_output, result.last_agent.name) == ("Bonjour.", "French")
    assert simulator.conversations()[-1]["json"]["system"][-1]["text"] == "Speak French."


def test_a_stream_with_a_tool(kind, proxy, simulator):
    simulator.script(turn({"text": ["Let me ", "look."]}, CALL), turn({"text": ["Cold", "."]}))

    async def talk(model):
        result = Runner.run_streamed(Agent(name="Weather", model=model, tools=[weather]), "How warm is it?")
        pieces, items = [], []
        async for event in result.stream_events():
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
                pieces.append(event.data.delta)
            elif event.type == "run_item_stream_event":
                items.append(event.name)
        return pieces, items, result.final_output

    pieces, items, final = run(kind, proxy, talk)
    assert pieces == ["Let me ", "look.", "Cold", "."] and final == "Cold."
    assert {"tool_called", "tool_output", "message_output_created"} <= set(items)


def test_an_answer_of_a_type(kind, proxy):
    async def talk(model):
        return await Runner.run(Agent(name="Cities", model=model, output_type=City), "Which city?")

    assert isinstance(run(kind, proxy, talk).final_output, City)


def test_reasoning_survives_without_a_store(proxy, simulator):
    simulator.script(turn({"thinking": "Look."}, CALL), turn({"thinking": "Good."}, "Cold."))
    settings = ModelSettings(
        store=False, reasoning=Reasoning(effort="high"), response_include=["reasoning.encrypted_content"]
    )

    async def talk(model):
        agent = Agent(name="Weather", model=model, tools=[weather], model_settings=settings)
        return await Runner.run(agent, "How warm is it?")

    assert run(OpenAIResponsesModel, proxy, talk).final_output == "Cold."
    _, assistant, _ = simulator.conversations()[-1]["json"]["messages"]
    assert [block["type"] for block in assistant["content"]] == ["thinking", "tool_use"]
