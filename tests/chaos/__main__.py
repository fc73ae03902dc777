"""Runs it and shows the report; fails when there is anything wrong in it."""

import argparse
import random
import sys
from pathlib import Path

from .run import run

parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
parser.add_argument("--minutes", type=float, default=30)
parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the choices made; chance remains")
parser.add_argument("--write", type=Path, help="a file for the report, as JSON")
parser.add_argument("--log", type=Path, help="a file for the proxy's log, with all its steps")
options = parser.parse_args()
print(f"{options.minutes:g} minutes, seed {options.seed}", flush=True)
report = run(options.minutes * 60, options.seed, options.log)
print(report)
if options.write:
    options.write.write_text(f"{report}\n")
sys.exit(1 if report.violations or report.leaks else 0)
