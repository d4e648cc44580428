//! Nodes as Argo packs those of a large workflow: their JSON, compressed, in base64; or put away in
//! its database. Argo: `workflow/packer`, `workflow/hydrator`.

use std::io::Read;

use argosy_api::WorkflowStatus;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;

/// Kubernetes stores objects of up to 1.5 MB; nodes compress to a twentieth.
const MAX_BYTES: u64 = 256 << 20;

/// Puts a status's nodes where they are read.
///
/// # Errors
/// Why they can't be had: the workflow ends with that.
pub(super) fn unpack_nodes(status: &mut WorkflowStatus) -> Result<(), String> {
    if !status.offload_node_status_version.is_empty() {
        return Err("offload node status is not supported".to_owned());
    }
    let packed = std::mem::take(&mut status.compressed_nodes);
    if packed.is_empty() || !status.nodes.is_empty() {
        return Ok(());
    }
    let fault =
        |error: &dyn std::fmt::Display| format!("cannot read status.compressedNodes: {error}");
    let bytes = STANDARD.decode(packed).map_err(|error| fault(&error))?;
    let mut json = Vec::new();
    GzDecoder::new(bytes.as_slice())
        .take(MAX_BYTES)
        .read_to_end(&mut json)
        .map_err(|error| fault(&error))?;
    status.nodes = serde_json::from_slice(&json).map_err(|error| fault(&error))?;
    Ok(())
}
