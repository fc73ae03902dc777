"""What is measured, each in one function that gives the milliseconds until the first text."""

import asyncio
import itertools
import json
import tempfile

import agent_sdk
from client import DIALECTS, Anthropic, Client
from stand import KEY, Proxy

MODEL = "claude-sonnet-5-5"
# Nothing is started ahead, nothing is kept: every conversation is a cold start.
WITHOUT_SPARES = {"CCP_CLAUDE_CODE__MAX_IDLE": "0", "CCP_CLAUDE_CODE__PROCESS_MAX_AGE": "0.001"}
FED_TURNS = 10
SDK = "Agent SDK, one-shot query()"
DIRECT = "simulator alone"
CONTINUED, WARM, FED, COLD = "continued turn", "warm spare", f"spare fed {FED_TURNS} turns", "cold start"


class Bench:
    """The stand, and one measurement after the other on it. Questions never repeat: nothing is served by chance."""

    def __init__(self, simulator, program, claude):
        self.simulator, self.claude = simulator, claude
        self.proxy = Proxy(program, claude, simulator.url)
        self.client = Client(self.proxy.port, KEY)
        self.cold_proxy = Proxy(program, claude, simulator.url, WITHOUT_SPARES)
        self.cold_client = Client(self.cold_proxy.port, KEY)
        self.direct = Client(int(simulator.url.rsplit(":", 1)[1]), KEY)
        self.folder = tempfile.TemporaryDirectory(prefix="bench-sdk-")
        self.numbers = itertools.count(1)
        self.same_process = {dialect.name: [] for dialect in DIALECTS}
        self.upstream_calls = {}
        self.spare_waited = []

    def measurements(self):
        """One round: what is measured, in which dialect, and how."""
        yield DIRECT, "", self.simulator_alone
        yield SDK, "", self.sdk
        for way, run in ((CONTINUED, self.continued), (WARM, self.warm), (FED, self.fed), (COLD, self.cold)):
            for dialect in DIALECTS:
                yield way, dialect.name, lambda run=run, dialect=dialect: run(dialect)

    def question(self):
        return f"Question {next(self.numbers)}. [[sim n=8]]"

    def turn(self):
        return {"role": "user", "content": self.question()}

    def simulator_alone(self):
        return self.direct.ask(Anthropic, MODEL, [self.turn()]).first_ms

    def sdk(self):
        self.proxy.settle()
        chosen = agent_sdk.options(self.claude, MODEL, self.simulator.url, self.folder.name)
        return asyncio.run(agent_sdk.one_shot(self.question(), chosen)).first_ms

    def warm(self, dialect):
        self.spare_waited.append(self.proxy.settle())
        return self.measured(WARM, lambda: self.client.ask(dialect, MODEL, [self.turn()])).first_ms

    def fed(self, dialect):
        history = []
        for number in range(FED_TURNS):
            history += [self.turn(), {"role": "assistant", "content": f"Answer {number}."}]
        self.spare_waited.append(self.proxy.settle())
        return self.measured(FED, lambda: self.client.ask(dialect, MODEL, [*history, self.turn()])).first_ms

    def continued(self, dialect):
        conversation = [self.turn()]
        answer = self.client.ask(dialect, MODEL, conversation)
        conversation += [{"role": "assistant", "content": answer.text}, self.turn()]
        self.proxy.settle()
        first = self.simulator.arrived()
        answer = self.measured(CONTINUED, lambda: self.client.ask(dialect, MODEL, conversation))
        self.same_process[dialect.name].append(session(first[-1]) == session(self.last))
        return answer.first_ms

    def cold(self, dialect):
        self.proxy.settle()
        return self.measured(COLD, lambda: self.cold_client.ask(dialect, MODEL, [self.turn()])).first_ms

    def measured(self, way, ask):
        """Asks, and counts what it cost upstream."""
        self.simulator.arrived()
        answer = ask()
        arrived = self.simulator.arrived()
        self.last = arrived[-1]
        self.upstream_calls.setdefault(way, []).append(len(arrived))
        return answer

    def forget(self):
        """Starts counting what happens."""
        self.upstream_calls.clear()
        self.spare_waited.clear()
        for seen in self.same_process.values():
            seen.clear()

    def close(self):
        for held in (self.client, self.cold_client, self.direct, self.proxy, self.cold_proxy):
            held.close()
        self.folder.cleanup()


def session(request):
    """The program's session that a request upstream names: each process has its own."""
    user = json.loads(request["body"]).get("metadata", {}).get("user_id")
    return user or request["headers"].get("x-claude-code-session-id")
