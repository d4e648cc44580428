//! What only HTTP does, and which store an artifact goes to.

use std::collections::BTreeMap;
use std::fs;

use crate::Result;
use crate::loopback::Loopback;
use argosy_api::Artifact;
use argosy_artifacts::{ArtifactError, Driver, Folder, SecretMap, Source, Stores};

fn read(json: &str) -> Result<Artifact> {
    Ok(serde_json::from_str(json)?)
}

#[test]
fn headers_credentials_and_redirects() -> Result {
    let dir = tempfile::tempdir()?;
    let server = Loopback::start()?;
    let keys = BTreeMap::from([
        ("user".to_owned(), "u".to_owned()),
        ("password".to_owned(), "p".to_owned()),
    ]);
    let secrets = SecretMap(BTreeMap::from([("creds".to_owned(), keys)]));
    let folder = Folder::new(dir.path().join("store"));
    let stores = Stores::with_secrets(&folder, &secrets);
    let base = &server.base;
    let user = r#""usernameSecret":{"name":"creds","key":"user"},"passwordSecret":{"name":"creds","key":"password"}"#;
    let from = dir.path().join("from");
    fs::write(&from, "content")?;
    stores.save(
        Source::Shared(&from),
        &read(&format!(r#"{{"name":"a","http":{{"url":"{base}/file"}}}}"#))?,
    )?;
    for (location, header, expected) in [
        (
            format!(r#""http":{{"url":"{base}/file"}}"#),
            "authorization",
            None,
        ),
        (
            format!(r#""http":{{"url":"{base}/moved/file"}}"#),
            "authorization",
            None,
        ),
        (
            format!(
                r#""http":{{"url":"{base}/file","headers":[{{"name":"X-Token","value":"t"}}]}}"#
            ),
            "x-token",
            Some("t"),
        ),
        (
            format!(r#""http":{{"url":"{base}/file","auth":{{"basicAuth":{{{user}}}}}}}"#),
            "authorization",
            Some("Basic dTpw"),
        ),
        (
            format!(r#""artifactory":{{"url":"{base}/file",{user}}}"#),
            "authorization",
            Some("Basic dTpw"),
        ),
    ] {
        let artifact = read(&format!(r#"{{"name":"a",{location}}}"#))?;
        let to = dir.path().join("to");
        stores.load(&artifact, &to)?;
        assert_eq!(fs::read_to_string(&to)?, "content", "{location}");
        fs::remove_file(&to)?;
        let last = server.seen().pop().ok_or("a request was made")?;
        assert!(last.line.starts_with("GET /file"), "{}", last.line);
        assert_eq!(
            last.headers.get(header).map(String::as_str),
            expected,
            "{location}"
        );
    }
    Ok(())
}

#[test]
fn answers_become_errors_without_secrets() -> Result {
    let dir = tempfile::tempdir()?;
    let server = Loopback::start()?;
    let folder = Folder::new(dir.path().join("store"));
    let stores = Stores::new(&folder);
    let host = server.base.trim_start_matches("http://");
    type Check = fn(&ArtifactError) -> bool;
    let table: [(u16, Check); 5] = [
        (404, |error| matches!(error, ArtifactError::NotFound { .. })),
        (401, |error| {
            matches!(error, ArtifactError::Forbidden { .. })
        }),
        (403, |error| {
            matches!(error, ArtifactError::Forbidden { .. })
        }),
        (500, |error| matches!(error, ArtifactError::Store { .. })),
        (304, |error| matches!(error, ArtifactError::Store { .. })),
    ];
    for (status, expected) in table {
        let url = format!("http://me:pass-word@{host}/status/{status}?signature=secret");
        let artifact = read(&format!(r#"{{"name":"a","http":{{"url":"{url}"}}}}"#))?;
        let Err(error) = stores.load(&artifact, &dir.path().join("to")) else {
            return Err(format!("{status} is an error").into());
        };
        assert!(expected(&error), "{status}: {error:?}");
        let text = error.to_string();
        assert!(
            !text.contains("secret") && !text.contains("pass-word"),
            "{text}"
        );
    }
    Ok(())
}

#[test]
fn each_location_goes_to_its_store() -> Result {
    let dir = tempfile::tempdir()?;
    let folder = Folder::new(dir.path().join("store"));
    let stores = Stores::new(&folder);
    let from = dir.path().join("from");
    fs::write(&from, "content")?;
    for (location, expected) in [
        (r#""s3":{"key":"k1"}"#, "saved"),
        (r#""gcs":{"key":"k2"}"#, "saved"),
        (r#""azure":{"blob":"k3"}"#, "saved"),
        (r#""s3":{"bucket":"b","key":"k4"}"#, "saved"),
        (
            r#""s3":{"endpoint":"e","bucket":"b","key":"k"}"#,
            "cannot save artifact 'a': S3 needs a later capability",
        ),
        (
            r#""gcs":{"bucket":"b","key":"k"}"#,
            "cannot save artifact 'a': Google Cloud Storage needs a later capability",
        ),
        (
            r#""azure":{"endpoint":"e","container":"c","blob":"k"}"#,
            "cannot save artifact 'a': Azure Blob Storage needs",
        ),
        (
            r#""oss":{"endpoint":"e","bucket":"b","key":"k"}"#,
            "cannot save artifact 'a': Alibaba Cloud OSS needs",
        ),
        (
            r#""hdfs":{"addresses":["h"],"path":"/k"}"#,
            "cannot save artifact 'a': HDFS needs",
        ),
        (
            r#""git":{"repo":"r"}"#,
            "cannot save artifact 'a': git needs",
        ),
        (
            r#""plugin":{"name":"n","configuration":"c","key":"k"}"#,
            "cannot save artifact 'a': an artifact plugin needs",
        ),
        (
            r#""raw":{"data":"d"}"#,
            "cannot save artifact 'a': raw data is written in the workflow",
        ),
        (
            r#""path":"/x""#,
            "cannot save artifact 'a': it has neither a location nor a key",
        ),
    ] {
        let artifact = read(&format!(r#"{{"name":"a",{location}}}"#))?;
        let text = match stores.save(Source::Shared(&from), &artifact) {
            Ok(()) => "saved".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(text.starts_with(expected), "{location}: {text}");
    }
    let to = dir.path().join("raw");
    stores.load(&read(r#"{"name":"a","raw":{"data":"as it is\n"}}"#)?, &to)?;
    assert_eq!(fs::read_to_string(&to)?, "as it is\n");
    Ok(())
}
