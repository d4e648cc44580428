//! Artifacts on HTTP servers: GET loads, PUT saves. Argo: `workflow/artifacts/http`.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use argosy_api::{Artifact, HttpAuth};
use base64::Engine;
use k8s_openapi::api::core::v1::SecretKeySelector;
use ureq::config::RedirectAuthHeaders;
use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::{ArtifactError, Attempt, Driver, Secrets, Source, StoreKind, tree};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// Until the server begins to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);
/// For a whole transfer, so that a server that falls silent doesn't hold a step for ever.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(6 * 3_600);
const MAX_REDIRECTS: u32 = 10;

const NO_LISTS: &str = "has no lists of files; name each file by its URL";
const NO_DELETES: &str = "artifacts are not deleted; delete them on the server";

/// The store of `http` and `artifactory`, with the secrets that its locations name.
pub struct Http<'a> {
    secrets: &'a dyn Secrets,
    agent: OnceLock<Agent>,
}

impl<'a> Http<'a> {
    /// With these secrets.
    pub fn new(secrets: &'a dyn Secrets) -> Self {
        Self {
            secrets,
            agent: OnceLock::new(),
        }
    }

    fn get(&self, attempt: Attempt, artifact: &Artifact) -> Result<Response<Body>, ArtifactError> {
        let request = self.request(attempt, artifact)?;
        let mut get = self.agent.get_or_init(new_agent).get(&request.url);
        for (name, value) in &request.headers {
            get = get.header(name, value);
        }
        let answer = get
            .call()
            .map_err(|error| failed(attempt, artifact, &request.url, &error))?;
        checked(attempt, artifact, &request.url, answer)
    }

    fn request(&self, attempt: Attempt, artifact: &Artifact) -> Result<Request, ArtifactError> {
        if let Some(http) = &artifact.http {
            let mut headers: Vec<_> = http
                .headers
                .iter()
                .map(|header| (header.name.clone(), header.value.clone()))
                .collect();
            if let Some(auth) = http.auth.as_ref() {
                headers.extend(self.authorization(attempt, artifact, auth)?);
            }
            return Ok(Request {
                url: http.url.clone(),
                headers,
            });
        }
        if let Some(artifactory) = &artifact.artifactory {
            let user = self
                .secret(artifactory.username_secret.as_ref())?
                .unwrap_or_default();
            let password = self
                .secret(artifactory.password_secret.as_ref())?
                .unwrap_or_default();
            return Ok(Request {
                url: artifactory.url.clone(),
                headers: vec![basic(&user, &password)],
            });
        }
        Err(ArtifactError::NoLocation {
            attempt,
            artifact: artifact.name.clone(),
        })
    }

    fn authorization(
        &self,
        attempt: Attempt,
        artifact: &Artifact,
        auth: &HttpAuth,
    ) -> Result<Option<(String, String)>, ArtifactError> {
        if auth.oauth2.client_id_secret.is_some() || auth.client_cert.client_cert_secret.is_some() {
            let reason = "with OAuth 2 or a client certificate needs a later capability of this program; use basicAuth or a header";
            return Err(unsupported(attempt, artifact, reason));
        }
        let user = self.secret(auth.basic_auth.username_secret.as_ref())?;
        let password = self.secret(auth.basic_auth.password_secret.as_ref())?;
        Ok(match (user, password) {
            (Some(user), Some(password)) if !user.is_empty() && !password.is_empty() => {
                Some(basic(&user, &password))
            }
            _ => None,
        })
    }

    fn secret(
        &self,
        selector: Option<&SecretKeySelector>,
    ) -> Result<Option<String>, ArtifactError> {
        selector
            .map(|selector| self.secrets.secret(&selector.name, &selector.key))
            .transpose()
    }
}

struct Request {
    url: String,
    headers: Vec<(String, String)>,
}

impl Driver for Http<'_> {
    fn load(&self, artifact: &Artifact, to: &Path) -> Result<(), ArtifactError> {
        let answer = self.get(Attempt::Load, artifact)?;
        let mut file = File::create_new(to).map_err(ArtifactError::io("make", to))?;
        let copied = io::copy(&mut answer.into_body().into_reader(), &mut file);
        copied.map(drop).map_err(|error| ArtifactError::Store {
            attempt: Attempt::Load,
            artifact: artifact.name.clone(),
            place: shown(artifact),
            reason: error.to_string(),
        })
    }

    fn open(&self, artifact: &Artifact) -> Result<Box<dyn Read + Send>, ArtifactError> {
        let answer = self.get(Attempt::Open, artifact)?;
        Ok(Box::new(answer.into_body().into_reader()))
    }

    fn save(&self, from: Source<'_>, artifact: &Artifact) -> Result<(), ArtifactError> {
        let path = from.path();
        let file = tree::open(path).map_err(ArtifactError::io("open", path))?;
        let metadata = file.metadata().map_err(ArtifactError::io("read", path))?;
        if !metadata.is_file() {
            let reason = "takes files only; leave the archive strategy at its default, which packs a folder as a file";
            return Err(unsupported(Attempt::Save, artifact, reason));
        }
        let request = self.request(Attempt::Save, artifact)?;
        let mut put = self
            .agent
            .get_or_init(new_agent)
            .put(&request.url)
            .header("content-length", metadata.len().to_string());
        for (name, value) in &request.headers {
            put = put.header(name, value);
        }
        let answer = put
            .send(&file)
            .map_err(|error| failed(Attempt::Save, artifact, &request.url, &error))?;
        checked(Attempt::Save, artifact, &request.url, answer).map(drop)
    }

    fn delete(&self, artifact: &Artifact) -> Result<(), ArtifactError> {
        Err(unsupported(Attempt::Delete, artifact, NO_DELETES))
    }

    fn list(&self, artifact: &Artifact) -> Result<Vec<String>, ArtifactError> {
        Err(unsupported(Attempt::List, artifact, NO_LISTS))
    }

    fn is_directory(&self, artifact: &Artifact) -> Result<bool, ArtifactError> {
        Err(unsupported(Attempt::List, artifact, NO_LISTS))
    }
}

/// Trusts the certificates that the machine trusts; where it has none (an empty root file system),
/// those of the web.
/// The authorities that this machine trusts, or, where it names none, those of the web.
pub fn root_certificates() -> RootCerts {
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() {
        return RootCerts::WebPki;
    }
    let found = found
        .iter()
        .map(|found| Certificate::from_der(found).to_owned());
    RootCerts::from(found.collect::<Vec<_>>())
}

fn new_agent() -> Agent {
    let roots = root_certificates();
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(MAX_REDIRECTS)
        .redirect_auth_headers(RedirectAuthHeaders::SameHost)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(ANSWER_TIMEOUT))
        .timeout_send_body(Some(TRANSFER_TIMEOUT))
        .timeout_recv_body(Some(TRANSFER_TIMEOUT))
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .build()
        .into()
}

fn basic(user: &str, password: &str) -> (String, String) {
    let token = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    ("authorization".to_owned(), format!("Basic {token}"))
}

fn checked(
    attempt: Attempt,
    artifact: &Artifact,
    url: &str,
    answer: Response<Body>,
) -> Result<Response<Body>, ArtifactError> {
    let status = answer.status();
    let artifact = artifact.name.clone();
    let place = without_secrets(url);
    match status.as_u16() {
        200..=299 => Ok(answer),
        404 => Err(ArtifactError::NotFound {
            attempt,
            artifact,
            place,
        }),
        401 | 403 => Err(ArtifactError::Forbidden {
            attempt,
            artifact,
            place,
            reason: status.to_string(),
        }),
        _ => Err(ArtifactError::Store {
            attempt,
            artifact,
            place,
            reason: format!("the server answered {status}"),
        }),
    }
}

fn failed(attempt: Attempt, artifact: &Artifact, url: &str, error: &ureq::Error) -> ArtifactError {
    let reason = match error {
        // Its text would repeat the whole URL.
        ureq::Error::BadUri(_) => "that is no URL; write http://… or https://…".to_owned(),
        error => error.to_string(),
    };
    ArtifactError::Store {
        attempt,
        artifact: artifact.name.clone(),
        place: without_secrets(url),
        reason,
    }
}

fn unsupported(attempt: Attempt, artifact: &Artifact, reason: &'static str) -> ArtifactError {
    ArtifactError::Unsupported {
        attempt,
        artifact: artifact.name.clone(),
        store: artifact.store().map_or(StoreKind::Http, StoreKind::from),
        reason,
    }
}

fn shown(artifact: &Artifact) -> String {
    let http = artifact.http.as_ref().map(|http| &http.url);
    let url = http.or(artifact
        .artifactory
        .as_ref()
        .map(|artifactory| &artifactory.url));
    without_secrets(url.map_or("", String::as_str))
}

/// A URL as it may be shown: signatures stand in the query, passwords before the host.
fn without_secrets(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = &url[..end];
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn urls_are_shown_without_secrets() {
        for (url, shown) in [
            ("https://h/p?signature=s", "https://h/p"),
            ("https://user:pass@h:8/p#f", "https://h:8/p"),
            ("http://h", "http://h"),
            ("http://h/a@b", "http://h/a@b"),
            ("nonsense", "nonsense"),
        ] {
            assert_eq!(without_secrets(url), shown);
        }
    }
}
