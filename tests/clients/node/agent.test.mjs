// What built-in tools do is told beside the answer: the official clients must not mistake it for a part of it.
import assert from "node:assert/strict";
import test from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const { PROXY_URL, PROXY_KEY, MODEL } = process.env;
const defaultHeaders = { "x-claude-code-events": "true" };
const messages = [{ role: "user", content: "Look" }];
const said = "Let me see. It says hello.";

test("the Anthropic client passes over the events", async () => {
  const client = new Anthropic({ apiKey: PROXY_KEY, baseURL: PROXY_URL, maxRetries: 0, defaultHeaders });
  const stream = client.messages.stream({ model: MODEL, max_tokens: 100, messages });
  const message = await stream.finalMessage();
  assert.equal(message.content.map((block) => block.text).join(""), said);
  assert.equal(message.usage.output_tokens, 30);
});

test("the OpenAI client sees a member more in chunks that add nothing", async () => {
  const client = new OpenAI({ apiKey: PROXY_KEY, baseURL: `${PROXY_URL}/v1`, maxRetries: 0, defaultHeaders });
  let text = "";
  const told = [];
  for await (const chunk of await client.chat.completions.create({ model: MODEL, messages, stream: true })) {
    text += chunk.choices[0].delta.content ?? "";
    if (chunk.claude_code_event) told.push(chunk.claude_code_event.kind);
  }
  assert.equal(text, said);
  assert.deepEqual(told, ["tool_use", "tool_result"]);
});
