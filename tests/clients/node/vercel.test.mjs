// The Vercel AI SDK over chat completions, Responses and Messages.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { Output, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { key, model, simulator, url } from "./service.mjs";

const openai = createOpenAI({ baseURL: `${url}/v1`, apiKey: key });
const anthropic = createAnthropic({ baseURL: `${url}/v1`, apiKey: key });
const models = { chat: openai.chat(model), responses: openai.responses(model), messages: anthropic(model) };
// It tries once: a retry would hide a fault.
const usual = { maxRetries: 0 };

const asked = [];
const weather = tool({
    description: "The weather in a city",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => asked.push(city) && "-3 °C",
});
const call = { tool: { name: "weather", input: { city: "Oslo" } } };

beforeEach(() => {
    asked.length = 0;
    return simulator.clear();
});

for (const [way, served] of Object.entries(models)) {
    test(`${way}: an answer with its usage`, async () => {
        await simulator.script({ steps: [{ text: "Good day." }], usage: { input_tokens: 7, output_tokens: 5 } });
        const { text, usage, finishReason } = await generateText({
            ...usual, model: served, instructions: "Be polite.", prompt: "Hello",
        });
        assert.deepEqual([text, finishReason, usage.inputTokens, usage.outputTokens], ["Good day.", "stop", 7, 5]);
        const [{ system }] = await simulator.conversations();
        assert.equal(system.at(-1).text, "Be polite.");
    });

    test(`${way}: a stream`, async () => {
        await simulator.script({ steps: [{ text: ["Go", "od ", "day."] }] });
        const pieces = [];
        const result = streamText({ ...usual, model: served, prompt: "Hello", onError: ({ error }) => { throw error; } });
        for await (const piece of result.textStream) pieces.push(piece);
        assert.deepEqual(pieces, ["Go", "od ", "day."]);
        assert.equal(await result.finishReason, "stop");
    });

    test(`${way}: the tool loop`, async () => {
        await simulator.script({ steps: [{ thinking: "Look." }, { text: "Let me look." }, call] });
        const { text, steps } = await generateText({
            ...usual, model: served, tools: { weather }, stopWhen: stepCountIs(3), prompt: "How warm is it?",
        });
        assert.deepEqual(asked, ["Oslo"]);
        assert.equal(text, 'The tool said: "-3 °C"');
        assert.equal(steps.length, 2);
    });

    test(`${way}: the tool loop in a stream`, async () => {
        await simulator.script({ steps: [{ thinking: "Look." }, call] }, { steps: [{ text: ["Cold", "."] }] });
        const result = streamText({
            ...usual, model: served, tools: { weather }, stopWhen: stepCountIs(3), prompt: "How warm is it?",
        });
        assert.equal(await result.text, "Cold.");
        assert.deepEqual(asked, ["Oslo"]);
    });

    test(`${way}: an answer of a type`, async () => {
        const person = z.object({ name: z.string(), age: z.number().int() });
        const { output } = await generateText({
            ...usual, model: served, output: Output.object({ schema: person }), prompt: "Who is it?",
        });
        assert.equal(typeof output.name, "string");
        assert.ok(Number.isInteger(output.age));
    });

    test(`${way}: upstream's refusal`, async () => {
        await simulator.script({ http_error: { status: 429, message: "Told upstream." } });
        await assert.rejects(generateText({ ...usual, model: served, prompt: "Hello" }), (error) => {
            assert.equal(error.statusCode, 429);
            assert.match(error.message, /Told upstream/);
            return true;
        });
    });
}

test("responses: a conversation goes on from what was stored", async () => {
    await simulator.script({ steps: [{ thinking: "Hm." }, { text: "Hello Ada." }] });
    const first = await generateText({ ...usual, model: models.responses, prompt: "I am Ada." });
    const { responseId } = first.providerMetadata.openai;
    await generateText({
        ...usual, model: models.responses, prompt: "Who am I?",
        providerOptions: { openai: { previousResponseId: responseId } },
    });
    const { messages } = (await simulator.conversations()).at(-1);
    assert.deepEqual(messages.map((message) => message.role), ["user", "assistant", "user"]);
});
