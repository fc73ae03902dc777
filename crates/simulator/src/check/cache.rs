//! `cache_control`: its shape, and at most four of them.

use super::fields;
use super::{Flaw, Object};
use serde_json::Value;

const MAX_BREAKPOINTS: usize = 4;

pub(super) fn check(body: &Object) -> Result<(), Flaw> {
    let mut found = usize::from(breakpoint(body).map_err(|flaw| flaw.within("cache_control"))?);
    for name in ["system", "tools", "messages"] {
        if let Some(value) = body.get(name) {
            found += count(value).map_err(|flaw| flaw.within(name))?;
        }
    }
    if found > MAX_BREAKPOINTS {
        return Err(Flaw::here(format!(
            "A maximum of {MAX_BREAKPOINTS} blocks with cache_control may be provided. Found {found}."
        )));
    }
    Ok(())
}

fn count(value: &Value) -> Result<usize, Flaw> {
    let Some(items) = value.as_array() else { return Ok(0) };
    let mut found = 0;
    for (index, item) in items.iter().enumerate() {
        let Some(block) = item.as_object() else { continue };
        found += usize::from(
            breakpoint(block).map_err(|flaw| flaw.within(format_args!("{index}.cache_control")))?,
        );
        if let Some(inner) = block.get("content") {
            found += count(inner).map_err(|flaw| flaw.within(format_args!("{index}.content")))?;
        }
    }
    Ok(found)
}

fn breakpoint(block: &Object) -> Result<bool, Flaw> {
    let Some(control) = block.get("cache_control").filter(|control| !control.is_null()) else {
        return Ok(false);
    };
    let control = fields::object(control)?;
    fields::one_of(fields::required(control, "type")?, &["ephemeral"]).map_err(|flaw| flaw.within("type"))?;
    if let Some(ttl) = control.get("ttl").filter(|ttl| !ttl.is_null()) {
        fields::one_of(ttl, &["5m", "1h"]).map_err(|flaw| flaw.within("ttl"))?;
    }
    Ok(true)
}
