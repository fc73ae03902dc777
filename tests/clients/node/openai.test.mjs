// OpenAI's JavaScript client against the program.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { model, openai, red, simulator } from "./service.mjs";

const client = openai();
const hello = { model, messages: [{ role: "user", content: "Hello" }] };

beforeEach(() => simulator.clear());

test("an answer with its usage", async () => {
    await simulator.script({ steps: [{ text: "Good day." }], usage: { input_tokens: 7, output_tokens: 5 } });
    const { choices, usage, ...answer } = await client.chat.completions.create(hello);
    assert.deepEqual([choices[0].message.content, choices[0].finish_reason], ["Good day.", "stop"]);
    assert.deepEqual([usage.prompt_tokens, usage.completion_tokens, usage.total_tokens], [7, 5, 12]);
    assert.equal(answer.model, model);
});

test("a stream with its usage", async () => {
    await simulator.script({ steps: [{ text: ["Go", "od ", "day."] }] });
    const pieces = [];
    let usage = null;
    const options = { stream: true, stream_options: { include_usage: true } };
    for await (const chunk of await client.chat.completions.create({ ...hello, ...options })) {
        if (chunk.choices[0]?.delta.content) pieces.push(chunk.choices[0].delta.content);
        usage = chunk.usage ?? usage;
    }
    assert.deepEqual(pieces, ["Go", "od ", "day."]);
    assert.ok(usage.prompt_tokens > 0 && usage.completion_tokens > 0);
});

test("system prompt and a history with an image", async () => {
    const image = { type: "image_url", image_url: { url: `data:image/png;base64,${red}` } };
    const messages = [
        { role: "system", content: "You name colours." },
        { role: "user", content: [image, { type: "text", text: "What colour?" }] },
        { role: "assistant", content: "Red." },
        { role: "user", content: "Sure?" },
    ];
    const answer = await client.chat.completions.create({ ...hello, messages });
    assert.equal(answer.choices[0].message.content, 'You said: "Sure?"');
    const [{ system, messages: arrived }] = await simulator.conversations();
    assert.equal(system.at(-1).text, "You name colours.");
    assert.deepEqual(arrived[0].content, [
        { type: "image", source: { type: "base64", media_type: "image/png", data: red } },
        { type: "text", text: "What colour?" },
    ]);
    assert.deepEqual(arrived.map((message) => message.role), ["user", "assistant", "user"]);
});

test("the answer ends where the limit ends it", async () => {
    const { choices } = await client.chat.completions.create({ ...hello, max_completion_tokens: 1 });
    assert.equal(choices[0].finish_reason, "length");
});

for (const [status, told, error] of [
    [400, 400, OpenAI.BadRequestError],
    [401, 401, OpenAI.AuthenticationError],
    [403, 403, OpenAI.PermissionDeniedError],
    [429, 429, OpenAI.RateLimitError],
    [529, 503, OpenAI.InternalServerError],
]) {
    test(`upstream's ${status} raises ${error.name}`, async () => {
        await simulator.script({ http_error: { status, message: "Told upstream." } });
        await assert.rejects(client.chat.completions.create(hello), (raised) => {
            assert.ok(raised instanceof error, raised.constructor.name);
            assert.equal(raised.status, told);
            assert.match(raised.message, /Told upstream/);
            return true;
        });
    });
}

test("a wrong key", () =>
    assert.rejects(openai({ apiKey: "wrong" }).chat.completions.create(hello), OpenAI.AuthenticationError));

test("an error in the middle of a stream", async () => {
    await simulator.script({ steps: [{ text: "So far" }, { error: { type: "overloaded_error" } }] });
    await assert.rejects(async () => {
        for await (const _ of await client.chat.completions.create({ ...hello, stream: true }));
    }, OpenAI.APIError);
});

test("an answer names its request", async () => {
    const { response, request_id } = await client.chat.completions.create(hello).withResponse();
    assert.match(response.headers.get("x-request-id"), /^req_/);
    assert.equal(request_id, response.headers.get("x-request-id"));
});

test("models", async () => {
    const listed = (await client.models.list()).data;
    assert.ok(listed.some((entry) => entry.id === model));
    assert.equal((await client.models.retrieve(model)).id, model);
});

test("a retired model", async () => {
    const answer = await client.chat.completions.create({ ...hello, model: "claude-3-sonnet-20240229" });
    assert.equal(answer.model, "claude-3-sonnet-20240229");
});

test("ten at once", async () => {
    const ask = (text) => client.chat.completions.create({ ...hello, messages: [{ role: "user", content: text }] });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, number) => ask(`number ${number}`)));
    answers.forEach((answer, number) => assert.equal(answer.choices[0].message.content, `You said: "number ${number}"`));
});

test("the client's own tool loop", async () => {
    await simulator.script({ steps: [{ tool: { name: "weather", input: { city: "Oslo" } } }] });
    const asked = [];
    const weather = {
        name: "weather",
        parameters: { type: "object", properties: { city: { type: "string" } } },
        parse: JSON.parse,
        function: ({ city }) => asked.push(city) && "-3 °C",
    };
    const runner = client.chat.completions.runTools({ ...hello, tools: [{ type: "function", function: weather }] });
    assert.equal(await runner.finalContent(), 'The tool said: "-3 °C"');
    assert.deepEqual(asked, ["Oslo"]);
});

const person = z.object({ name: z.string(), age: z.number() });
const ada = '{"name": "Ada", "age": 36}';

test("an answer of a type", async () => {
    await simulator.script({ steps: [{ text: ada }] });
    const { choices } = await client.chat.completions.parse({
        ...hello, response_format: zodResponseFormat(person, "person"),
    });
    assert.deepEqual(choices[0].message.parsed, { name: "Ada", age: 36 });
});

test("the streaming helper", async () => {
    await simulator.script({ steps: [{ thinking: "Hm." }, { text: ["Good ", "day."] }] });
    const stream = client.chat.completions.stream(hello);
    const pieces = [];
    stream.on("content", (delta) => pieces.push(delta));
    assert.equal(await stream.finalContent(), "Good day.");
    assert.deepEqual(pieces, ["Good ", "day."]);
});

test("a response and its continuation", async () => {
    const first = await client.responses.create({ model, input: "Hello" });
    assert.equal(first.output_text, 'You said: "Hello"');
    const next = await client.responses.create({ model, input: "Again", previous_response_id: first.id });
    assert.equal(next.output_text, 'You said: "Again"');
    const { messages } = (await simulator.conversations()).at(-1);
    assert.deepEqual(messages.map((message) => message.role), ["user", "assistant", "user"]);
});

test("the events of a response", async () => {
    await simulator.script({ steps: [{ thinking: "Hm." }, { text: ["Good ", "day."] }] });
    const stream = client.responses.stream({ model, input: "Hello", reasoning: { effort: "high", summary: "auto" } });
    const kinds = [];
    for await (const event of stream) kinds.push(event.type);
    assert.equal((await stream.finalResponse()).output_text, "Good day.");
    assert.ok(kinds.includes("response.reasoning_summary_text.delta"));
    assert.equal(kinds.filter((kind) => kind === "response.output_text.delta").length, 2);
});

test("a response of a type", async () => {
    await simulator.script({ steps: [{ text: ada }] });
    const { output_parsed } = await client.responses.parse({
        model, input: "Who?", text: { format: zodTextFormat(person, "person") },
    });
    assert.deepEqual(output_parsed, { name: "Ada", age: 36 });
});
