//! What is known of a model's capabilities, in the shape of the API's `capabilities`. Those that the table does not
//! know are left out: absent is unknown, not unsupported.

use serde::Serialize;

use super::{Rules, Thinking};

#[derive(Serialize)]
struct Support {
    supported: bool,
}

/// The capabilities that the table's rules tell of.
#[derive(Serialize)]
pub(super) struct Capabilities {
    effort: Effort,
    structured_outputs: Support,
    thinking: ThinkingSupport,
}

#[derive(Serialize)]
struct Effort {
    supported: bool,
    low: Support,
    medium: Support,
    high: Support,
    xhigh: Support,
    max: Support,
}

#[derive(Serialize)]
struct ThinkingSupport {
    supported: bool,
    types: ThinkingTypes,
}

#[derive(Serialize)]
struct ThinkingTypes {
    adaptive: Support,
    enabled: Support,
}

impl Capabilities {
    /// Nothing for a model without rules.
    pub(super) fn of(rules: Rules) -> Option<Self> {
        let is = |supported| Support { supported };
        let Rules { effort, all_efforts, structured_outputs, thinking, sampling, .. } = rules;
        let refuses_budgets = sampling == super::Sampling::Refused;
        (rules != Rules::UNKNOWN).then(|| Self {
            effort: Effort {
                supported: effort,
                low: is(effort),
                medium: is(effort),
                high: is(effort),
                xhigh: is(effort && all_efforts),
                max: is(effort && all_efforts),
            },
            structured_outputs: is(structured_outputs),
            thinking: ThinkingSupport {
                supported: thinking != Thinking::Unknown,
                types: ThinkingTypes {
                    adaptive: is(thinking == Thinking::Adaptive),
                    // The generation that refuses sampling parameters refuses budgets as well.
                    enabled: is(
                        thinking == Thinking::Budget || (thinking == Thinking::Adaptive && !refuses_budgets)
                    ),
                },
            },
        })
    }
}
