"""Server-sent events of a plain HTTP response."""

import json


def events(response):
    """(name, data) of each event as it comes; data is JSON where it is that, else text. Comments are left out."""
    for name, text in raw_events(response.iter_lines()):
        yield name, text if text == "[DONE]" else json.loads(text)


def raw_events(lines):
    """(name, data) of each event that is whole, data as it was written."""
    name, data = "", []
    for line in lines:
        field, _, value = line.partition(":")
        if not line:
            if data:
                yield name, "\n".join(data)
            name, data = "", []
        elif field == "event":
            name = value.strip()
        elif field == "data":
            data.append(value.removeprefix(" "))


def text_of(data):
    """The text that an event or a chunk adds, in either dialect."""
    if not isinstance(data, dict):
        return ""
    if "choices" in data:
        return "".join(choice["delta"].get("content") or "" for choice in data["choices"])
    return data.get("delta", {}).get("text", "")
