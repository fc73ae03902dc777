//! Wishes for the answer: its format, its reasoning, what it includes.

use messages::json::{Members, Text};
use messages::{ApiError, Ignored};
use serde_json::value::RawValue;

use super::tools::Tools;
use crate::models::Rules;
use crate::openai::effort::{self, Display, Reasoning, Surroundings, Wish};
use crate::openai::format::Format;
use crate::openai::sampling::Settings;
use crate::openai::{ROOT, answer_tool, unsupported};

/// The form of the answer.
#[derive(Default)]
pub(super) struct TextForm {
    pub(super) format: Option<Format>,
    /// The tool whose input is the answer.
    pub(super) tool: Option<String>,
}

/// Reads `text`.
pub(super) fn text<'a>(
    fields: &mut Members<'a>,
    rules: Rules,
    tools: &mut Tools<'a>,
    ignored: &mut Ignored,
) -> Result<TextForm, ApiError> {
    let at = ROOT.key("text");
    let Some(mut text) = fields.optional::<Members<'a>>("text", &ROOT)? else {
        return Ok(TextForm::default());
    };
    let format: Option<Members<'a>> = text.optional("format", &at)?;
    ignored.rest_below(text, "text");
    let at = at.key("format");
    let Some(mut format) = format else { return Ok(TextForm::default()) };
    let Text(kind) = format.required("type", &at)?;
    match &*kind {
        "text" => Ok(TextForm::default()),
        "json_object" => {
            let tool = answer_tool::of_object(&mut tools.list, &mut tools.choice, &at)?;
            Ok(TextForm { format: None, tool })
        }
        "json_schema" => {
            let raw: &'a RawValue = format.required("schema", &at)?;
            let schema = Format::json_schema(raw, &at.key("schema"))?;
            // `name` is for the caller's own use; `strict` is always so here.
            for key in ["name", "strict"] {
                format.take(key);
            }
            ignored.rest_below(format, "text.format");
            if rules.structured_outputs {
                return Ok(TextForm { format: Some(schema), tool: None });
            }
            let at = at.key("schema");
            let tool = answer_tool::of_schema(&mut tools.list, &mut tools.choice, raw, &at)?;
            Ok(TextForm { format: None, tool })
        }
        _ => Err(at.key("type").invalid("must be text, json_object or json_schema")),
    }
}

/// Reads `reasoning`: what goes upstream, and whether the caller wants to read a summary.
pub(super) fn reasoning(
    fields: &mut Members<'_>,
    around: &Surroundings<'_, '_>,
    sampling: &mut Settings<'_>,
    ignored: &mut Ignored,
) -> Result<(Reasoning, bool), ApiError> {
    let at = ROOT.key("reasoning");
    let Some(mut wished) = fields.optional::<Members<'_>>("reasoning", &ROOT)? else {
        return Ok((Reasoning::default(), false));
    };
    let degree: Option<Text<'_>> = wished.optional("effort", &at)?;
    let effort = degree.as_ref().map(|name| effort::degree(&name.0, &at.key("effort"))).transpose()?;
    let summary = summary(&mut wished)?;
    ignored.rest_below(wished, "reasoning");
    match effort {
        Some(None) => Ok((Reasoning::default(), summary)),
        None if !summary => Ok((Reasoning::default(), false)),
        effort => {
            let display = summary.then_some(Display::Summarized);
            let wish = Wish { effort: effort.flatten(), display };
            Ok((around.reasoning(wish, "reasoning", sampling, ignored), summary))
        }
    }
}

/// `summary`, formerly `generate_summary`. How long it is is the model's own decision.
fn summary(wished: &mut Members<'_>) -> Result<bool, ApiError> {
    let at = ROOT.key("reasoning");
    let mut wanted = false;
    for key in ["generate_summary", "summary"] {
        let asked: Option<Text<'_>> = wished.optional(key, &at)?;
        match asked.as_ref().map(|text| &*text.0) {
            None | Some("none") => {}
            Some("auto" | "concise" | "detailed") => wanted = true,
            Some(_) => return Err(at.key(key).invalid("must be auto, concise or detailed")),
        }
    }
    Ok(wanted)
}

/// Reads `include`; whether web searches shall name their sources. Reasoning always comes with its
/// `encrypted_content`.
pub(super) fn include(fields: &mut Members<'_>, ignored: &mut Ignored) -> Result<bool, ApiError> {
    let at = ROOT.key("include");
    let list: Vec<Text<'_>> = fields.optional("include", &ROOT)?.unwrap_or_default();
    let mut sources = false;
    for (index, Text(wish)) in list.iter().enumerate() {
        match &**wish {
            "reasoning.encrypted_content" => {}
            "web_search_call.action.sources" => sources = true,
            "message.output_text.logprobs" => {
                return Err(unsupported(&at.index(index), "Claude gives no log probabilities"));
            }
            "file_search_call.results"
            | "web_search_call.results"
            | "message.input_image.image_url"
            | "computer_call_output.output.image_url"
            | "code_interpreter_call.outputs" => ignored.note("include"),
            _ => return Err(at.index(index).invalid("is not known")),
        }
    }
    Ok(sources)
}
