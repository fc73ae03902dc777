"""Time to first token through the real Claude Code: continued, warm, fed and cold, beside the official Python SDK."""

import argparse
import os
from pathlib import Path

import agent_sdk
import report
from scenarios import Bench
from stand import Simulator, version


def main():
    flags = argparse.ArgumentParser(prog="make bench-claude", description=__doc__)
    flags.add_argument("--rounds", type=int, default=20)
    flags.add_argument("--write", type=Path, help="also write the results to this file")
    chosen = flags.parse_args()
    proxy, simulator, claude = (os.environ[f"BENCH_{name}"] for name in ("PROXY", "SIMULATOR", "CLAUDE"))
    versions = {"Proxy": version(proxy), "Claude Code": version(claude), "claude-agent-sdk": agent_sdk.VERSION}
    at_start = report.machine()

    upstream = Simulator(simulator)
    bench = Bench(upstream, proxy, claude)
    try:
        rows = report.table(run(bench, chosen.rounds))
        command = f'make bench-claude BENCH_ARGS="--rounds {chosen.rounds}"'
        text = "\n".join(report.whole(rows, bench, versions, command, at_start))
    finally:
        bench.close()
        upstream.close()
    print(text)
    if chosen.write:
        chosen.write.write_text(text + "\n")


def run(bench, rounds):
    """Every measurement once a round; the first round, with cold files, is not counted."""
    measured = {}
    for number in range(rounds + 1):
        for way, dialect, measure in bench.measurements():
            milliseconds = measure()
            if number:
                measured.setdefault((way, dialect), []).append(milliseconds)
        if not number:
            bench.forget()
        print(f"round {number} of {rounds}", end="\r", flush=True)
    return measured


main()
