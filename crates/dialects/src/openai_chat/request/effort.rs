//! `reasoning_effort`.

use messages::json::{Members, Text};
use messages::{ApiError, Ignored};

use crate::openai::ROOT;
use crate::openai::effort::{self, Reasoning, Surroundings, Wish};
use crate::openai::sampling::Settings;

/// Reads `reasoning_effort`.
pub(super) fn read(
    fields: &mut Members<'_>,
    around: &Surroundings<'_, '_>,
    sampling: &mut Settings<'_>,
    ignored: &mut Ignored,
) -> Result<Reasoning, ApiError> {
    let asked: Option<Text<'_>> = fields.optional("reasoning_effort", &ROOT)?;
    let Some(Text(asked)) = asked else { return Ok(Reasoning::default()) };
    let effort = effort::degree(&asked, &ROOT.key("reasoning_effort"))?;
    if effort.is_none() {
        return Ok(Reasoning::default());
    }
    Ok(around.reasoning(Wish { effort, display: None }, "reasoning_effort", sampling, ignored))
}
