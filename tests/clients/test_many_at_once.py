"""Fifty requests at once, half of them in each dialect: each gets its own answer."""

import asyncio

from support import MODEL
from support.clients import async_anthropic_client, async_openai_client


def body(text):
    return {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": text}]}


async def by_message(client, text):
    answer = await client.messages.create(**body(text))
    return answer.content[0].text


async def by_stream(client, text):
    stream = await client.chat.completions.create(**body(text), stream=True)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


async def all_at_once(proxy, count):
    async with async_anthropic_client(proxy) as claude, async_openai_client(proxy) as gpt:
        asked = [(by_message, claude) if number % 2 else (by_stream, gpt) for number in range(count)]
        return await asyncio.gather(*(ask(client, f"number {n}") for n, (ask, client) in enumerate(asked)))


def test_fifty_at_once(proxy):
    assert asyncio.run(all_at_once(proxy, 50)) == [f'You said: "number {number}"' for number in range(50)]
