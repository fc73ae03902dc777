//! The answer when nobody wrote a script: repeats what was said, calls a tool when it must, keeps to a schema.

use crate::prompt::Prompt;
use crate::sample;
use crate::script::{Pieces, Step, Turn, turn as empty};
use serde_json::Value;

/// At most this many characters of the prompt are repeated.
const REPEATED_CHARS: usize = 200;

pub(crate) fn turn(body: &Value, prompt: &Prompt) -> Turn {
    if let Some(tool) = forced_tool(body) {
        let name = tool["name"].as_str().unwrap_or_default();
        return turn_of_tool(name, &tool["input_schema"]);
    }
    let schema = &body["output_config"]["format"]["schema"];
    let text = if schema.is_object() { sample::of(schema).to_string() } else { said(prompt) };
    limited(&text, body)
}

fn turn_of_tool(name: &str, schema: &Value) -> Turn {
    empty().tool(name, sample::of(schema))
}

/// The tool that `tool_choice` leaves no way around.
fn forced_tool(body: &Value) -> Option<&Value> {
    let tools = body["tools"].as_array()?;
    match body["tool_choice"]["type"].as_str()? {
        "tool" => tools.iter().find(|tool| tool["name"] == body["tool_choice"]["name"]),
        "any" => tools.iter().find(|tool| tool["input_schema"].is_object()),
        _ => None,
    }
}

fn said(prompt: &Prompt) -> String {
    let (who, text) = match prompt.tool_results.as_slice() {
        [] => ("You said", prompt.text()),
        [.., last] => ("The tool said", last.as_str()),
    };
    let mut repeated: String = text.chars().take(REPEATED_CHARS).collect();
    if repeated.len() < text.len() {
        repeated.push('…');
    }
    format!("{who}: \"{repeated}\"")
}

/// Ends where a stop sequence or `max_tokens` ends it.
fn limited(text: &str, body: &Value) -> Turn {
    let sequences = body["stop_sequences"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let stop = sequences.filter_map(|sequence| Some((text.find(sequence)?, sequence))).min();
    let text = stop.map_or(text, |(end, _)| &text[..end]);
    let max_chars =
        body["max_tokens"].as_u64().map_or(usize::MAX, |tokens| (tokens as usize).saturating_mul(4));
    let cut: String = text.chars().take(max_chars).collect();
    let turn = words(&cut);
    match stop {
        _ if cut.len() < text.len() => turn.stop("max_tokens"),
        Some((_, sequence)) => turn.stop_sequence(sequence),
        None => turn,
    }
}

/// One delta a word.
fn words(text: &str) -> Turn {
    let pieces: Vec<String> = text.split_inclusive(' ').map(str::to_owned).collect();
    if pieces.is_empty() { empty() } else { empty().step(Step::Text(Pieces::Many(pieces))) }
}

#[cfg(test)]
mod tests {
    use super::turn;
    use crate::prompt::Prompt;
    use crate::script::{Step, Turn};
    use serde_json::{Value, json};

    fn answer(body: &Value) -> Turn {
        turn(body, &Prompt::of(body))
    }

    fn text(turn: &Turn) -> String {
        let Some(Step::Text(pieces)) = turn.steps.first() else { panic!("{turn:?}") };
        pieces.joined()
    }

    fn user(content: impl Into<Value>) -> Value {
        json!([{"role": "user", "content": content.into()}])
    }

    #[test]
    fn repeats_what_the_user_said() {
        assert_eq!(text(&answer(&json!({"messages": user("hello there")}))), "You said: \"hello there\"");
        let long = text(&answer(&json!({"messages": user("x".repeat(500))})));
        assert_eq!(long.chars().count(), 200 + "You said: \"…\"".chars().count());
    }

    #[test]
    fn stops_at_a_stop_sequence_and_at_max_tokens() {
        let stopped = answer(&json!({"messages": user("one END two"), "stop_sequences": ["two", "END"]}));
        assert_eq!(
            (text(&stopped).as_str(), stopped.stop_sequence.as_deref()),
            ("You said: \"one ", Some("END"))
        );
        let cut = answer(&json!({"messages": user("one two"), "max_tokens": 1}));
        assert_eq!((text(&cut).as_str(), cut.stop_reason.as_deref()), ("You ", Some("max_tokens")));
    }

    #[test]
    fn calls_the_tool_it_has_to_call() {
        let schema =
            json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
        let body = json!({"messages": user("hi"), "tools": [{"name": "weather", "input_schema": schema}],
            "tool_choice": {"type": "any"}});
        let Some(Step::Tool(tool)) = answer(&body).steps.first().cloned() else { panic!("no tool call") };
        assert_eq!((tool.name.as_str(), tool.input.unwrap().get()), ("weather", r#"{"city":"example"}"#));
    }
}
