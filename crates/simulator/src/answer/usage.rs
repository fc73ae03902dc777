//! The token counts of an answer: scripted ones first, else the simulator's rule.

use crate::script::{Pieces, Step, Thinking, Turn};
use crate::tokens;
use serde::Serialize;

#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    thinking_tokens: Option<u64>,
}

/// As in `message_start` and in an answer that is not streamed.
#[derive(Serialize)]
pub(super) struct Whole {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation: CacheCreation,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<Details>,
    service_tier: &'static str,
    inference_geo: &'static str,
}

/// As in `message_delta`: the counts are those of the whole message.
#[derive(Serialize)]
pub(super) struct Final {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<Details>,
}

#[derive(Serialize)]
struct CacheCreation {
    ephemeral_5m_input_tokens: u64,
    ephemeral_1h_input_tokens: u64,
}

#[derive(Serialize)]
struct Details {
    thinking_tokens: u64,
}

impl Usage {
    /// Tokens in and out, as AWS tells them beside an answer.
    pub(super) fn in_and_out(self) -> (u64, u64) {
        (self.input_tokens, self.output_tokens)
    }

    pub(super) fn of(turn: &Turn, input_tokens: u64) -> Self {
        let written = written(turn);
        let thinking = turn.usage.thinking_tokens;
        Self {
            input_tokens: turn.usage.input_tokens.unwrap_or(input_tokens),
            output_tokens: turn.usage.output_tokens.unwrap_or(tokens::of_chars(written.all).max(1)),
            cache_creation_input_tokens: turn.usage.cache_creation_input_tokens.unwrap_or(0),
            cache_read_input_tokens: turn.usage.cache_read_input_tokens.unwrap_or(0),
            thinking_tokens: thinking.or((written.thinking > 0).then(|| tokens::of_chars(written.thinking))),
        }
    }

    pub(super) fn at_start(&self) -> Whole {
        Whole { output_tokens: self.output_tokens.min(1), output_tokens_details: None, ..self.whole() }
    }

    pub(super) fn whole(&self) -> Whole {
        Whole {
            input_tokens: self.input_tokens,
            cache_creation_input_tokens: self.cache_creation_input_tokens,
            cache_read_input_tokens: self.cache_read_input_tokens,
            cache_creation: CacheCreation {
                ephemeral_5m_input_tokens: self.cache_creation_input_tokens,
                ephemeral_1h_input_tokens: 0,
            },
            output_tokens: self.output_tokens,
            output_tokens_details: self.details(),
            service_tier: "standard",
            inference_geo: "global",
        }
    }

    pub(super) fn at_end(&self) -> Final {
        Final {
            input_tokens: self.input_tokens,
            cache_creation_input_tokens: self.cache_creation_input_tokens,
            cache_read_input_tokens: self.cache_read_input_tokens,
            output_tokens: self.output_tokens,
            output_tokens_details: self.details(),
        }
    }

    fn details(&self) -> Option<Details> {
        self.thinking_tokens.map(|thinking_tokens| Details { thinking_tokens })
    }
}

/// Characters written.
#[derive(Default)]
struct Written {
    all: usize,
    thinking: usize,
}

fn written(turn: &Turn) -> Written {
    let mut written = Written::default();
    for step in &turn.steps {
        match step {
            Step::Text(pieces) => written.all += chars(pieces),
            Step::Thinking(Thinking::Signed(text) | Thinking::With { text, .. }) => {
                written.all += chars(text);
                written.thinking += chars(text);
            }
            Step::RedactedThinking(hidden) => {
                written.all += hidden.chars().count();
                written.thinking += hidden.chars().count();
            }
            Step::Tool(tool) => {
                written.all += tool.name.chars().count();
                written.all += tool.input.as_ref().map_or(0, |input| input.get().chars().count());
                written.all += tool.deltas.iter().flatten().map(|delta| delta.chars().count()).sum::<usize>();
            }
            _ => {}
        }
    }
    written
}

fn chars(pieces: &Pieces) -> usize {
    pieces.iter().map(|piece| piece.chars().count()).sum()
}
