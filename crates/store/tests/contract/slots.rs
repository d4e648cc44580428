//! Slots that several owners share.

use argosy_store::{OwnerLock, SlotGrant, StoreError};

use crate::world::on_each;

#[test]
fn slots_are_taken_given_back_and_reclaimed_from_the_dead() {
    on_each(|world| {
        let (one, two) = (world.open(), world.open());
        let owner = || OwnerLock::create(world.path()).expect("an owner");
        let (ann, bob) = (owner(), owner());
        one.set_slots_total(4).expect("set");
        assert!(matches!(
            one.acquire_slots(ann.id(), 1),
            Err(StoreError::OwnerMissing { .. })
        ));
        one.register_owner(&ann).expect("registered");
        one.register_owner(&ann).expect("once more does no harm");
        two.register_owner(&bob).expect("registered");
        let grant = |granted, contended| SlotGrant { granted, contended };
        assert_eq!(
            one.acquire_slots(ann.id(), 9).expect("asked"),
            grant(4, false)
        );
        assert_eq!(
            two.acquire_slots(bob.id(), 2).expect("asked"),
            grant(0, false)
        );
        let status = one.slots_status().expect("looked");
        assert_eq!((status.total, status.free(), status.share()), (4, 0, 2));
        let waiting: Vec<_> = status.waiting().map(|owner| owner.id.clone()).collect();
        assert_eq!(waiting, [bob.id().clone()]);
        one.release_slots(ann.id(), 2).expect("released");
        assert_eq!(
            one.acquire_slots(ann.id(), 5).expect("asked"),
            grant(0, true),
            "who has his share waits while another has not"
        );
        assert_eq!(
            two.acquire_slots(bob.id(), 2).expect("asked"),
            grant(2, false)
        );
        // What is held outlives a crash of the store, as long as the owner lives.
        drop(one);
        let one = world.open();
        assert_eq!(one.slots_status().expect("looked").free(), 0);
        let dead = ann.id().clone();
        drop(ann);
        assert_eq!(
            two.acquire_slots(bob.id(), 9).expect("asked"),
            grant(2, false)
        );
        let status = one.slots_status().expect("looked");
        assert!(status.owners.iter().all(|owner| owner.id != dead));
        one.limit_slots(bob.id(), 9).expect("limited");
        assert_eq!(one.slots_status().expect("looked").free(), 0);
        one.limit_slots(bob.id(), 1).expect("limited");
        assert_eq!(one.slots_status().expect("looked").free(), 3);
        one.release_slots(bob.id(), 99).expect("released");
        assert_eq!(one.slots_status().expect("looked").free(), 4);
        one.unregister_owner(bob.id()).expect("unregistered");
        assert!(one.slots_status().expect("looked").owners.is_empty());
    });
}
