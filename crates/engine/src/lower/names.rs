//! The names that Argo derives from a node's name.

/// How long a Kubernetes name may be.
const MAX_NAME: usize = 253;
/// What Argo keeps free for the hash.
const HASH_LENGTH: usize = 10;

/// FNV-1a, 32 bits.
pub fn fnv1a32(bytes: &[u8]) -> u32 {
    extend(0x811c_9dc5, bytes)
}

fn extend(hash: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(hash, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// The hash of a node's name; with a salt, of the name followed by `#` and the salt.
fn node_hash(node_name: &str, salt: u8) -> u32 {
    let hash = fnv1a32(node_name.as_bytes());
    if salt == 0 {
        return hash;
    }
    extend(hash, format!("#{salt}").as_bytes())
}

/// A node's ID: the workflow's name for the root, else that and the hash of the node's name.
///
/// Argo's IDs collide (see `docs/compatibility.md`); the salt, 0 unless an ID was taken, gives
/// another.
pub fn node_id(workflow_name: &str, node_name: &str, salt: u8) -> String {
    if workflow_name == node_name {
        return workflow_name.to_owned();
    }
    format!("{workflow_name}-{}", node_hash(node_name, salt))
}

/// The name of a node's pod, as Argo's pod names of version 2.
pub fn pod_name(workflow_name: &str, node_name: &str, template_name: &str, salt: u8) -> String {
    if workflow_name == node_name {
        return workflow_name.to_owned();
    }
    let hash = node_hash(node_name, salt);
    let mut name = String::with_capacity(workflow_name.len() + template_name.len() + 12);
    name.push_str(workflow_name);
    if !template_name.is_empty() {
        name.push('-');
        name.push_str(template_name);
    }
    let mut end = name.len().min(MAX_NAME - HASH_LENGTH - 1);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name.push('-');
    name.push_str(&hash.to_string());
    name
}
