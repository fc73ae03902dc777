//! What the program writes to stderr: always drained, so that its pipe can't fill; only the end is kept, redacted.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt};

const KEPT_BYTES: usize = 4096;
const SHOWN_LINES: usize = 8;
const SHOWN_LINE_CHARS: usize = 240;

/// The end of a process's stderr.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    /// Reads until the end.
    pub(crate) async fn drain(self, mut from: impl AsyncRead + Unpin) {
        let mut chunk = vec![0; 8192];
        while let Ok(read @ 1..) = from.read(&mut chunk).await {
            self.push(&chunk[..read]);
        }
    }

    fn push(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&bytes[bytes.len().saturating_sub(KEPT_BYTES)..]);
        let surplus = kept.len().saturating_sub(KEPT_BYTES);
        kept.drain(..surplus);
    }

    /// The last lines, without the given secrets and anything that looks like a key.
    pub(crate) fn redacted(&self, secrets: &[String]) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        redact(&String::from_utf8_lossy(&kept), secrets)
    }
}

fn redact(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_string();
    for secret in secrets {
        text = text.replace(secret.as_str(), "[redacted]");
    }
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
    let shown = last.iter().map(|line| {
        let words = line.split(' ').map(|word| if looks_secret(word) { "[redacted]" } else { word });
        words.collect::<Vec<_>>().join(" ").chars().take(SHOWN_LINE_CHARS).collect::<String>()
    });
    shown.collect::<Vec<_>>().join(" | ")
}

/// A key by its prefix, or a run of letters and digits too long to be a word.
fn looks_secret(word: &str) -> bool {
    let run = |part: &str| {
        part.len() >= 40
            && part.bytes().any(|b| b.is_ascii_digit())
            && part.bytes().any(|b| b.is_ascii_alphabetic())
    };
    let parts = word.split(|c: char| !c.is_ascii_alphanumeric() && !"-_+=".contains(c));
    parts.into_iter().any(|part| part.contains("sk-ant-") || part.starts_with("AKIA") || run(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn megabytes_are_drained_and_the_end_is_kept() {
        let mut text = vec![b'x'; 3_000_000];
        text.extend_from_slice(b"\nthe end\n");
        let tail = Tail::default();
        tail.clone().drain(&text[..]).await;
        assert!(tail.0.lock().unwrap().len() <= KEPT_BYTES);
        assert!(tail.redacted(&[]).ends_with("the end"));
    }

    #[test]
    fn credentials_are_never_shown() {
        let text = "key=hunter22 rest\nAuthorization: Bearer sk-ant-api03-abc_def\nx 0123456789abcdefghij0123456789abcdefghij";
        let shown = redact(text, &["hunter22".to_string()]);
        assert_eq!(shown, "key=[redacted] rest | Authorization: Bearer [redacted] | x [redacted]");
    }

    #[test]
    fn only_the_last_lines_are_shown_and_no_line_is_long() {
        let text: String = (0..50).map(|n| format!("line {n} {}\n", "word ".repeat(200))).collect();
        let shown = redact(&text, &[]);
        assert!(shown.starts_with("line 42 ") && shown.len() < SHOWN_LINES * (SHOWN_LINE_CHARS + 4));
    }
}
