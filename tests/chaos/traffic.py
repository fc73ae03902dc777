"""Callers: each holds one conversation after the other and knows what every answer has to be."""

import itertools
import json
import re
import threading
import time

from support.conversation import RED
from support.dialects import ANTHROPIC, DIALECTS
from support.simulator import MODEL

from .exchange import Violation, exchange

# How upstream can fail, as the simulator is told in the prompt.
UPSTREAM = {
    "cut": "cut",
    "close": "close",
    "end": "end",
    "stall": 'text="so far" stall',
    "error 400": "error=400",
    "error 429": "error=429",
    "error 500": "error=500",
    "error 529": "error=529",
    "error in the stream": 'text="so far" stream_error=overloaded_error',
    "no answer": "delay=60000",
}
HANG_UPS = 0.08
FAULTS = 0.12
SCHEMA = {"type": "object", "properties": {"token": {"type": "string"}}, "required": ["token"]}
NAMES = ["look", "see"]
# A text of ours, wherever it turns up: its conversation and its turn.
TOKEN = re.compile(r"tok-(\d+)-(\d+)")


class Caller(threading.Thread):
    """Talks until it is told to stop."""

    numbers = itertools.count(1)

    def __init__(self, proxy, random, report, stop):
        super().__init__(daemon=True)
        self.proxy, self.random, self.report, self.stop = proxy, random, report, stop

    def run(self):
        while not self.stop.is_set():
            conversation = Conversation(next(self.numbers), self.proxy, self.random, self.report)
            try:
                with self.proxy.http() as client:
                    conversation.hold(client, self.stop)
            except Violation as violation:
                self.report.violated(f"conversation {conversation.number}: {violation}")
            except Exception as error:
                self.report.violated(f"conversation {conversation.number}: {error!r}")


class Conversation:
    """Some turns, one after the other, each with a token of its own."""

    def __init__(self, number, proxy, random, report):
        self.number, self.proxy, self.random, self.report = number, proxy, random, report
        self.dialect = random.choice(DIALECTS)
        self.kind = random.choice(["plain", "plain", "slow", "tools", "tools", "thinking", "image"])
        self.messages = []
        self.turns = 0

    def hold(self, client, stop):
        for _ in range(self.random.choice([1, 2, 3, 5])):
            if stop.is_set() or not self._turn(client):
                return
            # As a caller who reads, now and then.
            time.sleep(self.random.choice([0, 0, 0.05, 0.5]))

    def _turn(self, client):
        """A question, and the results of the calls in its answer. `False` when the caller gives up."""
        for _ in range(3):
            fault = self._fault()
            token = self._token()
            prompt, text, calls = self._question(token, fault)
            answer = self._ask(client, {"role": "user", "content": prompt}, text, calls, fault)
            if answer is None:
                if self.random.random() < 0.5:
                    return False
                continue
            return not answer.calls or self._results(client, answer)
        return False

    def _results(self, client, answer):
        for _ in range(2):
            token = self._token()
            results = [(call, f"{token} from {name}") for call, name, _ in answer.calls]
            expected = f'The tool said: "{results[-1][1]}"'
            if self._ask(client, self._told(results), expected, [], None):
                return True
        return False

    def _fault(self):
        return self.random.choice(list(UPSTREAM)) if self.random.random() < FAULTS else None

    def _token(self):
        self.turns += 1
        return f"tok-{self.number}-{self.turns}"

    def _question(self, token, fault):
        """The content of the message, and the text and calls of the right answer."""
        if fault:
            return f"{token} [[sim {UPSTREAM[fault]}]]", None, []
        match self.kind:
            case "slow":
                pieces = " ".join(f'pause=100 text="{token} {number}. "' for number in range(5))
                return f"[[sim {pieces}]] {token}", "".join(f"{token} {number}. " for number in range(5)), []
            case "tools":
                inputs = {"token": token}
                calls = " ".join(f"tool=mcp__client__{name} input={json.dumps(inputs)}" for name in NAMES)
                return f'{token} [[sim text="{token} looks" {calls}]]', f"{token} looks", [(n, inputs) for n in NAMES]
            case "thinking":
                return f'{token} [[sim thinking="hm {token}" text="{token} thought"]]', f"{token} thought", []
            case "image":
                said = [self._image(), {"type": "text", "text": token}]
                return said, f'You said: "{token}"', []
        return token, f'You said: "{token}"', []

    def _image(self):
        if self.dialect is ANTHROPIC:
            return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": RED}}
        return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{RED}"}}

    def _told(self, results):
        if self.dialect is ANTHROPIC:
            blocks = [{"type": "tool_result", "tool_use_id": call, "content": text} for call, text in results]
            return {"role": "user", "content": blocks}
        return [{"role": "tool", "tool_call_id": call, "content": text} for call, text in results]

    def _body(self, said):
        body = {"model": MODEL, "max_tokens": 500, "stream": self.random.random() < 0.6}
        body["messages"] = self.messages + said
        if self.kind == "tools":
            tool = {"description": "Tries.", "name": ""}
            if self.dialect is ANTHROPIC:
                body["tools"] = [tool | {"name": name, "input_schema": SCHEMA} for name in NAMES]
            else:
                functions = [tool | {"name": name, "parameters": SCHEMA} for name in NAMES]
                body["tools"] = [{"type": "function", "function": function} for function in functions]
        if self.kind == "thinking":
            body |= {"thinking": {"type": "adaptive"}} if self.dialect is ANTHROPIC else {"reasoning_effort": "low"}
        return body

    def _ask(self, client, message, text, calls, fault):
        """The right and whole answer, now part of the conversation; or none."""
        said = message if isinstance(message, list) else [message]
        body = self._body(said)
        leave = self.random.choice([0, 0.1, 0.5, 1, 2]) if self.random.random() < HANG_UPS else None
        began = time.monotonic()
        answer = exchange(client, self.dialect, body, leave)
        self.report.answered(self.dialect.name, self.kind, answer, fault, time.monotonic() - began)
        self._check(answer, text, calls, fault)
        if answer.ended != "whole":
            return None
        self.messages += [*said, answer.message]
        return answer

    def _check(self, answer, text, calls, fault):
        strangers = {number for number, _ in TOKEN.findall(answer.text) if int(number) != self.number}
        if strangers:
            raise Violation(f"heard of conversation {strangers}")
        if fault and answer.ended == "whole":
            raise Violation(f"upstream: {fault}, and the answer looks whole: {answer.text!r}")
        if fault or (answer.ended == "error" and not answer.text):
            return
        made = [(name, given) for _, name, given in answer.calls]
        if answer.ended == "whole" and (answer.text, made) != (text, calls):
            raise Violation(f"a wrong answer: {answer.text!r} {made}, not {text!r} {calls}")
        if not text.startswith(answer.text):
            raise Violation(f"a wrong part of an answer: {answer.text!r} of {text!r}")
