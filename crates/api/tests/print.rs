//! Printing gives what Go prints.

use argosy_api::convert_to_yaml;

const CASES: &str = include_str!("data/print.json");

#[test]
fn yaml_is_what_go_prints() {
    let cases: Vec<(String, String)> = serde_json::from_str(CASES).expect("the cases are JSON");
    for (json, expected) in cases {
        let value: serde_json::Value = serde_json::from_str(&json).expect("a case is JSON");
        assert_eq!(
            convert_to_yaml(&value).expect("keys are texts"),
            expected,
            "of {json}"
        );
    }
}
