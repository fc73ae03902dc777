//! Steering by prompt: `[[sim …]]` in the last user text makes the turn, for demos and load without control.

use crate::script::{Before, HttpError, Pieces, Step, Turn, turn as empty};
use serde_json::value::RawValue;

/// What may stand in `[[sim …]]`; shown by `claude-simulator --help`.
pub const STEERING: &str = "\
Put directives into the last user message, for example [[sim n=20 gap=50]] or
[[sim thinking=\"let me see\" tool=look input={\"q\":1}]]. Steps happen in the order
they are written; values with spaces go in double quotes.
  text=T              this text
  n=N                 N deltas of text
  size=BYTES          the size of each of the N deltas before it
  gap=MS              milliseconds between deltas
  thinking=T          a signed thinking block
  redacted=T          a redacted thinking block
  tool=NAME           a tool call
  input=JSON          the input of the tool call before it
  pause=MS            wait inside the answer
  delay=MS            wait before the response's first byte
  hold                wait for POST /__sim/release
  stall               silent until the client goes
  ping                a ping event
  stream_error=TYPE   an in-stream error, which ends the stream
  cut                 half an event, then the socket closes
  close               the socket closes between events
  end                 the stream ends without message_stop
  error=STATUS        an HTTP error
  message=T           its message
  retry_after=S       its retry-after header
  should_retry=BOOL   its x-should-retry header
  stop=REASON         the stop reason
  chunk=BYTES         the body in pieces of this size
  in=N out=N          input and output tokens
  cache_write=N cache_read=N   prompt-cache tokens";

/// The turn that the text asks for, if it does.
pub(crate) fn turn(text: &str) -> Option<Turn> {
    let mut made = None;
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("[[sim") {
        let (directives, behind) = after.split_once("]]")?;
        made = Some(words(directives).into_iter().fold(made.unwrap_or_else(empty), apply));
        rest = behind;
    }
    made.map(filled)
}

/// Text for a turn that would say nothing.
fn filled(turn: Turn) -> Turn {
    let speaks = |step: &Step| !matches!(step, Step::PauseMs(_) | Step::Hold | Step::Ping);
    if turn.http_error.is_some() || turn.steps.iter().any(speaks) {
        return turn;
    }
    let mut filled = turn;
    let steps = std::mem::take(&mut filled.steps);
    filled = filled.text("Steered ");
    filled.steps.extend(steps);
    filled.text("answer.")
}

fn apply(mut turn: Turn, (name, value): (String, String)) -> Turn {
    let number = value.parse::<u64>();
    let count = number.clone().unwrap_or(0);
    match name.as_str() {
        "text" => turn.text(value),
        "n" => {
            turn.step(Step::Text(Pieces::Many((0..count.min(1_000_000)).map(|i| format!("w{i} ")).collect())))
        }
        "size" => sized(turn, count as usize),
        "gap" => turn.gap(count),
        "thinking" => turn.thinking(value),
        "redacted" => turn.redacted_thinking(value),
        "tool" => turn.tool(value, serde_json::json!({})),
        "input" => with_input(turn, value),
        "pause" => turn.pause(count),
        "delay" => turn.first(Before::PauseMs(count)),
        "hold" => turn.hold(),
        "stall" => turn.stall(),
        "ping" => turn.ping(),
        "stream_error" => turn.step(Step::Error(crate::script::StreamError { kind: value, message: None })),
        "cut" => turn.text("Cut after this. ").cut(),
        "close" => turn.text("Closed after this. ").close(),
        "end" => turn.text("Ends without message_stop. ").end(),
        "error" => turn.error(number.ok().and_then(|status| u16::try_from(status).ok()).unwrap_or(500)),
        "message" => turn.message(value),
        "retry_after" => turn.header("retry-after", value),
        "should_retry" => turn.header("x-should-retry", value),
        "stop" => turn.stop(value),
        "chunk" => turn.chunks_of(count as usize),
        "in" | "out" | "cache_write" | "cache_read" => {
            let usage = &mut turn.usage;
            match name.as_str() {
                "in" => usage.input_tokens = Some(count),
                "out" => usage.output_tokens = Some(count),
                "cache_write" => usage.cache_creation_input_tokens = Some(count),
                _ => usage.cache_read_input_tokens = Some(count),
            }
            turn
        }
        _ => turn.http_error(HttpError {
            status: 400,
            message: Some(format!("simulator: no such directive: {name}")),
            ..HttpError::default()
        }),
    }
}

/// Makes each delta of the text before it this long.
fn sized(mut turn: Turn, bytes: usize) -> Turn {
    if let Some(Step::Text(Pieces::Many(pieces))) = turn.steps.last_mut() {
        for piece in pieces {
            *piece = piece.chars().cycle().take(bytes.min(1 << 20)).collect();
        }
    }
    turn
}

fn with_input(mut turn: Turn, json: String) -> Turn {
    if let (Some(Step::Tool(tool)), Ok(input)) = (turn.steps.last_mut(), RawValue::from_string(json)) {
        tool.input = Some(input);
    }
    turn
}

/// `a=1 b="two words" c={"d": 1} e` → names and values.
fn words(directives: &str) -> Vec<(String, String)> {
    let mut words = Vec::new();
    let mut rest = directives.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (value, after) = after.strip_prefix('=').map_or(("", after), value);
        words.push((name.to_owned(), value.to_owned()));
        rest = after.trim_start();
    }
    words
}

/// A value and what follows it.
fn value(text: &str) -> (&str, &str) {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"').unwrap_or((quoted, ""));
    }
    if text.starts_with('{') {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
        if let Some(Ok(json)) = values.next() {
            return (json.get(), &text[values.byte_offset()..]);
        }
    }
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::turn;
    use serde_json::{Value, json};

    fn steps(text: &str) -> Value {
        serde_json::to_value(turn(text).unwrap().steps).unwrap()
    }

    #[test]
    fn a_prompt_without_directives_steers_nothing() {
        assert!(turn("hello [[ sim ]]").is_none());
    }

    #[test]
    fn steps_come_in_the_order_they_are_written() {
        let text = r#"please [[sim thinking="let me see" tool=look input={"q": "a b"} hold text=done]] now"#;
        let expected = json!([
            {"thinking": "let me see"}, {"tool": {"name": "look", "input": {"q": "a b"}}}, "hold", {"text": "done"}
        ]);
        assert_eq!(steps(text), expected);
    }

    #[test]
    fn an_error_carries_its_headers() {
        let turn = turn("[[sim error=529 retry_after=3]]").unwrap();
        assert_eq!((turn.http_error.unwrap().status, turn.headers["retry-after"].as_str()), (529, "3"));
    }

    #[test]
    fn a_lone_wait_stands_amid_text() {
        assert_eq!(steps("[[sim hold]]"), json!([{"text": "Steered "}, "hold", {"text": "answer."}]));
    }

    #[test]
    fn deltas_are_as_many_and_as_long_as_asked() {
        let steps = steps("[[sim n=3 size=5 gap=50]]");
        assert_eq!(steps, json!([{"text": ["w0 w0", "w1 w1", "w2 w2"]}]));
    }

    #[test]
    fn an_unknown_directive_is_an_error_that_names_it() {
        let error = turn("[[sim holdd]]").unwrap().http_error.unwrap();
        assert!(error.message.unwrap().contains("holdd"));
    }
}
