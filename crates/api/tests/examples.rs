//! Argo's own example manifests can be read.

mod data;

use argosy_api::{Diagnostic, Source, Strictness, read_objects};

#[test]
fn every_example_reads_without_a_fault() {
    let Some(folder) = data::argo_data() else {
        return;
    };
    let mut files = Vec::new();
    data::yaml_files(&folder.join("examples"), &mut files);
    assert!(
        files.len() > 200,
        "only {} examples in {}",
        files.len(),
        folder.display()
    );
    let mut faults = Vec::new();
    for file in files {
        let bytes = std::fs::read(&file).expect("an example that was just listed can be read");
        let source =
            Source::from_bytes(file.display().to_string(), &bytes).expect("examples are UTF-8");
        let parsed = read_objects(&source, Strictness::Strict);
        if file.ends_with("k8s-patch-json-workflow.yaml") {
            // Its metadata has `annotations` twice, which Argo's strict reading refuses too.
            assert_eq!(codes(&parsed.diagnostics), ["duplicate-key"]);
            let lenient = read_objects(&source, Strictness::Lenient);
            assert!(!lenient.has_errors() && lenient.objects.len() == 1);
            continue;
        }
        faults.extend(parsed.diagnostics.iter().map(ToString::to_string));
        if parsed.objects.is_empty() {
            faults.push(format!("{}: no objects", file.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn codes(diagnostics: &[Diagnostic]) -> Vec<&'static str> {
    diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect()
}
