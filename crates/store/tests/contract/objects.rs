//! Objects beside runs.

use argosy_store::{NewObject, ObjectKind, Precondition, Store, StoreError};

use crate::world::on_each;

fn put(
    store: &dyn Store,
    kind: ObjectKind,
    namespace: &str,
    name: &str,
    precondition: Precondition,
) -> Result<u64, StoreError> {
    store.put_object(NewObject {
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        json: format!("{{\"{name}\":1}}").into_bytes(),
        precondition,
    })
}

#[test]
fn objects_are_kept_by_kind_namespace_and_name() {
    on_each(|world| {
        let store = world.open();
        let kinds = [
            (ObjectKind::Secret, "b", "x"),
            (ObjectKind::ConfigMap, "b", "x"),
            (ObjectKind::ConfigMap, "a", "y"),
            (ObjectKind::ConfigMap, "a", "x"),
            (ObjectKind::ClusterWorkflowTemplate, "", "x"),
        ];
        let mut versions = Vec::new();
        for (kind, namespace, name) in kinds {
            let version = put(&*store, kind, namespace, name, Precondition::Any);
            versions.push(version.expect("stored"));
        }
        assert!(versions.is_sorted_by(|a, b| a < b), "{versions:?}");
        drop(store);
        let store = world.open();
        let list = |kind, namespace| {
            let mut found = Vec::new();
            let mut on_object = |object: argosy_store::StoredObject| {
                found.push((object.namespace, object.name));
            };
            store
                .objects(kind, namespace, &mut on_object)
                .expect("listed");
            found
        };
        let named = |namespace: &str, name: &str| (namespace.to_owned(), name.to_owned());
        assert_eq!(
            list(ObjectKind::ConfigMap, None),
            [named("a", "x"), named("a", "y"), named("b", "x")]
        );
        assert_eq!(list(ObjectKind::ConfigMap, Some("b")), [named("b", "x")]);
        assert_eq!(list(ObjectKind::CronWorkflow, None), []);
        let same = store
            .objects_named(ObjectKind::ConfigMap, "x")
            .expect("read");
        let places: Vec<&str> = same.iter().map(|found| found.namespace.as_str()).collect();
        assert_eq!(places, ["a", "b"]);
        let found = store.object(ObjectKind::Secret, "b", "x").expect("read");
        let found = found.expect("a secret");
        assert_eq!(
            (found.json, found.resource_version),
            (br#"{"x":1}"#.to_vec(), versions[0])
        );
        assert!(
            store
                .object(ObjectKind::Secret, "a", "x")
                .expect("read")
                .is_none()
        );
        assert!(!format!("{:?}", store.object(ObjectKind::Secret, "b", "x")).contains(":1"));
    });
}

#[test]
fn preconditions_hold() {
    on_each(|world| {
        let store = world.open();
        let kind = ObjectKind::WorkflowTemplate;
        let write = |precondition| put(&*store, kind, "a", "t", precondition);
        let conflict =
            |result: Result<u64, StoreError>| matches!(result, Err(StoreError::Conflict { .. }));
        assert!(conflict(write(Precondition::Version(1))));
        let first = write(Precondition::Absent).expect("stored");
        assert!(conflict(write(Precondition::Absent)));
        let second = write(Precondition::Version(first)).expect("stored");
        assert!(second > first);
        assert!(conflict(write(Precondition::Version(first))));
        let delete = |precondition| store.delete_object(kind, "a", "t", precondition);
        assert!(conflict(
            delete(Precondition::Version(first)).map(u64::from)
        ));
        assert!(delete(Precondition::Version(second)).expect("deleted"));
        assert!(!delete(Precondition::Any).expect("looked"));
        assert!(conflict(
            delete(Precondition::Version(second)).map(u64::from)
        ));
        let third = write(Precondition::Absent).expect("stored");
        assert!(third > second, "versions are not used again");
    });
}
