//! Tokens in exchange for something else: a person's refresh token, or another provider's token.

use futures_core::future::BoxFuture;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use serde::Deserialize;

use super::endpoint::{ask, post_form, request, until};
use super::file::{AuthorizedUser, CredentialSource, ExternalAccount, Format};
use super::{Fetched, SCOPE, Token};
use crate::renewed::Source;
use crate::{BackendError, HttpClient, files};

/// A person's credentials.
pub(super) struct User {
    pub(super) user: AuthorizedUser,
    pub(super) client: HttpClient,
}

impl Source<Token> for User {
    fn fetch(&self) -> BoxFuture<'_, Fetched> {
        let AuthorizedUser { client_id, client_secret, refresh_token, token_uri, .. } = &self.user;
        Box::pin(async move {
            let form = [
                ("grant_type", "refresh_token"),
                ("client_id", client_id),
                ("client_secret", client_secret),
                ("refresh_token", refresh_token),
            ];
            post_form(&self.client, token_uri, &form).await
        })
    }
}

/// Workload identity federation. <https://google.aip.dev/auth/4117>
pub(super) struct External {
    pub(super) account: ExternalAccount,
    pub(super) client: HttpClient,
}

impl Source<Token> for External {
    fn fetch(&self) -> BoxFuture<'_, Fetched> {
        Box::pin(async move {
            let account = &self.account;
            let subject = subject_token(&account.credential_source, &self.client).await?;
            let form = [
                ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
                ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
                ("audience", &account.audience),
                ("scope", SCOPE),
                ("subject_token_type", &account.subject_token_type),
                ("subject_token", &subject),
            ];
            let exchanged = post_form(&self.client, &account.token_url, &form).await?;
            match &account.service_account_impersonation_url {
                None => Ok(exchanged),
                Some(url) => impersonate(&self.client, url, &exchanged.value).await,
            }
        })
    }
}

/// The other provider's token, which it renews where we read it.
async fn subject_token(source: &CredentialSource, client: &HttpClient) -> Result<String, BackendError> {
    let text = match (&source.file, &source.url) {
        (Some(path), _) => files::read(path.clone())
            .await
            .map_err(|error| subject(&format!("{}: {error}", path.display())))?,
        (None, url) => {
            let mut request = request(Method::GET, url.as_deref().unwrap_or_default(), "")?;
            for (name, value) in &source.headers {
                let (name, value) = (HeaderName::try_from(name), HeaderValue::try_from(value));
                let (Ok(name), Ok(value)) = (name, value) else {
                    return Err(subject("a header of it is none"));
                };
                request.headers_mut().insert(name, value);
            }
            match ask(client, request).await? {
                (StatusCode::OK, body) => {
                    String::from_utf8(body.into()).map_err(|_| subject("it is no text"))?
                }
                (status, _) => return Err(subject(&format!("it answered {status}"))),
            }
        }
    };
    let token = in_format(&text, &source.format).ok_or_else(|| subject("there is no token in it"))?;
    Ok(token.trim().to_owned())
}

fn in_format(text: &str, format: &Format) -> Option<String> {
    if format.kind != "json" {
        return Some(text.to_owned());
    }
    let document: serde_json::Value = serde_json::from_str(text).ok()?;
    document.get(&format.subject_token_field_name)?.as_str().map(str::to_owned)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Impersonated {
    access_token: String,
    expire_time: String,
}

/// A service account's token by somebody who may act as it.
async fn impersonate(client: &HttpClient, url: &str, token: &str) -> Fetched {
    let mut request = request(Method::POST, url, serde_json::json!({ "scope": [SCOPE] }).to_string())?;
    let bearer = HeaderValue::try_from(format!("Bearer {token}"));
    let bearer = bearer.map_err(|_| BackendError::credentials("the exchanged token is no header".into()))?;
    request.headers_mut().insert(AUTHORIZATION, bearer);
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let (status, body) = ask(client, request).await?;
    match serde_json::from_slice::<Impersonated>(&body) {
        Ok(found) if status == StatusCode::OK => until(&found.access_token, &found.expire_time),
        _ => Err(BackendError::credentials(format!("the service account cannot be impersonated: {status}"))),
    }
}

fn subject(why: &str) -> BackendError {
    BackendError::credentials(format!("the source of the subject token is of no use: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_token_is_text_or_a_member_of_json() {
        let json = Format { kind: "json".into(), subject_token_field_name: "id_token".into() };
        assert_eq!(in_format(r#"{"id_token":"t"}"#, &json).as_deref(), Some("t"));
        assert_eq!(in_format(r#"{"other":"t"}"#, &json), None);
        assert_eq!(in_format("t\n", &Format::default()).as_deref(), Some("t\n"));
    }
}
