//! Where images and documents come from: their media types, and whether the bytes are what they claim to be.

use super::fields::{self, quoted, unknown_tag};
use super::{Flaw, Object};
use crate::base64;
use serde_json::Value;

const IMAGES: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];

pub(super) fn image(value: &Value) -> Result<(), Flaw> {
    let source = fields::object(value)?;
    match fields::string(source, "type")? {
        "base64" => base64_image(source).map_err(|flaw| flaw.within("base64")),
        "url" => url(source).map_err(|flaw| flaw.within("url")),
        "file" => fields::string(source, "file_id").map(drop).map_err(|flaw| flaw.within("file")),
        other => Err(unknown_tag(other, &["base64", "file", "url"])),
    }
}

fn base64_image(source: &Object) -> Result<(), Flaw> {
    fields::only(source, &["type", "media_type", "data"])?;
    let claimed = fields::string(source, "media_type")?;
    if !IMAGES.contains(&claimed) {
        return Err(Flaw::at("media_type", format!("Input should be {}", quoted(IMAGES, " or "))));
    }
    let bytes = decoded(source)?;
    match image_type(&bytes) {
        None => Err(Flaw::at("data", "Could not process image")),
        Some(actual) if actual != claimed => Err(Flaw::at(
            "data",
            format!(
                "The image was specified using the {claimed} media type, but the image appears to be a {actual} image"
            ),
        )),
        Some(_) => Ok(()),
    }
}

fn image_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

fn decoded(source: &Object) -> Result<Vec<u8>, Flaw> {
    let data = fields::string(source, "data")?;
    if data.is_empty() {
        return Err(Flaw::at("data", "image cannot be empty"));
    }
    base64::decode(data).ok_or_else(|| Flaw::at("data", "invalid base64 data"))
}

fn url(source: &Object) -> Result<(), Flaw> {
    fields::only(source, &["type", "url"])?;
    let url = fields::string(source, "url")?;
    if url.starts_with("https://") || url.starts_with("http://") {
        return Ok(());
    }
    Err(Flaw::at("url", "Only HTTPS URLs are supported."))
}

pub(super) fn document(value: &Value) -> Result<(), Flaw> {
    let source = fields::object(value)?;
    match fields::string(source, "type")? {
        "base64" => base64_pdf(source).map_err(|flaw| flaw.within("base64")),
        "url" => url(source).map_err(|flaw| flaw.within("url")),
        "text" => fields::string(source, "data").map(drop).map_err(|flaw| flaw.within("text")),
        "content" => fields::required(source, "content").map(drop).map_err(|flaw| flaw.within("content")),
        "file" => fields::string(source, "file_id").map(drop).map_err(|flaw| flaw.within("file")),
        other => Err(unknown_tag(other, &["base64", "content", "file", "text", "url"])),
    }
}

fn base64_pdf(source: &Object) -> Result<(), Flaw> {
    fields::one_of(fields::required(source, "media_type")?, &["application/pdf"])
        .map_err(|flaw| flaw.within("media_type"))?;
    if !decoded(source)?.starts_with(b"%PDF-") {
        return Err(Flaw::at("data", "The PDF specified was not valid."));
    }
    Ok(())
}
