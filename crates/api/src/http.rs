//! The `http` template.

use k8s_openapi::api::core::v1::*;
use serde::{Deserialize, Serialize};

use crate::*;

/// The body of an `http` template: one request. Argo: `HTTP`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Http {
    /// The method; `GET` without it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// The URL to ask.
    pub url: String,
    /// Headers of the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HttpHeader>,
    /// Seconds to wait for the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i64>,
    /// An expression over the answer that means success.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub success_condition: String,
    /// The body of the request.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// The body from elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_from: Option<HttpBodySource>,
    /// Whether to trust any certificate.
    #[serde(skip_serializing_if = "is_false")]
    pub insecure_skip_verify: bool,
}

/// A header of an `http` template's request. Argo: `HTTPHeader`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpHeader {
    /// The name.
    pub name: String,
    /// The value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Where the value comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<HttpHeaderSource>,
}

/// Where a header's value comes from. Argo: `HTTPHeaderSource`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpHeaderSource {
    /// An entry of a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<SecretKeySelector>,
}

/// Where a request's body comes from. Argo: `HTTPBodySource`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HttpBodySource {
    /// The body's bytes, in base64 in JSON.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub bytes: String,
}
