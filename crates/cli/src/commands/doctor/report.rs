//! What the doctor says: a line per check, a verdict at the end.

use crate::terminal::{DIM, GREEN, RED, coloured, say};

/// The checks so far.
pub(super) struct Report {
    pub(super) good: bool,
}

impl Default for Report {
    fn default() -> Self {
        Self { good: true }
    }
}

impl Report {
    #[expect(clippy::unused_self, reason = "reads like its sibling `failed`")]
    pub(super) fn ok(&mut self, what: &str, found: &str) {
        say(format_args!("{}      {what:<14} {found}", coloured("ok", GREEN)));
    }

    pub(super) fn failed(&mut self, what: &str, why: &str) {
        self.good = false;
        say(format_args!("{}  {what:<14} {why}", coloured("failed", RED)));
    }

    pub(super) fn close(&self) {
        let verdict =
            if self.good { "everything works" } else { "something has to be mended first (see above)" };
        say(coloured(verdict, DIM));
    }
}
