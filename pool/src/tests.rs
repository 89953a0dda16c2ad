use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn counts(pool: &Pool, count: usize) -> Vec<usize> {
    let calls: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
    pool.run(count, &|i| {
        calls[i].fetch_add(1, Ordering::Relaxed);
    });
    calls.into_iter().map(AtomicUsize::into_inner).collect()
}

#[test]
fn every_index_is_called_once() {
    for threads in [0, 1, 2, 5] {
        let pool = Pool::new(threads);
        for count in [0, 1, 2, 3, 100] {
            assert_eq!(counts(&pool, count), vec![1; count], "{count} on {threads}");
        }
    }
}

#[test]
fn many_short_calls_and_pauses_between_them() {
    let pool = Pool::new(3);
    for round in 0..3000 {
        assert_eq!(counts(&pool, 4), [1; 4]);
        if round % 500 == 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

#[test]
fn callers_share_it_and_calls_may_nest() {
    let pool = Pool::new(2);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..300 {
                    let sum = AtomicUsize::new(0);
                    pool.run(3, &|i| {
                        pool.run(4, &|j| {
                            sum.fetch_add(10 * i + j, Ordering::Relaxed);
                        });
                    });
                    assert_eq!(sum.into_inner(), 3 * 6 + 4 * 30);
                }
            });
        }
    });
}

#[test]
fn a_caller_is_not_held_up_by_another() {
    let pool = Pool::new(2);
    std::thread::scope(|scope| {
        let slow = pool.clone();
        scope.spawn(move || slow.run(2, &|_| std::thread::sleep(Duration::from_millis(200))));
        std::thread::sleep(Duration::from_millis(20));
        let start = std::time::Instant::now();
        assert_eq!(counts(&pool, 8), [1; 8]);
        assert!(start.elapsed() < Duration::from_millis(100));
    });
}

#[test]
fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
    let pool = Pool::new(2);
    for _ in 0..20 {
        let call = || pool.run(50, &|i| assert!(i != 7, "seven"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err());
        assert_eq!(counts(&pool, 5), [1; 5]);
    }
}
