"""Instructor over OpenAI's client: answers of a type, in each mode that its documentation names for such a server."""

import instructor
import pytest
from openai import OpenAI
from support import KEY, MODEL, turn

MODES = [instructor.Mode.TOOLS, instructor.Mode.JSON, instructor.Mode.JSON_SCHEMA, instructor.Mode.MD_JSON]
ASK = {"model": MODEL, "messages": [{"role": "user", "content": "Who is it?"}]}
ADA = '{"name": "Ada", "age": 36}'


def client(proxy, mode):
    return instructor.from_openai(OpenAI(base_url=f"{proxy.url}/v1", api_key=KEY, max_retries=0), mode=mode)


def answer(person, mode):
    if mode is instructor.Mode.TOOLS:
        return turn({"tool": {"name": person.__name__, "input": {"name": "Ada", "age": 36}}})
    return turn(f"```json\n{ADA}\n```" if mode is instructor.Mode.MD_JSON else ADA)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_an_answer_of_a_type(proxy, simulator, person, mode):
    simulator.script(answer(person, mode))
    found = client(proxy, mode).chat.completions.create(**ASK, response_model=person)
    assert (found.name, found.age) == ("Ada", 36)


def test_a_wrong_answer_is_asked_for_again(proxy, simulator, person):
    wrong = turn({"tool": {"name": person.__name__, "input": {"name": "Ada", "age": "old"}}})
    simulator.script(wrong, answer(person, instructor.Mode.TOOLS))
    found = client(proxy, instructor.Mode.TOOLS).chat.completions.create(
        **ASK, response_model=person, max_retries=2
    )
    assert found.age == 36 and len(simulator.conversations()) == 2


def test_a_partial_answer_grows(proxy, simulator, person):
    deltas = ['{"name": "A', 'da", ', '"age": 36}']
    simulator.script(turn({"tool": {"name": person.__name__, "deltas": deltas}}))
    partial = client(proxy, instructor.Mode.TOOLS).chat.completions.create_partial(**ASK, response_model=person)
    seen = [(each.name, each.age) for each in partial]
    assert seen[-1] == ("Ada", 36) and len(seen) > 1
