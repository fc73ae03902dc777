//! Images and files: data URLs, addresses and file ids become sources.

use std::borrow::Cow;

use messages::ApiError;
use messages::json::Path;

use super::base64::{decode, is_base64};
use super::output::Source;

const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// `data:image/png;base64,…` in its parts.
struct DataUrl<'a> {
    media_type: String,
    data: Cow<'a, str>,
}

/// The source of an image part's `url`.
pub(crate) fn image<'a>(url: Cow<'a, str>, at: &Path<'_>) -> Result<Source<'a>, ApiError> {
    if has_scheme(&url, "http://") || has_scheme(&url, "https://") {
        return Ok(Source::Url { url });
    }
    if !has_scheme(&url, "data:") {
        return Err(at.invalid("must be a data URL or an http(s) address"));
    }
    let DataUrl { media_type, data } = data_url(url, at)?;
    let media_type = if media_type == "image/jpg" { "image/jpeg" } else { media_type.as_str() };
    match IMAGES.into_iter().find(|known| *known == media_type) {
        Some(known) => Ok(Source::Base64 { media_type: Cow::Borrowed(known), data }),
        None => Err(at.invalid(format!("the image must be one of {}", IMAGES.join(", ")))),
    }
}

/// The source of a file part's `file_data`: a PDF stays base64, text is decoded.
pub(crate) fn file<'a>(data: Cow<'a, str>, at: &Path<'_>) -> Result<Source<'a>, ApiError> {
    if !has_scheme(&data, "data:") {
        return Err(at.invalid("must be a data URL"));
    }
    let DataUrl { media_type, data } = data_url(data, at)?;
    if media_type == "application/pdf" {
        return Ok(Source::Base64 { media_type: Cow::Borrowed("application/pdf"), data });
    }
    if !media_type.starts_with("text/") && media_type != "application/json" {
        return Err(at.invalid("the file must be a PDF or text"));
    }
    let text =
        String::from_utf8(decode(data.as_bytes())).map_err(|_| at.invalid("the text must be UTF-8"))?;
    if text.trim().is_empty() {
        return Err(at.invalid("the file must not be empty"));
    }
    Ok(Source::Text { media_type: "text/plain", data: Cow::Owned(text) })
}

/// The source of a file that is fetched.
pub(crate) fn link<'a>(url: Cow<'a, str>, at: &Path<'_>) -> Result<Source<'a>, ApiError> {
    if has_scheme(&url, "http://") || has_scheme(&url, "https://") {
        return Ok(Source::Url { url });
    }
    Err(at.invalid("must be an http(s) address"))
}

fn has_scheme(url: &str, scheme: &str) -> bool {
    url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

fn data_url<'a>(url: Cow<'a, str>, at: &Path<'_>) -> Result<DataUrl<'a>, ApiError> {
    const NOT_BASE64: &str = "the data URL must be base64, like data:image/png;base64,…";
    let comma = url.find(',').ok_or_else(|| at.invalid(NOT_BASE64))?;
    let head = url.get("data:".len()..comma).unwrap_or_default();
    let mut parts = head.split(';');
    let media_type = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    if !parts.any(|part| part.trim().eq_ignore_ascii_case("base64")) {
        return Err(at.invalid(NOT_BASE64));
    }
    let data = match url {
        Cow::Borrowed(url) => Cow::Borrowed(url.get(comma + 1..).unwrap_or_default()),
        Cow::Owned(mut url) => Cow::Owned(url.split_off(comma + 1)),
    };
    if !is_base64(data.as_bytes()) {
        return Err(at.invalid("the data is not valid base64"));
    }
    Ok(DataUrl { media_type, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(result: Result<Source<'_>, ApiError>) -> String {
        result.unwrap_err().message
    }

    #[test]
    fn a_data_url_becomes_base64_without_a_copy() {
        let source = image("DATA:image/JPG;charset=x;base64,AAAA".into(), &Path::Root).unwrap();
        let Source::Base64 { media_type, data: Cow::Borrowed("AAAA") } = source else { panic!("{source:?}") };
        assert_eq!(media_type, "image/jpeg");
    }

    #[test]
    fn what_is_no_image_is_refused_with_its_reason() {
        let at = Path::Root.key("url");
        for (url, reason) in [
            ("file:///etc/passwd", "url: must be a data URL or an http(s) address"),
            ("data:image/png,AAAA", "url: the data URL must be base64, like data:image/png;base64,…"),
            ("data:image/png;base64", "url: the data URL must be base64, like data:image/png;base64,…"),
            ("data:image/png;base64,", "url: the data is not valid base64"),
            ("data:image/png;base64,AAA", "url: the data is not valid base64"),
            ("data:image/png;base64,AA-_", "url: the data is not valid base64"),
            ("data:image/png;base64,A=AA", "url: the data is not valid base64"),
            (
                "data:image/bmp;base64,AAAA",
                "url: the image must be one of image/jpeg, image/png, image/gif, image/webp",
            ),
        ] {
            assert_eq!(told(image(url.into(), &at)), reason);
        }
    }

    #[test]
    fn a_text_file_is_decoded_and_a_pdf_is_not() {
        let text = file("data:text/markdown;base64,aMOpbGxvIQ==".into(), &Path::Root).unwrap();
        assert!(matches!(&text, Source::Text { data, .. } if data == "héllo!"));
        let pdf = file("data:application/pdf;base64,JVBERg==".into(), &Path::Root).unwrap();
        assert!(matches!(&pdf, Source::Base64 { data, .. } if data == "JVBERg=="));
        assert_eq!(
            told(file("data:text/plain;base64,/////w==".into(), &Path::Root)),
            "the text must be UTF-8"
        );
    }
}
