use crate::world::World;
#[test]
fn explore() {
    let w = World::budget_app();
    for a in [&["diff"][..], &["deploy"], &["deploy","--yes"], &["deploy", "--yes"], &["diff"], &["diff","--json"], &["deploy"], &["deploy","--dry-run"], &["deploy", "--dry-run", "--json"], &["deploy", "--yes", "--no-wait"], &["deploy","--yes", "--json"], &["status", "--cluster"], &["status", "--cluster", "--json"], &["rollback", "--list"], &["rollback", "--list", "--json"], &["open"], &["doctor", "--cluster"], &["logs", "gateway"], &["destroy"], &["destroy", "--yes"], &["destroy", "--delete-data", "--yes"]] {
        let e = w.run(a);
        eprintln!("=== {a:?} {:?} {:?}\n--out\n{}\n--err\n{}", e.code, e.took, e.out, e.err);
    }
}
