//! What flags have put into a workflow: a fault of that is told of the flag, not of a place in the
//! file.

use argosy_api::{FieldPath, Segment};

/// Which fields of a workflow come from flags.
#[derive(Clone, Debug, Default)]
pub struct Given {
    fields: Vec<(FieldPath, String)>,
    /// Where each of `spec.arguments.parameters` stands in the file; `None` for those of flags.
    /// Empty if none was given.
    parameters: Vec<Option<usize>>,
    /// Parameters of flags that the file has none of: their names, and how they were given.
    new_parameters: Vec<(String, String)>,
}

/// Where a field comes from.
pub enum Source<'a> {
    /// From a flag: how it was given.
    Flag(&'a str),
    /// From this field of the file.
    File(FieldPath),
}

impl Given {
    /// A field has been set by a flag.
    pub fn set(&mut self, field: &[&'static str], flag: String) {
        let mut path = FieldPath::root();
        for name in field {
            path.push_field(*name);
        }
        self.fields.push((path, flag));
    }

    /// All that nothing else has set comes from a flag.
    pub fn set_rest(&mut self, flag: String) {
        self.fields.insert(0, (FieldPath::root(), flag));
    }

    /// A label has been set by a flag.
    pub fn set_label(&mut self, key: &str, flag: String) {
        let path = FieldPath::root().field("metadata").field("labels");
        self.fields.push((path.field(key.to_owned()), flag));
    }

    /// Parameters have been put before those of the file, of which these are kept.
    pub fn set_parameters(&mut self, flags: Vec<String>, kept: Vec<usize>) {
        for (index, flag) in flags.into_iter().enumerate() {
            self.parameters.push(None);
            self.fields.push((parameters().index(index), flag));
        }
        self.parameters.extend(kept.into_iter().map(Some));
    }

    /// A parameter that the file does not have has been given by a flag.
    pub fn add_new_parameter(&mut self, name: &str, flag: &str) {
        let given = (name.to_owned(), flag.to_owned());
        self.new_parameters.push(given);
    }

    /// Parameters of flags that the file has none of: their names, and how they were given.
    pub fn new_parameters(&self) -> &[(String, String)] {
        &self.new_parameters
    }

    /// Where a field comes from.
    pub fn source(&self, path: &FieldPath) -> Source<'_> {
        let inside = |field: &FieldPath| path.segments().starts_with(field.segments());
        // What was set last holds.
        let flag = self.fields.iter().rev().find(|(field, _)| inside(field));
        if let Some((_, flag)) = flag {
            return Source::Flag(flag);
        }
        let list = parameters();
        let depth = list.segments().len();
        let moved = match path.segments().get(depth) {
            Some(Segment::Index(index)) if inside(&list) => {
                self.parameters.get(*index).copied().flatten()
            }
            _ => None,
        };
        let Some(index) = moved else {
            return Source::File(path.clone());
        };
        let rest: FieldPath = path.segments()[depth + 1..].iter().cloned().collect();
        Source::File(list.index(index).join(&rest))
    }
}

fn parameters() -> FieldPath {
    FieldPath::root()
        .field("spec")
        .field("arguments")
        .field("parameters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_of_flags_and_of_the_places_in_the_file() {
        let mut given = Given::default();
        given.set(&["spec", "entrypoint"], "--entrypoint x".to_owned());
        given.set_label("a/b.c", "--labels a/b.c=".to_owned());
        given.set_parameters(vec!["-p one".to_owned()], vec![0, 2]);
        let spec = || FieldPath::root().field("spec");
        for (path, expected) in [
            (spec().field("entrypoint"), "--entrypoint x"),
            (spec().field("onExit"), "spec.onExit"),
            (
                FieldPath::root()
                    .field("metadata")
                    .field("labels")
                    .field("a/b.c"),
                "--labels a/b.c=",
            ),
            (parameters(), "spec.arguments.parameters"),
            (parameters().index(0).field("name"), "-p one"),
            (
                parameters().index(2).field("value"),
                "spec.arguments.parameters[2].value",
            ),
            (parameters().index(1), "spec.arguments.parameters[0]"),
        ] {
            let found = match given.source(&path) {
                Source::Flag(flag) => flag.to_owned(),
                Source::File(path) => path.to_string(),
            };
            assert_eq!(found, expected, "{path}");
        }
    }
}
