// What the Node tests share: the clients, pointed at the proxy that pytest started, and the simulator's controls.
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const { PROXY_URL, PROXY_KEY, SIMULATOR_URL } = process.env;

export const model = "claude-sonnet-5-5";
export const url = PROXY_URL;
export const key = PROXY_KEY;
// They try once: a retry would hide a fault.
export const anthropic = (options) => new Anthropic({ baseURL: PROXY_URL, apiKey: PROXY_KEY, maxRetries: 0, ...options });
export const openai = (options) => new OpenAI({ baseURL: `${PROXY_URL}/v1`, apiKey: PROXY_KEY, maxRetries: 0, ...options });

async function control(method, path, body) {
    const response = await fetch(`${SIMULATOR_URL}/__sim/${path}`, { method, body: body && JSON.stringify(body) });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
}

export const simulator = {
    /** Queues answers; each serves one request. */
    script: (...turns) => control("POST", "script", turns),
    /** The bodies of the requests for a message, oldest first. */
    conversations: async () => (await control("GET", "requests?path=/v1/messages")).map((request) => request.json),
    /** Forgets scripts and requests. */
    clear: async () => {
        await control("DELETE", "script");
        await control("DELETE", "requests");
    },
};

// One red pixel.
export const red = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
