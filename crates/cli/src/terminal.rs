//! What a person reads: plain lines, coloured marks where the terminal takes them.

use std::io::{self, IsTerminal, Write};

/// Writes a line to standard output. A reader that went away (`| head`) is not an error.
pub(crate) fn say(line: impl std::fmt::Display) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// Writes a piece of a line at once, as it streams in.
pub(crate) fn stream(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Writes a line to standard error: notices that are not the program's result.
pub(crate) fn note(line: impl std::fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// `text` in a colour (an ANSI code), if standard output shows colours.
pub(crate) fn coloured(text: &str, code: u8) -> String {
    let wanted =
        io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wanted { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

pub(crate) const GREEN: u8 = 32;
pub(crate) const RED: u8 = 31;
pub(crate) const DIM: u8 = 2;
pub(crate) const BOLD: u8 = 1;

/// The URL under which a program on this machine reaches `address`.
pub(crate) fn local_url(address: std::net::SocketAddr) -> String {
    if address.ip().is_unspecified() || address.ip().is_loopback() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    }
}
