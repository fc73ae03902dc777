//! What is known about a backend without asking it.

use std::sync::Mutex;

/// Whether a backend can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not yet asked.
    Unknown,
    /// It served, or said that it would.
    Ok,
    /// It refused or failed; the reason says how.
    Failing,
}

impl State {
    /// As `/health` shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Failing => "failing",
        }
    }
}

/// A backend's state with the reason for it.
#[derive(Clone, Debug)]
pub struct Health {
    /// Whether it can serve.
    pub state: State,
    /// Why not, with the remedy, or a remark such as a version. Empty when there is nothing to say.
    pub detail: String,
}

/// The last thing learned about a backend. Written by probes and by failed or served requests.
#[derive(Debug)]
pub struct HealthCell(Mutex<Health>);

impl Default for HealthCell {
    fn default() -> Self {
        Self(Mutex::new(Health { state: State::Unknown, detail: "not asked yet".into() }))
    }
}

impl HealthCell {
    /// Records that it can serve.
    pub fn ok(&self, detail: impl Into<String>) {
        self.set(State::Ok, detail.into());
    }

    /// Records that it cannot serve, and why.
    pub fn failing(&self, detail: impl Into<String>) {
        self.set(State::Failing, detail.into());
    }

    /// Records a served request, unless that is known already.
    pub fn served(&self) {
        if let Ok(mut health) = self.0.lock()
            && health.state != State::Ok
        {
            *health = Health { state: State::Ok, detail: String::new() };
        }
    }

    /// The state now.
    #[must_use]
    pub fn get(&self) -> Health {
        self.0.lock().map_or_else(|poisoned| poisoned.into_inner().clone(), |health| health.clone())
    }

    fn set(&self, state: State, detail: String) {
        if let Ok(mut health) = self.0.lock() {
            *health = Health { state, detail };
        }
    }
}
