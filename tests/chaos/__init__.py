"""Mixed traffic over the real Claude Code while everything around it breaks. `python -m chaos --help`, below `tests/`."""
