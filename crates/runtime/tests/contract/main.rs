//! What every backend keeps to, tried on the simulated one.

mod simulated;

use argosy_runtime::contract::checks;

use simulated::Simulated;

#[test]
fn the_simulated_backend_keeps_the_contract() {
    for check in checks::<Simulated>() {
        (check.run)(&mut Simulated::default());
    }
}
