"""A conversation of several turns with images, in both dialects."""

from .simulator import MODEL

# One pixel each: red and blue.
RED = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
BLUE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYPgPAAEDAQAIicLsAAAAAElFTkSuQmCC"
SYSTEM = "You name colours.\nNothing else — ever."


def _image(data):
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}}


def _text(text):
    return {"type": "text", "text": text}


MESSAGES = [
    {"role": "user", "content": [_text("What colour is this?"), _image(RED), _text("One word, «bitte»\t🙂.")]},
    {"role": "assistant", "content": [_text("Red.\n")]},
    {"role": "user", "content": [_text("Are you sure?")]},
    {"role": "assistant", "content": [_text("Yes: red.")]},
    {"role": "user", "content": [_image(BLUE), _text("And this, beside the first?")]},
]

# As the Messages API is told it.
ANTHROPIC = {"model": MODEL, "max_tokens": 300, "system": SYSTEM, "messages": MESSAGES}


def _part(block):
    if block["type"] == "text":
        return block
    source = block["source"]
    return {"type": "image_url", "image_url": {"url": f"data:{source['media_type']};base64,{source['data']}"}}


# The same for the Chat Completions API.
OPENAI = {
    "model": MODEL,
    "max_completion_tokens": 300,
    "messages": [
        {"role": "system", "content": SYSTEM},
        *(
            {"role": message["role"], "content": [_part(block) for block in message["content"]]}
            if message["role"] == "user"
            else {"role": "assistant", "content": message["content"][0]["text"]}
            for message in MESSAGES
        ),
    ],
}
