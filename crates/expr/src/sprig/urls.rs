//! sprig's functions on URLs.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::expr::budget::{Failure, Tools};
use crate::expr::functions::{Arguments, Entry, Outcome, entry};
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[entry("urlParse", 1, 1, parse), entry("urlJoin", 1, 1, join)];

fn parse(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let url = a.string(0)?;
    let invalid =
        |why: &str| Failure::Message(format!("unable to parse url: parse {url:?}: {why}"));
    if url.bytes().any(|b| b.is_ascii_control()) {
        return Err(invalid("net/url: invalid control character in URL"));
    }
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (scheme, rest) = scheme(rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut userinfo = "";
    let mut host = "";
    let mut path = rest;
    let mut opaque = "";
    if let Some(authority) = rest.strip_prefix("//") {
        let end = authority.find('/').unwrap_or(authority.len());
        path = &authority[end..];
        host = &authority[..end];
        if let Some((user, after)) = host.rsplit_once('@') {
            userinfo = user;
            host = after;
        }
    } else if !scheme.is_empty() && !rest.starts_with('/') {
        opaque = rest;
        path = "";
    }
    let bad_escape = || invalid("invalid URL escape");
    let hostname = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let entries: [(&str, String); 8] = [
        ("scheme", scheme.to_lowercase()),
        ("host", host.to_owned()),
        ("hostname", hostname.trim_matches(['[', ']']).to_owned()),
        ("path", unescaped(path).ok_or_else(bad_escape)?),
        ("query", query.to_owned()),
        ("opaque", opaque.to_owned()),
        ("fragment", unescaped(fragment).ok_or_else(bad_escape)?),
        ("userinfo", userinfo.to_owned()),
    ];
    let entries: BTreeMap<Arc<str>, Value> = entries
        .into_iter()
        .map(|(key, value)| (Arc::from(key), value.into()))
        .collect();
    Ok(Value::map(entries)?)
}

fn scheme(url: &str) -> (&str, &str) {
    match url.split_once(':') {
        Some((scheme, rest))
            if scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) =>
        {
            (scheme, rest)
        }
        _ => ("", url),
    }
}

fn unescaped(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digit = |b: Option<u8>| char::from(b?).to_digit(16);
                let high = digit(bytes.next())?;
                u8::try_from(high * 16 + digit(bytes.next())?).ok()?
            }
            _ => byte,
        });
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@!*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn join(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    let map = a.map(0)?;
    let part = |key: &str| match map.get(key) {
        None => Ok(""),
        Some(Value::String(text)) => Ok(&**text),
        Some(other) => Err(Failure::Message(format!(
            "unable to parse {key} key, must be of type string, but {} found",
            other.go_kind()
        ))),
    };
    let (scheme, host, path) = (part("scheme")?, part("host")?, part("path")?);
    let (opaque, userinfo) = (part("opaque")?, part("userinfo")?);
    let mut out = String::new();
    if !scheme.is_empty() {
        out.push_str(scheme);
        out.push(':');
    }
    if !opaque.is_empty() {
        out.push_str(opaque);
    } else {
        if !scheme.is_empty() || !host.is_empty() || !userinfo.is_empty() {
            if !host.is_empty() || !path.is_empty() || !userinfo.is_empty() {
                out.push_str("//");
            }
            if !userinfo.is_empty() {
                out.push_str(userinfo);
                out.push('@');
            }
            out.push_str(host);
        }
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        out.push_str(&escaped(path));
    }
    for (sign, key) in [('?', "query"), ('#', "fragment")] {
        let text = part(key)?;
        if !text.is_empty() {
            out.push(sign);
            out.push_str(&if key == "query" {
                text.to_owned()
            } else {
                escaped(text)
            });
        }
    }
    Ok(out.into())
}
