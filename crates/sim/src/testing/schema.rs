//! That the schema for editors says what the reader reads.

use std::collections::BTreeSet;

use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde_json::Value;

use super::SCHEMA;
use super::observe::{LOCK_FIELDS, NODE_FIELDS, OUTPUT_FIELDS, POD_FIELDS};
use super::says::{
    ActionSays, Arguments, Case, Expect, Metadata, MockSays, OutcomeSays, OutputsSay, Spec, Test,
};

/// Asks a type for the names of its fields, and gives it nothing.
struct Asking<'a>(&'a mut Vec<&'static str>);

impl<'de> Deserializer<'de> for Asking<'_> {
    type Error = serde_json::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom("nothing"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.extend(fields);
        Err(Self::Error::custom("nothing"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn fields<'de, T: Deserialize<'de>>() -> BTreeSet<&'static str> {
    let mut fields = Vec::new();
    assert!(T::deserialize(Asking(&mut fields)).is_err());
    fields.into_iter().collect()
}

#[test]
fn the_schema_has_the_fields_that_are_read() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("it is JSON");
    let definitions = &schema["definitions"];
    for (name, part, read) in [
        ("the test", &schema, fields::<Test>()),
        ("metadata", &definitions["metadata"], fields::<Metadata>()),
        ("spec", &definitions["spec"], fields::<Spec>()),
        ("case", &definitions["case"], fields::<Case>()),
        (
            "arguments",
            &definitions["arguments"],
            fields::<Arguments>(),
        ),
        ("mock", &definitions["mock"], fields::<MockSays>()),
        ("outcome", &definitions["outcome"], fields::<OutcomeSays>()),
        ("outputs", &definitions["outputs"], fields::<OutputsSay>()),
        ("action", &definitions["action"], fields::<ActionSays>()),
        ("expect", &definitions["expect"], fields::<Expect>()),
    ] {
        let properties = part["properties"].as_object().expect("it has properties");
        let shown: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        assert_eq!(shown, read, "{name}");
        assert_eq!(part["additionalProperties"], false, "{name}");
    }
    for (name, known) in [
        ("node", &NODE_FIELDS[..]),
        ("pod", &POD_FIELDS),
        ("lock", &LOCK_FIELDS),
        ("outputsSeen", &OUTPUT_FIELDS),
    ] {
        let properties = definitions[name]["anyOf"][2]["properties"].as_object();
        let shown: BTreeSet<&str> = properties
            .into_iter()
            .flatten()
            .map(|(key, _)| &**key)
            .collect();
        assert_eq!(shown, known.iter().copied().collect(), "{name}");
    }
    let questions = definitions["question"]["properties"].as_object();
    let questions: BTreeSet<&str> = questions
        .into_iter()
        .flatten()
        .map(|(key, _)| &**key)
        .collect();
    assert_eq!(questions, super::matching::OPERATORS.into_iter().collect());
}

#[test]
fn references_within_the_schema_lead_somewhere() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("it is JSON");
    let mut open = vec![&schema];
    while let Some(value) = open.pop() {
        if let Some(reference) = value["$ref"].as_str() {
            let path = reference.trim_start_matches('#');
            assert!(schema.pointer(path).is_some(), "{reference}");
        }
        match value {
            Value::Object(fields) => open.extend(fields.values()),
            Value::Array(items) => open.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}
