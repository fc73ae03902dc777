//! The items that an output is made of.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// How far an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ItemStatus {
    InProgress,
    Completed,
    Incomplete,
    Failed,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'i> {
    Message {
        id: &'i str,
        role: &'static str,
        status: ItemStatus,
        content: &'i [Part<'i>],
    },
    Reasoning {
        id: &'i str,
        summary: &'i [Part<'i>],
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
    },
    FunctionCall {
        id: &'i str,
        call_id: &'i str,
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<&'i str>,
        name: &'i str,
        arguments: &'i str,
        status: ItemStatus,
    },
    CustomToolCall {
        id: &'i str,
        call_id: &'i str,
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<&'i str>,
        name: &'i str,
        input: &'i str,
    },
    LocalShellCall {
        id: &'i str,
        call_id: &'i str,
        action: ShellAction<'i>,
        status: ItemStatus,
    },
    WebSearchCall {
        id: &'i str,
        status: ItemStatus,
        action: SearchAction<'i>,
    },
    McpCall {
        id: &'i str,
        server_label: &'i str,
        name: &'i str,
        arguments: &'i str,
        output: Option<&'i str>,
        error: Option<McpError<'i>>,
        status: ItemStatus,
    },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'i> {
    OutputText { text: &'i str, annotations: &'i [Annotation], logprobs: [u8; 0] },
    Refusal { refusal: &'i str },
    SummaryText { text: &'i str },
}

/// Where a part of the text comes from: a range of its characters, and a page.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Annotation {
    pub(super) r#type: &'static str,
    pub(super) start_index: usize,
    pub(super) end_index: usize,
    pub(super) url: String,
    pub(super) title: String,
}

/// `action` of a `local_shell_call`; read from what the model says, written to the caller.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct ShellAction<'i> {
    #[serde(default = "exec", skip_deserializing)]
    r#type: Exec,
    #[serde(borrow, default)]
    command: Vec<Cow<'i, str>>,
    #[serde(borrow, default)]
    env: BTreeMap<Cow<'i, str>, Cow<'i, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    working_directory: Option<Cow<'i, str>>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
enum Exec {
    #[default]
    Exec,
}

const fn exec() -> Exec {
    Exec::Exec
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum SearchAction<'i> {
    Search {
        query: &'i str,
        queries: [&'i str; 1],
        #[serde(skip_serializing_if = "Option::is_none")]
        sources: Option<&'i [Source]>,
    },
}

#[derive(Debug, Serialize)]
pub(super) struct Source {
    pub(super) r#type: &'static str,
    pub(super) url: String,
}

#[derive(Debug, Serialize)]
pub(super) struct McpError<'i> {
    pub(super) r#type: &'static str,
    pub(super) content: &'i RawValue,
}
