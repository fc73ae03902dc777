// Anthropic's JavaScript client against the program.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { anthropic, model, red, simulator } from "./service.mjs";

const client = anthropic();
const hello = { model, max_tokens: 100, messages: [{ role: "user", content: "Hello" }] };

beforeEach(() => simulator.clear());

test("an answer with its usage", async () => {
    await simulator.script({ steps: [{ text: "Good day." }], usage: { input_tokens: 7, output_tokens: 5 } });
    const answer = await client.messages.create(hello);
    assert.deepEqual(answer.content.map((block) => block.text), ["Good day."]);
    assert.deepEqual([answer.model, answer.stop_reason], [model, "end_turn"]);
    assert.deepEqual([answer.usage.input_tokens, answer.usage.output_tokens], [7, 5]);
});

test("a stream", async () => {
    await simulator.script({ steps: [{ text: ["Go", "od ", "day."] }] });
    const stream = client.messages.stream(hello);
    const pieces = [];
    stream.on("text", (text) => pieces.push(text));
    const answer = await stream.finalMessage();
    assert.deepEqual(pieces, ["Go", "od ", "day."]);
    assert.equal(answer.content[0].text, "Good day.");
});

test("system prompt and a history with an image", async () => {
    const image = { type: "image", source: { type: "base64", media_type: "image/png", data: red } };
    const messages = [
        { role: "user", content: [image, { type: "text", text: "What colour?" }] },
        { role: "assistant", content: "Red." },
        { role: "user", content: "Sure?" },
    ];
    const answer = await client.messages.create({ ...hello, messages, system: "You name colours." });
    assert.equal(answer.content[0].text, 'You said: "Sure?"');
    const [{ system, messages: arrived }] = await simulator.conversations();
    assert.equal([].concat(system).map((block) => block.text ?? block).at(-1), "You name colours.");
    assert.deepEqual(arrived[0], messages[0]);
    assert.deepEqual(arrived.map((message) => message.role), ["user", "assistant", "user"]);
});

test("the answer ends at a stop sequence", async () => {
    const messages = [{ role: "user", content: "one END two" }];
    const answer = await client.messages.create({ ...hello, messages, stop_sequences: ["END"] });
    assert.deepEqual([answer.stop_reason, answer.stop_sequence], ["stop_sequence", "END"]);
});

for (const [status, error] of [
    [400, Anthropic.BadRequestError],
    [401, Anthropic.AuthenticationError],
    [403, Anthropic.PermissionDeniedError],
    [429, Anthropic.RateLimitError],
    [529, Anthropic.InternalServerError],
]) {
    test(`upstream's ${status} raises ${error.name}`, async () => {
        await simulator.script({ http_error: { status, message: "Told upstream." } });
        await assert.rejects(client.messages.create(hello), (raised) => {
            assert.ok(raised instanceof error, raised.constructor.name);
            assert.equal(raised.status, status);
            assert.match(raised.message, /Told upstream/);
            return true;
        });
    });
}

test("a wrong key", () => assert.rejects(anthropic({ apiKey: "wrong" }).messages.create(hello), Anthropic.AuthenticationError));

test("an error in the middle of a stream", async () => {
    await simulator.script({ steps: [{ text: "So far" }, { error: { type: "overloaded_error" } }] });
    await assert.rejects(async () => {
        for await (const _ of await client.messages.create({ ...hello, stream: true }));
    }, Anthropic.APIError);
});

test("an answer names its request", async () => {
    const { response, request_id } = await client.messages.create(hello).withResponse();
    assert.match(response.headers.get("x-request-id"), /^req_/);
    assert.equal(request_id, response.headers.get("request-id"));
});

test("models and tokens", async () => {
    const listed = await Array.fromAsync?.(client.models.list()) ?? (await client.models.list({ limit: 1000 })).data;
    assert.ok(listed.some((entry) => entry.id === model));
    assert.equal((await client.models.retrieve(model)).id, model);
    const counted = await client.messages.countTokens({ model, messages: hello.messages });
    assert.ok(counted.input_tokens > 0);
});

test("a retired model", async () => {
    const answer = await client.messages.create({ ...hello, model: "claude-3-sonnet-20240229" });
    assert.equal(answer.model, "claude-3-sonnet-20240229");
});

test("ten at once", async () => {
    const ask = (text) => client.messages.create({ ...hello, messages: [{ role: "user", content: text }] });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, number) => ask(`number ${number}`)));
    answers.forEach((answer, number) => assert.equal(answer.content[0].text, `You said: "number ${number}"`));
});

test("a tool call and its result", async () => {
    await simulator.script({ steps: [{ tool: { name: "weather", input: { city: "Oslo" } } }] });
    const tools = [{ name: "weather", input_schema: { type: "object", properties: { city: { type: "string" } } } }];
    const asked = await client.messages.create({ ...hello, tools });
    assert.deepEqual(asked.content[0].input, { city: "Oslo" });
    const result = { type: "tool_result", tool_use_id: asked.content[0].id, content: "-3 °C" };
    const messages = [...hello.messages, { role: "assistant", content: asked.content }, { role: "user", content: [result] }];
    assert.equal((await client.messages.create({ ...hello, tools, messages })).content[0].text, 'The tool said: "-3 °C"');
});
