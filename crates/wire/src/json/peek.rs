//! Reads a few top-level members of a body and checks the syntax of all of it, in one pass and without copying.

use serde_json::value::RawValue;

use super::Malformed;
use super::members;

/// The values of the members called `keys`, in that order, as they stand in `body`.
///
/// # Errors
/// [`Malformed`] when the body is not one whole JSON object in UTF-8, is nested deeper than 512 levels, or has one
/// of `keys` twice (readers differ in which of the two counts).
pub fn members<'a, const N: usize>(
    body: &'a [u8],
    keys: [&str; N],
) -> Result<[Option<&'a RawValue>; N], Malformed> {
    let mut found = [None; N];
    members::visit(body, &keys, |member| {
        let Some(name) = member.name else { return Ok(()) };
        if found[name].replace(member.value).is_some() {
            let offset = members::offset_in(body, member.value);
            return Err(Malformed::at(body, offset, format!("`{}` is given twice", keys[name])));
        }
        Ok(())
    })?;
    Ok(found)
}
