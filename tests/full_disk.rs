//! The log, with the pictures of its sets, on a disk that fills up and on one that becomes read-only: a real file system of 2 MiB, mounted in a namespace of
//! the test's own, which the kernel takes away with it.
//!
//! The test starts itself once more inside that namespace; there [`INSIDE`] names the folder.

#[path = "common/small_disk.rs"]
mod small_disk;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use small_disk::{INSIDE, on_a_small_disk};
use spotter::metrics::StoreMetrics;
use spotter::store::{Beside, Full, Page, Reading, Settings, Store};
use spotter::threads::{Crew, Stop};
use spotter::time::Mono;
use spotter::workout::{Phases, Rep, Set};

/// Longer than the longest pause of the log between two attempts.
const PATIENCE: Duration = Duration::from_secs(60);
/// Sets that may wait.
const WAITING: usize = 100;

fn set(n: usize) -> Set {
    let at = |s: u64| Mono::from_ns(s * 1_000_000_000);
    let rep = Rep {
        n: 1,
        started: at(1),
        turned: at(2),
        ended: at(3),
        min_deg: 80.0,
        max_deg: 170.0,
        phases: Phases::default(),
    };
    Set {
        exercise: Some(format!("Lift {n}").into()),
        chosen: false,
        reps: vec![rep],
        recount: 1,
        started: at(1),
        ended: at(3),
        confidence: 1.0,
        pending: false,
    }
}

fn settings(folder: &Path) -> Settings {
    let snapshots = folder.join("snapshots");
    Settings { folder: folder.into(), snapshots, waiting: WAITING, ..Settings::default() }
}

/// A picture of so many bytes.
fn picture(bytes: usize) -> Beside {
    Beside { picture: Some(vec![7; bytes]), form: None }
}

/// A running log on the small disk.
struct Rig {
    folder: PathBuf,
    store: Store,
    crew: Crew,
    stop: Stop,
    pushed: usize,
}

impl Rig {
    fn start() -> Option<Rig> {
        let folder = PathBuf::from(std::env::var_os(INSIDE)?);
        let (crew, stop) = (Crew::default(), Stop::default());
        let store = Store::start(settings(&folder), StoreMetrics::default(), &crew, &stop).unwrap();
        Some(Rig { folder, store, crew, stop, pushed: 0 })
    }

    /// Hands over one set. It must not wait for the disk, whatever that does.
    fn push(&mut self) -> Result<(), Full> {
        self.push_with(Beside::default())
    }

    fn push_with(&mut self, beside: Beside) -> Result<(), Full> {
        let begun = Instant::now();
        let pushed = self.store.inbox().push_with("rack", set(self.pushed), beside, Duration::ZERO, Reading::now());
        assert!(begun.elapsed() < Duration::from_millis(200), "counting waited {:?}", begun.elapsed());
        self.pushed += usize::from(pushed.is_ok());
        pushed
    }

    fn until(&self, what: &str, is: impl Fn(&Rig) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is(self) {
            assert!(Instant::now() < end, "{what}: {:?}", self.store.status());
            std::thread::yield_now();
        }
    }

    fn fault(&self) -> String {
        self.store.status().fault.unwrap_or_default()
    }

    /// Pushes until the log says `sentence`, then as many as may wait, and one more.
    fn push_until(&mut self, sentence: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.fault().ends_with(sentence) {
            assert!(Instant::now() < end, "{:?}", self.store.status());
            let _ = self.push();
            std::thread::yield_now();
        }
        while self.push().is_ok() {}
        assert_eq!(self.store.status().waiting, WAITING);
    }

    /// Everything that was handed over is there, in order.
    fn all_is_there(&self) {
        self.until("the disk takes sets again", |rig| rig.store.status().waiting == 0 && rig.fault().is_empty());
        let names = |before| {
            let page = Page { before, limit: 500, ..Page::default() };
            self.store.list(&page).unwrap().into_iter().map(|row| (row.id, row.exercise.unwrap())).collect::<Vec<_>>()
        };
        let (mut all, mut before) = (Vec::new(), None);
        loop {
            let page = names(before);
            let Some((last, _)) = page.last() else { break };
            before = Some(*last);
            all.extend(page.into_iter().map(|(_, name)| name));
        }
        all.reverse();
        assert_eq!(all, (0..self.pushed).map(|n| format!("Lift {n}")).collect::<Vec<_>>());
    }

    fn mount(&self, options: &str) -> bool {
        let out = Command::new("mount")
            .args(["-o", options])
            .arg(&self.folder)
            .output()
            .expect("mount is part of util-linux");
        out.status.success()
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop.raise();
        self.crew.join(Duration::from_secs(20));
    }
}

#[test]
fn on_a_full_disk_the_oldest_pictures_go_and_the_sets_are_written() {
    let Some(mut rig) = Rig::start() else {
        return on_a_small_disk("on_a_full_disk_the_oldest_pictures_go_and_the_sets_are_written", "size=5m");
    };
    let pictures = |rig: &Rig| -> Vec<String> {
        let rows = rig.store.pictures(0, 100).unwrap_or_default();
        rows.into_iter().rev().map(|row| row.path).collect()
    };
    (0..40).for_each(|_| rig.push_with(picture(64 * 1024)).unwrap());
    rig.until("the pictures are written", |rig| pictures(rig).len() == 40);
    let all = pictures(&rig);
    for (place, age_min) in all.iter().zip((1..=40).rev()) {
        let file = std::fs::File::options().write(true).open(rig.folder.join("snapshots").join(place)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(60 * age_min)).unwrap();
    }
    let mut file = std::fs::File::create(rig.folder.join("ballast")).unwrap();
    let full = std::io::copy(&mut std::io::repeat(7), &mut file).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let end = Instant::now() + PATIENCE;
    while rig.folder.join("snapshots").join(&all[0]).exists() {
        assert!(Instant::now() < end, "{:?}", rig.store.status());
        let _ = rig.push();
        std::thread::yield_now();
    }
    rig.all_is_there();
    let left = pictures(&rig);
    assert!((1..40).contains(&left.len()), "{}", left.len());
    assert_eq!(left, all[40 - left.len()..]);
}

#[test]
fn where_one_picture_finds_no_room_no_other_is_written_before_a_set_is() {
    let Some(folder) = std::env::var_os(INSIDE).map(PathBuf::from) else {
        return on_a_small_disk("where_one_picture_finds_no_room_no_other_is_written_before_a_set_is", "size=2m");
    };
    let (store, mut keeper) = Store::by_hand(settings(&folder), "boot-1");
    let push = |n, bytes| {
        store.inbox().push_with("rack", set(n), picture(bytes), Duration::ZERO, Reading::now()).unwrap();
    };
    for (n, bytes) in [(0, 1024), (1, 3 * 1024 * 1024), (2, 1024), (3, 1024)] {
        push(n, bytes);
    }
    let with_picture = || {
        let mut sets: Vec<i64> = store.pictures(0, 100).unwrap().into_iter().map(|row| row.set).collect();
        sets.sort_unstable();
        sets
    };
    keeper.turn(Reading::now(), &|| ());
    assert_eq!((store.status().written, store.status().fault), (4, None));
    assert_eq!(with_picture(), [1]);
    push(4, 1024);
    keeper.turn(Reading::now(), &|| ());
    assert_eq!(with_picture(), [1, 5]);
}

#[test]
fn a_full_disk_makes_sets_wait_and_they_are_written_when_there_is_room() {
    let Some(mut rig) = Rig::start() else {
        return on_a_small_disk("a_full_disk_makes_sets_wait_and_they_are_written_when_there_is_room", "size=2m");
    };
    rig.push().unwrap();
    rig.until("the log is open", |rig| rig.store.status().written == 1);
    let ballast = rig.folder.join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    let full = std::io::copy(&mut std::io::repeat(7), &mut file).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    drop(file);
    rig.push_until("spotter.db is full");
    std::fs::remove_file(ballast).unwrap();
    rig.all_is_there();
}

#[test]
fn a_disk_that_becomes_read_only_makes_sets_wait_until_it_is_not() {
    let Some(mut rig) = Rig::start() else {
        return on_a_small_disk("a_disk_that_becomes_read_only_makes_sets_wait_until_it_is_not", "size=2m");
    };
    rig.push().unwrap();
    rig.until("the log is open", |rig| rig.store.status().written == 1);
    // The kernel refuses while a file is open for writing, so it is done in a pause that a full disk brings about.
    let ballast = rig.folder.join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    std::io::copy(&mut std::io::repeat(7), &mut file).unwrap_err();
    drop(file);
    rig.push_until("spotter.db is full");
    rig.until("it is remounted between two attempts", |rig| rig.mount("remount,ro"));
    rig.until("the log says so", |rig| rig.fault().ends_with("can only be read"));
    assert_eq!(rig.store.status().waiting, WAITING);
    rig.until("it is remounted", |rig| rig.mount("remount,rw"));
    std::fs::remove_file(ballast).unwrap();
    rig.all_is_there();
}
