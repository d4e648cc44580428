//! sprig's checksums, and the functions that are refused: keys and certificates, whose making takes
//! seconds, and the network have no place in an evaluation. (`derivePassword` can't be called from
//! Argo's expressions either: it wants a number of a type that they don't have.)

use sha1::Digest as _;

use crate::expr::budget::{Failure, Tools};
use crate::expr::functions::{Arguments, Entry, MANY, Outcome, entry};

pub(super) const TABLE: &[Entry] = &[
    entry("sha1sum", 1, 1, |_, a| {
        Ok(hex(&sha1::Sha1::digest(a.string(0)?)).into())
    }),
    entry("sha256sum", 1, 1, |_, a| {
        Ok(hex(&sha2::Sha256::digest(a.string(0)?)).into())
    }),
    entry("sha512sum", 1, 1, |_, a| {
        Ok(hex(&sha2::Sha512::digest(a.string(0)?)).into())
    }),
    entry("adler32sum", 1, 1, |_, a| {
        Ok(adler2::adler32_slice(a.string(0)?.as_bytes())
            .to_string()
            .into())
    }),
];

/// The functions that are refused.
pub(super) const REFUSED: &[Entry] = &[
    entry("genPrivateKey", 0, MANY, refuse),
    entry("derivePassword", 0, MANY, refuse),
    entry("buildCustomCert", 0, MANY, refuse),
    entry("genCA", 0, MANY, refuse),
    entry("genCAWithKey", 0, MANY, refuse),
    entry("genSelfSignedCert", 0, MANY, refuse),
    entry("genSelfSignedCertWithKey", 0, MANY, refuse),
    entry("genSignedCert", 0, MANY, refuse),
    entry("genSignedCertWithKey", 0, MANY, refuse),
    entry("getHostByName", 0, MANY, refuse),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn refuse(_: &Tools<'_>, a: &Arguments<'_>) -> Outcome {
    Err(Failure::Message(format!(
        "sprig.{} is not supported: do this in a step of the workflow instead",
        a.function
    )))
}
