use std::path::Path;

use super::*;

/// Nothing of this machine's: no home, no metadata service.
fn environment(of: &[(&str, &str)]) -> Environment {
    [("AWS_EC2_METADATA_DISABLED", "true")].iter().chain(of).copied().collect()
}

async fn found(of: &[(&str, &str)]) -> Result<(String, Option<String>), BackendError> {
    let provider = provider(&AwsCredentials::Standard(environment(of)));
    provider.get().await.map(|found| match found {
        Authorization::Bearer(key) => (format!("bearer {key}"), None),
        Authorization::Key { id, secret, session_token } => (format!("{id}/{secret}"), session_token),
    })
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_environment_comes_first_and_a_bearer_key_before_all() {
    let key = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "t")];
    assert_eq!(found(&key).await.unwrap(), ("AKIA/s".to_owned(), Some("t".to_owned())));
    let both = [&key[..], &[("AWS_BEARER_TOKEN_BEDROCK", "b")]].concat();
    assert_eq!(found(&both).await.unwrap().0, "bearer b");
    assert_eq!(found(&[("AWS_ACCESS_KEY_ID", "half")]).await.unwrap_err().detail, NOTHING_FOUND);
}

#[tokio::test]
async fn profiles_are_found_in_both_files() {
    let home = tempfile::tempdir().unwrap();
    written(
        home.path(),
        ".aws/credentials",
        "[default]\naws_access_key_id = D\naws_secret_access_key=d\n\n[work]\n# mine\nAWS_ACCESS_KEY_ID=W\n\
         aws_secret_access_key = w=/+\naws_session_token=t\n",
    );
    written(
        home.path(),
        ".aws/config",
        "[default]\nregion = eu-west-1\ns3 =\n  aws_access_key_id = wrong\n[profile configured]\naws_access_key_id=C\n\
         aws_secret_access_key=c\n[profile role]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = default\n[work]\nx=y\n",
    );
    let home = ("HOME", home.path().to_str().unwrap());
    assert_eq!(found(&[home]).await.unwrap().0, "D/d");
    assert_eq!(
        found(&[home, ("AWS_PROFILE", "work")]).await.unwrap(),
        ("W/w=/+".to_owned(), Some("t".to_owned()))
    );
    assert_eq!(found(&[home, ("AWS_PROFILE", "configured")]).await.unwrap().0, "C/c");
    let refused = found(&[home, ("AWS_PROFILE", "role")]).await.unwrap_err();
    assert!(
        refused.detail.contains("role_arn") && refused.detail.contains("export-credentials"),
        "{refused}"
    );
    assert!(!refused.error.message.contains("role_arn"), "clients are not told of this machine");
    assert!(found(&[home, ("AWS_PROFILE", "nobody")]).await.unwrap_err().detail.contains("`nobody`"));
}

#[tokio::test]
async fn files_may_be_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), "keys", "[default]\naws_access_key_id=E\naws_secret_access_key=e\n");
    assert_eq!(found(&[("AWS_SHARED_CREDENTIALS_FILE", &file)]).await.unwrap().0, "E/e");
}

#[tokio::test]
async fn credentials_go_nowhere_in_the_clear() {
    let refused =
        found(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://somewhere.test/role")]).await.unwrap_err();
    assert!(refused.detail.contains("https"), "{refused}");
}

#[test]
fn what_an_endpoint_gives_has_an_end() {
    let json = br#"{"Code":"Success","AccessKeyId":"A","SecretAccessKey":"s","Token":"t","Expiration":"2026-11-22T23:00:00Z"}"#;
    let read = document::read(json, "here").unwrap();
    assert_eq!(humantime::format_rfc3339(read.until.unwrap()).to_string(), "2026-11-22T23:00:00Z");
    let refused = document::read(br#"{"AccessKeyId":"A","SecretAccessKey":5}"#, "here").err().unwrap();
    assert_eq!(refused.detail, "the credentials from here cannot be read");
}
