"""A conversation of several turns with images: what reaches the Messages API, block by block."""

from support import conversation
from support.cli_additions import canonical, without_cli_additions


def arrived(proxy, simulator):
    body = simulator.conversation()
    return canonical(body) if proxy.backend == "anthropic" else without_cli_additions(body)


def test_a_history_arrives_block_by_block_from_the_anthropic_client(claude, proxy, simulator):
    answer = claude.messages.create(**conversation.ANTHROPIC)
    assert answer.content[0].text == 'You said: "And this, beside the first?"'
    assert arrived(proxy, simulator) == canonical(conversation.ANTHROPIC)


def test_a_history_arrives_block_by_block_from_the_openai_client(gpt, proxy, simulator):
    answer = gpt.chat.completions.create(**conversation.OPENAI)
    assert answer.choices[0].message.content == 'You said: "And this, beside the first?"'
    assert arrived(proxy, simulator) == canonical(conversation.ANTHROPIC)
