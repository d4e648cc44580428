//! Redirects as Go's `http.Client` follows them: a body goes along with 307 and 308, which `ureq`
//! does not do.

use ureq::Body;
use ureq::http::{Response, Uri, header};

/// Headers that are not shown to another host.
const SENSITIVE: [&str; 4] = ["authorization", "www-authenticate", "cookie", "cookie2"];

/// A request that is to be made.
pub(super) struct Next {
    pub method: String,
    pub url: String,
    pub body: Vec<u8>,
    /// It goes to another host than the template names.
    pub is_elsewhere: bool,
}

impl Next {
    /// Whether a header goes along.
    pub(super) fn may_send(&self, name: &str) -> bool {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        // The template's own `Host` is that of its own URL.
        let bound = SENSITIVE.iter().any(|known| is(known)) || is("host");
        !(self.is_elsewhere && bound)
    }
}

/// What an answer asks for instead; `None` if it is the answer.
pub(super) fn next(asked: &Next, answer: &Response<Body>) -> Option<Result<Next, String>> {
    let keeps = match answer.status().as_u16() {
        301..=303 => false,
        307 | 308 => true,
        _ => return None,
    };
    let Some(location) = answer.headers().get(header::LOCATION) else {
        // Go takes it for the answer if it can't be followed without a place.
        return None;
    };
    let location = String::from_utf8_lossy(location.as_bytes());
    let url = match resolve(&asked.url, &location) {
        Some(url) => url,
        None => {
            let text = format!("failed to parse Location header {location:?}");
            return Some(Err(text));
        }
    };
    let is_elsewhere = asked.is_elsewhere || host(&asked.url) != host(&url);
    let is_reading = matches!(asked.method.as_str(), "GET" | "HEAD");
    Some(Ok(Next {
        method: match keeps || is_reading {
            true => asked.method.clone(),
            false => "GET".to_owned(),
        },
        body: match keeps {
            true => asked.body.clone(),
            false => Vec::new(),
        },
        url,
        is_elsewhere,
    }))
}

fn host(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    uri.authority()
        .map(|authority| authority.host().to_ascii_lowercase())
}

/// A place that is named from a URL. RFC 3986, 5.2, without `..`, which servers resolve as well.
fn resolve(base: &str, location: &str) -> Option<String> {
    let location = location.split('#').next().unwrap_or_default();
    if location.starts_with("http://") || location.starts_with("https://") {
        return Some(location.to_owned());
    }
    let base: Uri = base.parse().ok()?;
    let (scheme, authority) = (base.scheme_str()?, base.authority()?);
    if let Some(rest) = location.strip_prefix("//") {
        return Some(format!("{scheme}://{rest}"));
    }
    if location.starts_with('/') {
        return Some(format!("{scheme}://{authority}{location}"));
    }
    let has_scheme = location
        .split_once(':')
        .is_some_and(|(front, _)| !front.is_empty() && !front.contains(['/', '?']));
    if has_scheme {
        return None;
    }
    let path = base.path();
    if location.is_empty() || location.starts_with('?') {
        return Some(format!("{scheme}://{authority}{path}{location}"));
    }
    let folder = path.rfind('/').map_or("/", |slash| &path[..=slash]);
    Some(format!("{scheme}://{authority}{folder}{location}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_named_from_the_url_before() {
        for (base, location, expected) in [
            ("http://a/b/c", "http://x/y", Some("http://x/y")),
            ("https://a:1/b", "//x/y", Some("https://x/y")),
            ("http://a:1/b/c?q", "/d?e", Some("http://a:1/d?e")),
            ("http://a/b/c?q", "d", Some("http://a/b/d")),
            ("http://a", "d", Some("http://a/d")),
            ("http://a/b?q", "?r", Some("http://a/b?r")),
            ("http://a/b", "/d#e", Some("http://a/d")),
            ("http://a/b", "ftp://x", None),
        ] {
            assert_eq!(
                resolve(base, location).as_deref(),
                expected,
                "{base} {location}"
            );
        }
    }

    #[test]
    fn secrets_stay_with_their_host() {
        let mut asked = Next {
            method: "GET".to_owned(),
            url: String::new(),
            body: Vec::new(),
            is_elsewhere: false,
        };
        assert!(asked.may_send("Authorization"));
        asked.is_elsewhere = true;
        assert!(!asked.may_send("Authorization"));
        assert!(!asked.may_send("Host"));
        assert!(asked.may_send("X-Other"));
    }
}
