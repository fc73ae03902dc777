//! The names: what is copied from the operator, what is fixed, which variables choose who pays.

/// Copied from the operator when set: who they are and how they write.
pub(super) const OPERATOR: [&str; 9] =
    ["PATH", "USER", "LOGNAME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "TZ"];

pub(super) const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// How the program is made to be an API and nothing more.
pub(super) const FIXED: [(&str, &str); 22] = [
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    // Without it a 413 makes the program summarise the conversation and call again.
    ("DISABLE_COMPACT", "1"),
    // One request of the caller is one call upstream: retries are the proxy's, other models nobody's.
    ("CLAUDE_CODE_MAX_RETRIES", "0"),
    ("CLAUDE_CODE_DISABLE_NONSTREAMING_FALLBACK", "1"),
    ("CLAUDE_CODE_DISABLE_REFUSAL_RETRY", "1"),
    ("CLAUDE_CODE_DISABLE_REFUSAL_FALLBACK", "1"),
    ("CLAUDE_CODE_DISABLE_MODEL_ACCESS_FALLBACK", "1"),
    ("CLAUDE_CODE_DISABLE_LEGACY_MODEL_REMAP", "1"),
    // Adds `context_management` and per-turn effort to requests that did not ask for them.
    ("CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS", "1"),
    // Adds `output_config.effort` of its own choice.
    ("CLAUDE_CODE_EFFORT_LEVEL", "unset"),
    ("CLAUDE_CODE_DISABLE_FILE_MENTIONS", "1"),
    ("CLAUDE_CODE_DISABLE_CLAUDE_MDS", "1"),
    ("CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1"),
    // The caller's tools and their results, whole; a call waits as long as its process is held.
    ("CLAUDE_CODE_MAX_MCP_DESCRIPTION_LENGTH", "1000000000"),
    ("MAX_MCP_OUTPUT_TOKENS", "1000000000"),
    ("CLAUDE_CODE_MAX_TOOL_USE_CONCURRENCY", "128"),
    ("ENABLE_TOOL_SEARCH", "false"),
    ("MCP_TOOL_TIMEOUT", "2000000000"),
    ("CLAUDE_CODE_SDK_MCP_TOOL_IDLE_TIMEOUT", "2000000000"),
];

pub(super) const BEDROCK: [&str; 17] = [
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "ANTHROPIC_BEDROCK_BASE_URL",
    "CLAUDE_CODE_SKIP_BEDROCK_AUTH",
];

pub(super) const VERTEX: [&str; 8] = [
    "CLOUD_ML_REGION",
    "ANTHROPIC_VERTEX_PROJECT_ID",
    "ANTHROPIC_VERTEX_BASE_URL",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_PROJECT",
    "GCLOUD_PROJECT",
    "CLOUDSDK_CONFIG",
    "CLAUDE_CODE_SKIP_VERTEX_AUTH",
];

/// Variables that choose who pays: one set of them, by `claude_code.credentials`, never by `claude_code.env`.
pub(super) const CREDENTIALS: [&str; 7] = [
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
    "CLAUDE_CODE_SIMPLE",
];

/// Variables that the driver sets for itself, beside [`FIXED`].
pub(super) const OWN: [&str; 7] = [
    "HOME",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "CLAUDE_CONFIG_DIR",
    "ANTHROPIC_BASE_URL",
    "CLAUDE_CODE_EXTRA_BODY",
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS",
];
