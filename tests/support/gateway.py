"""Configurations with several upstreams, and changes of them while the proxy runs."""

import json


def config_over(upstreams, **routing):
    backends = {
        name: {"kind": "anthropic", "base_url": simulator.url, "api_key": "sim-key"}
        for name, simulator in zip("ab", upstreams)
    }
    routes = {"routes": [{"models": ["*"], "targets": ["a", "b"]}]}
    return {"claude": {"backend": None}, "backends": backends, "routing": routes | routing}


def change(proxy, **sections):
    """Writes these sections into the file that the proxy was started with; a key that is None goes."""
    file = proxy.home / "config.json"
    config = json.loads(file.read_text())
    for name, section in sections.items():
        section = config.get(name, {}) | section
        config[name] = {key: value for key, value in section.items() if value is not None}
    file.write_text(json.dumps(config))
