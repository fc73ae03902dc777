"""LangChain's chat models for OpenAI (chat completions and Responses) and for Anthropic."""

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field
from support import KEY, MODEL, turn

CALL = {"tool": {"name": "weather", "input": {"city": "Oslo"}}}


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"-3 °C in {city}"


class Person(BaseModel):
    """Somebody."""

    name: str = Field(description="The whole name")
    age: int


def over_chat(proxy, **options):
    return ChatOpenAI(model=MODEL, base_url=f"{proxy.url}/v1", api_key=KEY, max_retries=0, stream_usage=True, **options)


def over_responses(proxy, **options):
    return over_chat(proxy, use_responses_api=True, **options)


def over_messages(proxy, **options):
    return ChatAnthropic(model=MODEL, base_url=proxy.url, api_key=KEY, max_retries=0, max_tokens=500, **options)


@pytest.fixture(params=[over_chat, over_responses, over_messages])
def ask_by(request):
    return request.param


@pytest.fixture
def llm(ask_by, proxy):
    return ask_by(proxy)


def test_invoke(llm, simulator):
    simulator.script(turn("Good day.", usage={"input_tokens": 7, "output_tokens": 5}))
    answer = llm.invoke([SystemMessage("Be polite."), HumanMessage("Hello")])
    assert answer.text == "Good day."
    assert (answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"]) == (7, 5)
    system = simulator.conversation()["system"]
    assert (system if isinstance(system, str) else system[-1]["text"]) == "Be polite."


def test_stream(llm, simulator):
    simulator.script(turn({"text": ["Go", "od ", "day."]}))
    whole, pieces = None, []
    for chunk in llm.stream("Hello"):
        pieces.append(chunk.text)
        whole = chunk if whole is None else whole + chunk
    assert [piece for piece in pieces if piece] == ["Go", "od ", "day."]
    assert whole.text == "Good day." and whole.usage_metadata["output_tokens"] > 0


def test_a_loop_with_tools(llm, simulator):
    simulator.script(turn({"thinking": "I must look."}, "Let me look.", CALL))
    model = llm.bind_tools([weather])
    messages = [HumanMessage("How warm is it in Oslo?")]
    asked = model.invoke(messages)
    (call,) = asked.tool_calls
    assert (call["name"], call["args"]) == ("weather", {"city": "Oslo"})
    told = weather.invoke(call)
    assert isinstance(told, ToolMessage)
    assert model.invoke([*messages, asked, told]).text == 'The tool said: "-3 °C in Oslo"'


def test_calls_in_a_stream(llm, simulator):
    simulator.script(turn(CALL, {"tool": {"name": "weather", "input": {"city": "Rome"}}}))
    whole = None
    for chunk in llm.bind_tools([weather]).stream("How warm is it?"):
        whole = chunk if whole is None else whole + chunk
    assert [(call["name"], call["args"]["city"]) for call in whole.tool_calls] == [
        ("weather", "Oslo"),
        ("weather", "Rome"),
    ]


def test_structured_output(llm):
    """The simulator keeps to the schema that it was sent."""
    answer = llm.with_structured_output(Person, method="json_schema").invoke("Who is it?")
    assert isinstance(answer, Person)


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_each_way_to_structured_output(proxy, simulator, method):
    if method == "json_mode":
        simulator.script(turn('{"name": "Ada", "age": 36}'))
    answer = over_chat(proxy).with_structured_output(Person, method=method).invoke("Who is it? Answer as JSON.")
    assert isinstance(answer, Person)
