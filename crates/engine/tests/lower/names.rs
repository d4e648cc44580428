use argosy_engine::lower::{fnv1a32, node_id, pod_name};

#[test]
fn hashes() {
    assert_eq!(fnv1a32(b""), 0x811c_9dc5);
    assert_eq!(fnv1a32(b"a"), 0xe40c_292c);
    assert_eq!(fnv1a32(b"foobar"), 0xbf9c_f968);
}

#[test]
fn ids_and_pod_names() {
    assert_eq!(node_id("wf", "wf", 0), "wf");
    assert_eq!(node_id("wf", "wf.a", 0), format!("wf-{}", fnv1a32(b"wf.a")));
    assert_eq!(
        node_id("wf", "wf.a", 3),
        format!("wf-{}", fnv1a32(b"wf.a#3"))
    );
    assert_eq!(pod_name("wf", "wf", "t", 0), "wf");
    assert_eq!(
        pod_name("wf", "wf.a", "t", 0),
        format!("wf-t-{}", fnv1a32(b"wf.a"))
    );
    assert_eq!(
        pod_name("wf", "wf.a", "", 1),
        format!("wf-{}", fnv1a32(b"wf.a#1"))
    );
    // Argo's own example.
    assert_eq!(
        pod_name("hello-world", "hello-world", "x", 0),
        "hello-world"
    );
    let long = "x".repeat(300);
    let name = pod_name(&long, "n", "t", 0);
    assert!(name.len() <= 253);
    assert!(name.starts_with(&format!("{}-", "x".repeat(242))), "{name}");
}
