//! What the backends of clouds have in common.

/// Why a cloud's backend could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum CloudSetupError {
    /// The address is not a usable URL.
    #[error("`base_url` is not an http(s) URL: {0}")]
    BaseUrl(String),
    /// It would stand in a host's name.
    #[error("`region` is no region's name: {0}")]
    Region(String),
    /// It would stand in a path.
    #[error("`project` is no project's id: {0}")]
    Project(String),
    /// Neither configured nor told by the credentials.
    #[error("no Google Cloud project is named: set `project` or GOOGLE_CLOUD_PROJECT")]
    NoProject,
    /// The credentials cannot be used.
    #[error("`credentials`: {0}")]
    Credentials(String),
}
