//! API keys of this server. Only hashes are kept, and every comparison takes the same time whichever
//! key, and however much of it, is right.

mod file;
mod generate;
mod hash;
mod keyring;
mod terms;

pub use file::{GeneratedKey, KeyFileError};
pub use generate::{GenerateError, generate};
pub use hash::{HashError, KeyHash};
pub use keyring::{ConfiguredKey, IssuedKey, KeyId, Keyring, Over};
pub use terms::{Terms, WrongTerm};
