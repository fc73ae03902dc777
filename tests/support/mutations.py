"""Requests that went wrong: valid bodies, changed in structure or in bytes. The same seed makes the same requests."""

import copy
import json
from dataclasses import dataclass, field

NOTHING_LIKE_IT = [
    None, True, False, 0, -1, 1.5, 10**30, 1e300, "", " ", "x", "\u0000", "\u2028", "🙂" * 50, "y" * 200_000,
    [], {}, [[]], [None], {"type": "text"}, {"type": 7}, {"": {}}, [{"role": "user"}], "user", "tool_use",
]  # fmt: skip


@dataclass
class Request:
    """A request as bytes, with what was done to it for the message of a failure."""

    body: bytes
    headers: dict = field(default_factory=lambda: {"content-type": "application/json"})
    story: str = ""
    # The request as a value, where that is what was changed.
    value: dict | None = None


def mutated(bodies, random):
    """A request made of one of the valid bodies."""
    body = copy.deepcopy(random.choice(bodies))
    if random.random() < 0.25:
        return random.choice(IN_BYTES)(json.dumps(body, ensure_ascii=random.random() < 0.5).encode(), random)
    stories = [random.choice(IN_STRUCTURE)(body, random) for _ in range(random.choice([1, 1, 1, 2, 3]))]
    return Request(json.dumps(body).encode(), story="; ".join(stories), value=body)


def _place(body, random):
    """A random member of a random object or list: its holder, its key, and its path."""
    places = []

    def walk(value, path):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in list(pairs):
            places.append((value, key, f"{path}/{key}"))
            if isinstance(inner, dict | list):
                walk(inner, f"{path}/{key}")

    walk(body, "")
    return random.choice(places) if places else ({"": None}, "", "nowhere")


def _drop(body, random):
    holder, key, path = _place(body, random)
    del holder[key]
    return f"dropped {path}"


def _retype(body, random):
    holder, key, path = _place(body, random)
    holder[key] = copy.deepcopy(random.choice(NOTHING_LIKE_IT))
    return f"{path} became {str(holder[key])[:40]!r}"


def _repeat(body, random):
    holder, key, path = _place(body, random)
    if isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        holder[key] = [holder[key], copy.deepcopy(holder[key])]
    return f"repeated {path}"


def _nest(body, random):
    holder, key, path = _place(body, random)
    depth = random.choice([1, 2, 100])
    for _ in range(depth):
        holder[key] = [holder[key]] if random.random() < 0.5 else {"type": "text", "content": holder[key]}
    return f"nested {path} {depth} deep"


def _rename(body, random):
    holder, key, path = _place(body, random)
    name = random.choice(["", "Role", "content ", "x-unknown", "type", "\u0000", "__proto__"])
    if isinstance(holder, dict):
        holder[name] = holder.pop(key)
    return f"renamed {path} to {name!r}"


def _swap(body, random):
    one, key, path = _place(body, random)
    other, other_key, other_path = _place(body, random)
    one[key], other[other_key] = copy.deepcopy(other[other_key]), copy.deepcopy(one[key])
    return f"swapped {path} and {other_path}"


def _truncate(text, random):
    end = random.randrange(len(text))
    return Request(text[:end], story=f"truncated at byte {end}")


def _break_utf8(text, random):
    at = random.randrange(len(text))
    return Request(text[:at] + b"\xff\xc3\x28" + text[at:], story=f"bytes that are not UTF-8 at {at}")


def _lone_surrogate(text, random):
    quotes = [at for at, byte in enumerate(text) if byte == ord('"')]
    at = random.choice(quotes) + 1
    return Request(text[:at] + b"\\ud800" + text[at:], story=f"half a character at byte {at}")


def _flip(text, random):
    at = random.randrange(len(text))
    byte = random.choice(b'{}[]",:\\\x00 e0')
    return Request(text[:at] + bytes([byte]) + text[at + 1 :], story=f"byte {at} became {chr(byte)!r}")


def _say_twice(text, random):
    members = random.choice([b'"model":"claude-opus-5-5",', b'"messages":[],', b'"stream":false,', b'"stream":true,'])
    return Request(b"{" + members + text[1:], story=f"again in front: {members.decode()}")


def _append(text, random):
    more = random.choice([b"{}", b"]", b"\x00", text])
    return Request(text + more, story="something behind the end")


def _replace(text, random):
    instead = [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b"\xef\xbb\xbf" + text,
        b"<xml/>",
    ]
    chosen = random.choice(instead)
    return Request(chosen, story=f"instead of it: {chosen[:20]!r}")


def _mislabel(text, random):
    headers = random.choice(
        [
            {},
            {"content-type": "text/plain"},
            {"content-type": "application/x-www-form-urlencoded"},
            {"content-type": "application/json", "content-encoding": "gzip"},
            {"content-type": "application/json", "content-encoding": "br"},
        ]
    )
    return Request(text, headers, story=f"labelled {headers}")


IN_STRUCTURE = [_drop, _retype, _retype, _repeat, _nest, _rename, _swap]
IN_BYTES = [_truncate, _break_utf8, _lone_surrogate, _flip, _say_twice, _append, _replace, _mislabel]
