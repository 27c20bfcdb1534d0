//! After warm-up the way of a frame allocates nothing: an allocator that counts is put under the real capture, pose and
//! jpeg threads while a viewer takes every picture. (Memory that C libraries take for themselves is not seen here.)

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use spotter::camera::{Around, Line, Place, Retry, Settings};
use spotter::capture::{self, Address};
use spotter::jpeg::{Look, Variant};
use spotter::metrics::Metrics;
use spotter::pose::Engine;
use spotter::threads::{Crew, Stop};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is passed on unchanged to the system's allocator, whose promises are therefore kept; counting
// touches one atomic and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn line(source: &str, crew: &Crew, metrics: &Metrics, stop: &Stop) -> Line {
    let settings = Settings {
        name: "rack".into(),
        capture: capture::Settings {
            address: Address::parse(source).unwrap(),
            rtsp_udp: false,
            stall: Duration::from_secs(5),
            full_speed: false,
        },
        retry: Retry::default(),
        engine: Engine::Replay { takes: Duration::from_millis(3) },
        encoder: spotter::jpeg::Chosen::default(),
        privacy: false,
        zone: None,
        look_every: Duration::ZERO,
        capture_place: Place::default(),
        pose_place: Place::default(),
        jpeg_place: Place::default(),
        hung: Duration::from_secs(30),
        shot_buffers: 4,
    };
    let around = Around { events: Box::leak(Box::default()), orders: &Arc::default(), inbox: None };
    Line::start(settings, crew, metrics, around, stop).unwrap()
}

/// Takes `count` pictures of growing frames, without allocating.
fn view(line: &Line, variant: Variant, after: &mut u64, count: u64) {
    let deadline = Instant::now() + Duration::from_secs(30);
    for _ in 0..count {
        loop {
            if let Look::Ready(shot) = line.view().look(variant, *after + 1) {
                *after = shot.frame_id;
                break;
            }
            assert!(Instant::now() < deadline, "no picture after frame {after}");
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
}

#[test]
fn a_warm_line_allocates_nothing() {
    let (crew, metrics, stop) = (Crew::default(), Metrics::default(), Stop::default());
    let line = line("demo:squat?size=320x240&fps=100", &crew, &metrics, &stop);
    let full = Variant { quality: Some(75), width: None };
    let small = Variant { quality: Some(60), width: Some(160) };
    let mut seen = 0;
    view(&line, full, &mut seen, 60);
    view(&line, small, &mut seen, 60);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    view(&line, full, &mut seen, 60);
    view(&line, small, &mut seen, 60);
    let allocated = ALLOCATIONS.load(Ordering::Relaxed) - before;
    stop.raise();
    line.view().shots().close();
    crew.join(Duration::from_secs(10));
    assert_eq!(allocated, 0, "allocations within 120 frames");
}
