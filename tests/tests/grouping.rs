//! One issue is one bug: errors of which it is known what they come from, through the whole collector.

use error_sentinel_tests::Collector;
use error_sentinel_tests::labelled::{Agreement, crashes, grouped, messages, two_builds};

#[test]
fn ten_thousand_messages_are_one_issue_per_template() {
    let found = grouped(&mut Collector::start(), &messages(10_000));
    let agreement = Agreement::of(&found);
    let mut split: Vec<_> = found.iter().collect();
    split.sort();
    split.dedup();
    split.retain(|(bug, issue)| found.iter().any(|(b, i)| (b == bug) != (i == issue)));
    assert_eq!((agreement.issues, agreement.f1()), (agreement.bugs, 1.0), "{split:#?}");
}

#[test]
fn two_builds_of_a_minified_app_are_one_issue_per_bug() {
    let errors = two_builds();
    let agreement = Agreement::of(&grouped(&mut Collector::start(), &errors));
    assert_eq!((agreement.events, agreement.bugs), (22, 11), "each bug is met in each build");
    assert_eq!((agreement.issues, agreement.f1()), (11, 1.0), "{agreement:#?}");
}

#[test]
fn native_crashes_are_grouped_nearly_as_by_the_lines_at_fault() {
    let agreement = Agreement::of(&grouped(&mut Collector::start(), &crashes(1000)));
    // A bug that is reached in two ways may be two issues; two bugs are never one.
    assert_eq!(agreement.precision, 1.0, "{agreement:#?}");
    assert!(agreement.f1() >= 0.95, "{agreement:#?}");
    assert!(agreement.issues <= agreement.bugs + 2, "{agreement:#?}");
}
