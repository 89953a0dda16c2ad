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
    let (pool, done) = (Pool::new(2), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let (slow, done) = (pool.clone(), &done);
        // Takes every thread until the other call is done; that one would wait as long, were it held up.
        scope.spawn(move || {
            slow.run(2, &|_| {
                let end = std::time::Instant::now() + Duration::from_secs(20);
                while done.load(Ordering::Acquire) == 0 {
                    assert!(std::time::Instant::now() < end, "the other call waits for this one");
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
        });
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(counts(&pool, 8), [1; 8]);
        done.store(1, Ordering::Release);
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

#[test]
fn threads_of_the_host_help_and_are_never_waited_for() {
    let pool = Pool { threads: 2, workers: Arc::new(OnceLock::from(Workers::Host)) };
    // Nobody has come yet.
    assert_eq!(counts(&pool, 9), [1; 9]);
    let guests: Vec<_> = (0..3).map(|_| std::thread::spawn(serve)).collect();
    let (here, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let helped = || {
        pool.run(4, &|_| {
            most.fetch_max(here.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(1));
            here.fetch_sub(1, Ordering::SeqCst);
        });
        most.load(Ordering::SeqCst) == 2
    };
    let until = std::time::Instant::now() + Duration::from_secs(20);
    while !helped() {
        assert!(std::time::Instant::now() < until, "nobody comes to help");
    }
    for _ in 0..200 {
        assert_eq!(counts(&pool, 5), [1; 5]);
        assert!(helped(), "more than are asked for, or fewer");
    }
    close();
    guests.into_iter().for_each(|guest| guest.join().unwrap());
    // Those who come later go at once.
    serve();
    assert_eq!(counts(&pool, 9), [1; 9]);
}

#[test]
fn a_caller_does_not_wait_for_the_dead() {
    let board = Board::new();
    let job = Job::new(3, 1, &|_| {});
    board.help(&job);
    assert!(job.enter() && !job.enter());
    job.work(0);
    board.leave(&job);
    board.lose();
    let finish = || job.finish(|| board.has_lost());
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(finish)).is_err());
}
