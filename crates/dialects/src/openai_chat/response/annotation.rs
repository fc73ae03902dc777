//! Citations of web pages as annotations of the text that they belong to.

use serde::Serialize;

use crate::openai::citation::Cited;

/// An annotation; places are counted in characters of the content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Annotation {
    r#type: &'static str,
    url_citation: UrlCitation,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct UrlCitation {
    start_index: usize,
    end_index: usize,
    title: String,
    url: String,
}

/// The annotations of a text from `start_index` to `end_index`: each page once.
pub(super) fn annotations(cited: Vec<Cited>, start_index: usize, end_index: usize) -> Vec<Annotation> {
    let mut annotations: Vec<Annotation> = Vec::with_capacity(cited.len());
    for Cited { title, url } in cited {
        let url_citation = UrlCitation { start_index, end_index, title, url };
        let annotation = Annotation { r#type: "url_citation", url_citation };
        if !annotations.contains(&annotation) {
            annotations.push(annotation);
        }
    }
    annotations
}
