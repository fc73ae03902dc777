"""The Responses API with OpenAI's Python client, over both backends: what is kept, gone on from, made in the
background, and what a restart leaves of it. (What the answers look like is in the tests of the dialect.)"""

import hashlib
import os
import sqlite3
import stat

import openai
import pytest
from support import BACKENDS, MODEL, turn
from support.clients import openai_client
from support.proxy import KEY
from support.waiting import eventually

OTHER_KEY = "ccp_another_key_of_the_tests"
ADD = {"type": "function", "name": "add", "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}}}


def ask(client, text="Hello", **more):
    return client.responses.create(model=MODEL, input=text, **more)


def becomes(client, response, status, within=90):
    """Polls as a user would."""

    def check():
        found = client.responses.retrieve(response.id)
        return found if found.status == status else None

    return eventually(check, within=within, what=f"{response.id} {status}")


def numbered(events, first=0):
    """The events, whose numbers have no gap."""
    events = list(events)
    assert [event.sequence_number for event in events] == list(range(first, first + len(events)))
    return events


def asked(simulator):
    return len(simulator.requests("/v1/messages"))


@pytest.fixture(params=BACKENDS)
def own(request, start):
    """A proxy of the test's own, which it may kill."""
    return start(request.param)


def test_a_response_is_retrieved_and_deleted(gpt, simulator):
    simulator.script(turn("Good day."))
    response = ask(gpt, metadata={"for": "the test"})
    assert (response.output_text, response.status, response.store) == ("Good day.", "completed", True)
    assert gpt.responses.retrieve(response.id) == response
    gpt.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError):
        gpt.responses.retrieve(response.id)
    with pytest.raises(openai.NotFoundError):
        gpt.responses.delete(response.id)


def test_a_stream_ends_with_what_is_retrieved(gpt, simulator):
    simulator.script(turn({"text": ["Go", "od ", "day."]}))
    events = numbered(ask(gpt, stream=True))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "Good day."
    last = events[-1]
    assert last.type == "response.completed"
    assert gpt.responses.retrieve(last.response.id) == last.response


def test_nothing_is_kept_of_one_that_says_so(gpt):
    response = ask(gpt, store=False)
    assert response.store is False
    with pytest.raises(openai.NotFoundError):
        gpt.responses.retrieve(response.id)


def test_a_conversation_goes_on_by_its_last_response(gpt, simulator):
    simulator.script(turn("One."), turn("Two."), turn("Three."))
    first = ask(gpt, "first", instructions="Be brief.")
    second = ask(gpt, "second", previous_response_id=first.id)
    ask(gpt, "third", previous_response_id=second.id)
    sent = str(simulator.requests("/v1/messages")[-1]["json"]["messages"])
    places = [sent.find(word) for word in ("first", "One.", "second", "Two.", "third")]
    assert -1 not in places and places == sorted(places), sent
    assert "Be brief." not in str(simulator.requests("/v1/messages")[-1]["json"])


def test_thinking_survives_a_tool_loop(gpt, simulator):
    rounds = [turn({"thinking": f"round {n}"}, {"tool": {"name": "add", "input": {"n": n}}}) for n in range(3)]
    simulator.script(*rounds, turn("Done."))
    more = {"tools": [ADD], "reasoning": {"effort": "high"}}
    response = ask(gpt, "Add.", **more)
    for _ in rounds:
        (call,) = [item for item in response.output if item.type == "function_call"]
        output = [{"type": "function_call_output", "call_id": call.call_id, "output": "7"}]
        response = gpt.responses.create(model=MODEL, input=output, previous_response_id=response.id, **more)
    # The simulator answers 400 where a signature is missing or wrong.
    assert response.output_text == "Done."


def test_items_are_listed_in_pages_both_ways(gpt):
    input = [{"role": "user", "content": f"n{n}"} for n in range(5)]
    response = ask(gpt, input)
    newest_first = [item.content[0].text for item in gpt.responses.input_items.list(response.id, limit=2)]
    assert newest_first == ["n4", "n3", "n2", "n1", "n0"], "the client fetches page after page"
    page = gpt.responses.input_items.list(response.id, order="asc", limit=2, include=["reasoning.encrypted_content"])
    assert ([item.content[0].text for item in page.data], page.has_more) == (["n0", "n1"], True)
    rest = gpt.responses.input_items.list(response.id, order="asc", after=page.data[-1].id)
    assert ([item.content[0].text for item in rest.data], rest.has_more) == (["n2", "n3", "n4"], False)


def test_input_tokens_are_counted_with_the_conversation(gpt):
    first = ask(gpt, "a long story " * 50)
    alone = gpt.responses.input_tokens.count(model=MODEL, input="hi")
    together = gpt.responses.input_tokens.count(model=MODEL, input="hi", previous_response_id=first.id)
    assert together.input_tokens > alone.input_tokens > 0


def test_one_that_is_not_there_can_not_be_gone_on_from(gpt, simulator):
    with pytest.raises(openai.BadRequestError) as refused:
        ask(gpt, previous_response_id="resp_0123456789")
    assert (refused.value.code, refused.value.param) == ("previous_response_not_found", "previous_response_id")
    assert asked(simulator) == 0


def test_the_background_is_polled(gpt, simulator):
    simulator.script(turn("One ", "hold", "two."))
    response = ask(gpt, background=True)
    assert (response.status, response.background, response.output) == ("queued", True, [])
    becomes(gpt, response, "in_progress")
    with gpt.responses.retrieve(response.id, stream=True) as stream:
        next(event for event in stream if event.type == "response.output_text.delta")
    simulator.release()
    done = becomes(gpt, response, "completed")
    assert done.output_text == "One two." and done.usage.output_tokens > 0
    assert ask(gpt, previous_response_id=done.id).status == "completed"


def test_the_stream_of_a_background_response_is_taken_up_again(gpt, simulator):
    simulator.script(turn("One ", "hold", "two."))
    seen = []
    with ask(gpt, background=True, stream=True) as stream:
        for event in stream:
            seen.append(event)
            if event.type == "response.output_text.delta":
                break
    assert [event.type for event in numbered(seen)][:2] == ["response.created", "response.queued"]
    id, last = seen[0].response.id, seen[-1].sequence_number
    simulator.release()
    rest = numbered(gpt.responses.retrieve(id, stream=True, starting_after=last), last + 1)
    assert rest[-1].type == "response.completed" and rest[-1].response.output_text == "One two."
    assert numbered(gpt.responses.retrieve(id, stream=True)) == seen + rest


def test_cancelling_ends_it_upstream(gpt, simulator):
    simulator.script(turn("One ", "hold", "two."))
    response = ask(gpt, background=True)
    eventually(simulator.active, within=60, what="the call")
    cancelled = gpt.responses.cancel(response.id)
    assert cancelled.status == "cancelled"
    assert numbered(gpt.responses.retrieve(response.id, stream=True))[-1].type == "error"
    eventually(lambda: not simulator.active(), within=20, what="the end of the call")
    assert gpt.responses.retrieve(response.id) == cancelled == gpt.responses.cancel(response.id)
    with pytest.raises(openai.BadRequestError, match="background"):
        gpt.responses.cancel(ask(gpt).id)


def test_what_upstream_refuses_is_told_by_polling(gpt, simulator):
    simulator.script(turn(http_error={"status": 400, "message": "just so"}))
    failed = becomes(gpt, ask(gpt, background=True), "failed")
    assert "just so" in failed.error.message and failed.error.code == "invalid_prompt"


def test_a_stream_that_breaks_is_failed(gpt, simulator):
    simulator.script(turn("One two", "hold", "cut"))
    events = []
    for event in ask(gpt, stream=True):
        events.append(event)
        if event.type == "response.output_text.delta":
            simulator.release()
    assert numbered(events)[-1].type == "response.failed" and events[-1].response.status == "failed"
    assert gpt.responses.retrieve(events[-1].response.id).status == "failed"


def test_another_keys_response_is_not_there(start, simulator):
    keys = ["sha256:" + hashlib.sha256(key.encode()).hexdigest() for key in (KEY, OTHER_KEY)]
    proxy = start("anthropic", config={"auth": {"api_keys": keys}})
    with openai_client(proxy) as one, openai_client(proxy, api_key=OTHER_KEY) as other:
        response = ask(one)
        for attempt in (
            lambda: other.responses.retrieve(response.id),
            lambda: other.responses.cancel(response.id),
            lambda: other.responses.delete(response.id),
            lambda: other.responses.input_items.list(response.id),
        ):
            with pytest.raises(openai.NotFoundError):
                attempt()
        with pytest.raises(openai.BadRequestError) as refused:
            ask(other, previous_response_id=response.id)
        assert refused.value.code == "previous_response_not_found"
        assert one.responses.retrieve(response.id) == response


def test_what_was_told_survives_a_kill(own, simulator):
    simulator.script(turn("One."))
    with openai_client(own) as client:
        *_, last = ask(client, "first", stream=True)
    own.die_and_come_back()
    with openai_client(own) as client:
        assert client.responses.retrieve(last.response.id) == last.response
        assert ask(client, "second", previous_response_id=last.response.id).status == "completed"
    assert "One." in str(simulator.requests("/v1/messages")[-1]["json"]["messages"])


def test_after_a_kill_what_nobody_has_seen_is_made_anew(own, simulator):
    simulator.script(turn("hold", "never"))
    with openai_client(own) as client:
        response = ask(client, background=True)
        eventually(simulator.active, within=60, what="the call")
    own.die_and_come_back(meanwhile=lambda: simulator.script(turn("Here it is.")))
    with openai_client(own) as client:
        done = becomes(client, response, "completed")
        assert (done.output_text, done.created_at) == ("Here it is.", response.created_at)
        numbered(client.responses.retrieve(response.id, stream=True))


def test_after_a_kill_what_was_partly_seen_has_failed(own, simulator):
    simulator.script(turn("One ", "hold", "never"))
    seen = []
    with openai_client(own) as client, ask(client, background=True, stream=True) as stream:
        for event in stream:
            seen.append(event)
            if event.type == "response.output_text.delta":
                break
    calls = asked(simulator)
    own.die_and_come_back()
    with openai_client(own) as client:
        failed = becomes(client, seen[0].response, "failed")
        assert "stopped" in failed.error.message
        last = seen[-1].sequence_number
        rest = numbered(client.responses.retrieve(failed.id, stream=True, starting_after=last), last + 1)
        assert rest[-1].type == "response.failed"
    assert asked(simulator) == calls, "nobody asked again"


def test_what_is_kept_is_for_its_user_alone(own):
    with openai_client(own) as client:
        ask(client)
    assert stat.S_IMODE(own.data_dir.stat().st_mode) == 0o700
    files = os.listdir(own.data_dir)
    assert "responses.sqlite" in files
    assert {stat.S_IMODE((own.data_dir / name).stat().st_mode) for name in files if "responses" in name} == {0o600}


def test_storing_can_be_turned_off(start):
    proxy = start("anthropic", config={"openai": {"store": False}})
    with openai_client(proxy) as client:
        answer = client.responses.with_raw_response.create(model=MODEL, input="hi", store=True)
        assert answer.headers["x-ignored-parameters"] == "store" and answer.parse().store is False
        with pytest.raises(openai.BadRequestError, match="openai.store"):
            ask(client, background=True)
    assert not list(proxy.data_dir.glob("responses*"))


def test_a_store_that_can_not_be_written_loses_no_answer(start, simulator):
    proxy = start("anthropic")
    with openai_client(proxy) as client:
        before = ask(client)
        # Another program holds the file: as a full disk or a read-only one, this fails every write.
        blocker = sqlite3.connect(proxy.data_dir / "responses.sqlite", isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        simulator.script(turn("Still here."))
        answer = ask(client)
        assert (answer.output_text, answer.store) == ("Still here.", False)
        with pytest.raises(openai.InternalServerError) as refused:
            ask(client, background=True)
        assert (refused.value.status_code, refused.value.code) == (503, "store_unavailable")
        blocker.execute("ROLLBACK")
        blocker.close()
        assert client.responses.retrieve(before.id) == before
        assert ask(client).store is True


def test_a_damaged_store_does_not_keep_the_server_from_serving(start):
    proxy = start("anthropic")
    with openai_client(proxy) as client:
        response = ask(client)

    def damage():
        for name in ("responses.sqlite-wal", "responses.sqlite-shm"):
            (proxy.data_dir / name).unlink(missing_ok=True)
        (proxy.data_dir / "responses.sqlite").write_bytes(b"no database " * 1000)

    proxy.die_and_come_back(meanwhile=damage)
    with openai_client(proxy) as client:
        assert ask(client).store is False
        with pytest.raises(openai.InternalServerError, match="store"):
            client.responses.retrieve(response.id)
    assert "damaged" in proxy.stdout()
    assert (proxy.data_dir / "responses.sqlite").read_bytes().startswith(b"no database"), "left for its owner to see"


def test_the_log_has_one_line_for_each_request_and_nothing_that_was_said(own, simulator):
    simulator.script(turn("a word of the answer"))
    with openai_client(own) as client:
        response = ask(client, "a word of the question")
        client.responses.retrieve(response.id)
        client.responses.delete(response.id)
    # The line of an answer over Claude Code waits for its cost.
    lines = eventually(lambda: len(found := own.log("request")) == 3 and found, within=10, what="three lines")
    told = {(line["endpoint"], line["dialect"], line["status"]) for line in lines}
    assert told == {(name, "openai-responses", 200) for name in ("responses", "retrieve_response", "delete_response")}
    assert "a word of" not in own.stdout()
