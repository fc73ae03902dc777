"""Numbers to lines: one table, what happened beside it, and whether the aims are reached."""

import math
import os
import platform
import statistics
import time

from scenarios import CONTINUED, DIRECT, FED, SDK, WARM

# The SDK's median over ours, at least.
AIMS = {CONTINUED: 10, WARM: 3.5}


def nearest_rank(values, share):
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def table(measured):
    """Rows of `(way, dialect, rounds, median, p95, times)`, the simulator's own median taken off everywhere else."""
    own = statistics.median(measured[DIRECT, ""])
    sdk = statistics.median(measured[SDK, ""]) - own
    rows = []
    for (way, dialect), values in measured.items():
        above = 0 if way == DIRECT else own
        median, p95 = statistics.median(values) - above, nearest_rank(values, 0.95) - above
        times = None if way == DIRECT else sdk / median
        rows.append((way, dialect, len(values), median, p95, times))
    return rows


def markdown(rows):
    yield "| | dialect | rounds | median ms | p95 ms | SDK ÷ this |"
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    for way, dialect, rounds, median, p95, times in rows:
        told = "" if times is None else f"{times:.1f}"
        yield f"| {way} | {dialect} | {rounds} | {median:.1f} | {p95:.1f} | {told} |"


def verdicts(rows):
    for way, dialect, _, _, _, times in rows:
        if way in AIMS:
            word = "reached" if times >= AIMS[way] else "NOT reached"
            yield f"- {way}, {dialect}: 1/{times:.1f} of the SDK's one-shot, aim 1/{AIMS[way]}: {word}"


def observations(bench):
    for way, calls in bench.upstream_calls.items():
        yield f"- {way}: {sum(calls)} upstream calls for {len(calls)} measured turns"
    yield f"- {WARM} and {FED}: for {sum(bench.spare_waited)} of {len(bench.spare_waited)} a spare had been started"
    for dialect, same in bench.same_process.items():
        yield f"- {CONTINUED}, {dialect}: {sum(same)} of {len(same)} served by the process of the turn before"


def machine():
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown CPU")
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} × {model}, Linux {platform.release()}, load {load:.1f} at the start"


def whole(rows, bench, versions, command, at_start):
    yield "# Claude Code behind the proxy, and beside the official SDK"
    yield ""
    yield "Milliseconds from a request to the first text of its answer, above the simulator's own (first row). Each round"
    yield "measures every row once, in turn. The proxy is the release binary, asked over HTTP; the SDK is asked for the same"
    yield "single turn by `query()`, with the same program, no tools, no settings and the same environment."
    yield ""
    yield f"- Command: `{command}`"
    yield f"- Date: {time.strftime('%Y-%m-%d')}"
    yield f"- Machine: {at_start}"
    yield from (f"- {name}: {version}" for name, version in versions.items())
    yield ""
    yield from markdown(rows)
    yield ""
    yield from verdicts(rows)
    yield from observations(bench)
