"""The official Python clients, pointed at a proxy. They try once: a retry would hide a fault."""

import anthropic
import openai

from .proxy import KEY


def anthropic_client(proxy, kind=anthropic.Anthropic, **options):
    return kind(**({"api_key": KEY, "base_url": proxy.url, "max_retries": 0, "timeout": 300} | options))


def async_anthropic_client(proxy, **options):
    return anthropic_client(proxy, anthropic.AsyncAnthropic, **options)


def openai_client(proxy, kind=openai.OpenAI, **options):
    return kind(**({"api_key": KEY, "base_url": f"{proxy.url}/v1", "max_retries": 0, "timeout": 300} | options))


def async_openai_client(proxy, **options):
    return openai_client(proxy, openai.AsyncOpenAI, **options)
