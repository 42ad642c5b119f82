//! Random steps against the plain model.

use super::model::Model;
use super::{Random, Site};

#[test]
fn every_list_feed_thread_and_search_equals_a_plain_model() {
    for seed in [1, 2] {
        let mut random = Random(seed);
        let site = Site::new();
        let mut model = Model::default();
        for name in ["Ada", "grace", "o'brien", "Jon.D", "Old Salt", "mei"] {
            model.add_author(&site, name);
        }
        println!("seed {seed}");
        for round in 0..8 {
            println!("round {round}");
            for _ in 0..250 {
                model.step(&site.store, &mut random);
            }
            model.compare(&site.store, &mut random);
        }
        // Another process, and an index made anew from the log, give the same answers.
        let other = site.again();
        model.compare(&other, &mut random);
        assert!(other.rebuild(&mut |_| {}).unwrap().failed.is_empty());
        model.compare(&other, &mut random);
        model.compare(&site.store, &mut random);
        let report = site.store.check(&mut |_| {}).unwrap();
        assert_eq!(report.problems, Vec::<String>::new());
        assert_eq!(report.records, model.live().len() as u64);
    }
}
