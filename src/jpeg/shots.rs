//! The variant table of one camera: which pictures are wanted, which are there, and that none is made twice.
//!
//! Readers [look](Shots::look) for a variant; if it is not there yet they leave a wish and come back when the bell
//! rings. One jpeg thread asks for the [next job](Shots::next_job), encodes, and [delivers](Shots::deliver). Because
//! that thread is the only one that encodes, and a job is handed out only for a frame that its entry has not had yet,
//! no (frame, variant) is encoded twice, however many look and however often.
//!
//! An entry may give way to another variant only when the newest frame was not yet made for it: an entry that came back
//! for the same frame would be encoded again; and not before its wish had a turn and its shot was fetched. Who finds no
//! place stands in a [`Queue`]. Two names of one picture are one variant: without a quality, a camera that gives no JPEG
//! of its own means [`DEFAULT_QUALITY`]. When the camera is lost the whole table is emptied at once, and a job that is under way for
//! the old picture is thrown away when it is delivered.
//!
//! *variant*: a quality and a width · *shot*: an encoded variant of one frame · *wanted*: somebody waits for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::queue::Queue;
use crate::events::{Bell, Bells};
use crate::frame::{FrameRef, Layout, PixelFormat};
use crate::time::{Mono, Wall};

/// The most variants of one camera at a time.
pub const VARIANTS: usize = 4;
/// Frames that are remembered as encoded: half a second of them, longer than a look takes.
const MADE: usize = 16;
/// The quality when none is asked for.
pub const DEFAULT_QUALITY: u8 = 75;

/// Which JPEG of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Variant {
    /// 1..=95; nothing: the camera's own JPEG as it is, or [`DEFAULT_QUALITY`] if it gives none.
    pub quality: Option<u8>,
    /// Pixels across, at most the source's; nothing: the source's.
    pub width: Option<u16>,
}

impl Variant {
    /// The quality to encode with, 1..=100.
    pub(super) fn quality_or_default(self) -> u8 {
        self.quality.unwrap_or(DEFAULT_QUALITY).clamp(1, 100)
    }

    /// The one name of this picture for a source of this layout.
    pub fn of(self, layout: &Layout) -> Variant {
        let own_jpeg = layout.format == PixelFormat::Mjpeg && self.width.is_none();
        let quality = self.quality.or((!own_jpeg).then_some(DEFAULT_QUALITY));
        Variant { quality, ..self }
    }
}

/// One encoded picture.
#[derive(Default)]
pub struct Shot {
    /// The JPEG.
    pub bytes: Vec<u8>,
    /// The frame it shows.
    pub frame_id: u64,
    /// When that frame was captured.
    pub captured: Mono,
    /// The same for people.
    pub captured_wall: Wall,
    /// When encoding ended.
    pub encoded: Mono,
    /// What it is.
    pub variant: Variant,
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
}

/// A shot that others may read.
pub type ShotRef = Arc<Shot>;

/// What looking for a picture gave.
pub enum Look {
    /// Here it is.
    Ready(ShotRef),
    /// It will be made; look again when the bell rings.
    Soon,
    /// All [`VARIANTS`] places are taken by others for this frame; look again when the bell rings.
    Full,
    /// The camera has no picture.
    Lost,
}

/// One picture to be made by the jpeg thread.
pub struct Job {
    /// Of this frame.
    pub frame: FrameRef,
    /// As this.
    pub variant: Variant,
    epoch: u64,
}

struct Entry {
    variant: Variant,
    shot: Option<ShotRef>,
    /// The newest frame that was handed out as a job for this variant.
    job_id: u64,
    encoding: bool,
    wanted: bool,
    /// Its shot is there, and nobody has had it yet.
    owed: bool,
    used: u64,
}

impl Entry {
    /// Whether it keeps its place for now: until it was made for once, and until somebody has fetched its shot. Else a
    /// shot would be made for nothing, and whoever looks after others never be served. Who does not fetch it within a few
    /// frames has gone.
    fn stays(&self, newest_id: u64) -> bool {
        let fresh = self.shot.as_ref().is_some_and(|shot| shot.frame_id + VARIANTS as u64 >= newest_id);
        self.owed && fresh || self.wanted && self.job_id == 0
    }
}

#[derive(Default)]
struct Table {
    newest: Option<FrameRef>,
    entries: Vec<Entry>,
    clock: u64,
    /// Grows when the camera is lost: a job of an older epoch is void.
    epoch: u64,
    closed: bool,
    /// Who found no place, and how many deliveries there were.
    queue: Queue,
    deliveries: u64,
    /// The last frames that were handed out as jobs; the place of each is its id modulo the length.
    made: [u64; MADE],
}

/// The variant table of one camera.
#[derive(Default)]
pub struct Shots {
    table: Mutex<Table>,
    work: Condvar,
    bells: Bells,
    /// The newest frame's id, 0 for none; a copy that is read without the lock.
    newest_id: AtomicU64,
}

impl Shots {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().expect("nothing panics under this lock")
    }

    /// Makes `frame` the newest. Called by the capture thread; it never waits for an encoder.
    pub fn publish(&self, frame: FrameRef) {
        let mut table = self.table();
        let id = frame.id;
        let old = table.newest.replace(frame);
        self.newest_id.store(id, Ordering::Release);
        let wanted = table.entries.iter().any(|e| e.wanted);
        drop(table);
        if wanted {
            self.work.notify_one();
        }
        // Outside the lock: the last reference gives the buffer back.
        drop(old);
    }

    /// Forgets every picture at once: from now on everybody sees [`Look::Lost`].
    pub fn lose(&self) {
        let mut table = self.table();
        table.epoch += 1;
        self.newest_id.store(0, Ordering::Release);
        let gone = (table.newest.take(), std::mem::take(&mut table.entries));
        table.queue.clear();
        drop(table);
        drop(gone);
        self.bells.ring();
    }

    /// Ends the work of the jpeg thread.
    pub fn close(&self) {
        self.table().closed = true;
        self.work.notify_all();
    }

    /// The newest frame's id; 0 when there is none.
    pub fn newest_id(&self) -> u64 {
        self.newest_id.load(Ordering::Acquire)
    }

    /// Whether this frame was handed out to be encoded, as whatever variant. Known of the last few such frames.
    pub fn was_made(&self, frame_id: u64) -> bool {
        self.table().made.contains(&frame_id)
    }

    /// Rings `bell` whenever a shot is there or the camera is lost.
    pub fn add_bell(&self, bell: Arc<dyn Bell>) {
        self.bells.add(bell);
    }

    /// The newest shot of `variant` that shows frame `at_least` or a later one; else leaves a wish for it.
    pub fn look(&self, variant: Variant, at_least: u64) -> Look {
        let mut table = self.table();
        let Some(newest) = &table.newest else { return Look::Lost };
        let (newest_id, variant) = (newest.id, variant.of(&newest.layout));
        table.clock += 1;
        let clock = table.clock;
        let Some((place, evicted)) = table.place(variant, newest_id) else { return Look::Full };
        let entry = &mut table.entries[place];
        entry.used = clock;
        match &entry.shot {
            Some(shot) if shot.frame_id >= at_least => {
                entry.owed = false;
                return Look::Ready(shot.clone());
            }
            _ if entry.encoding && entry.job_id >= at_least => return Look::Soon,
            _ => entry.wanted = true,
        }
        // A wish for a frame that is yet to come is told of when it comes.
        let due = entry.job_id < newest_id;
        drop(table);
        if due {
            self.work.notify_one();
        }
        // Outside the lock: it may be the last reference to a picture.
        drop(evicted);
        Look::Soon
    }

    /// Sleeps until something wanted can be made, or until `timeout` or [`Shots::close`].
    pub fn next_job(&self, timeout: Duration) -> Option<Job> {
        let idle = |table: &mut Table| !table.closed && table.due().is_none();
        let (mut table, _) =
            self.work.wait_timeout_while(self.table(), timeout, idle).expect("nothing panics under this lock");
        if table.closed {
            return None;
        }
        let place = table.due()?;
        let (frame, epoch) = (table.newest.clone()?, table.epoch);
        let entry = &mut table.entries[place];
        entry.job_id = frame.id;
        entry.encoding = true;
        entry.wanted = false;
        table.made[(frame.id % MADE as u64) as usize] = frame.id;
        let entry = &table.entries[place];
        Some(Job { frame, variant: entry.variant, epoch })
    }

    /// Ends a job: with its shot, or without one when the frame could not be encoded. False when the camera was lost
    /// meanwhile and the shot is thrown away.
    pub fn deliver(&self, job: Job, shot: Option<ShotRef>) -> bool {
        let mut table = self.table();
        if table.epoch != job.epoch {
            return false;
        }
        table.deliveries += 1;
        let entry = table.entries.iter_mut().find(|e| e.variant == job.variant);
        let old = entry.and_then(|entry| {
            entry.encoding = false;
            entry.owed |= shot.is_some();
            shot.and_then(|shot| entry.shot.replace(shot))
        });
        drop(table);
        self.bells.ring();
        drop(old);
        true
    }
}

impl Table {
    /// The index of `variant`'s entry, made if there is room or another may give way, and what gave way.
    fn place(&mut self, variant: Variant, newest_id: u64) -> Option<(usize, Option<Entry>)> {
        if let Some(place) = self.entries.iter().position(|e| e.variant == variant) {
            return Some((place, None));
        }
        // One that is waited for goes only if all are: whoever waits looks again at the next bell and stands in the queue,
        // so that a fifth viewer is not shut out by four that never stop wishing.
        let may_go = |entry: &&Entry| !entry.encoding && entry.job_id < newest_id && !entry.stays(newest_id);
        let room = VARIANTS - self.entries.len();
        let free = room + self.entries.iter().filter(may_go).count();
        if !self.queue.may(variant, free, self.deliveries + newest_id) {
            return None;
        }
        let fresh = Entry { variant, shot: None, job_id: 0, encoding: false, wanted: false, owed: false, used: 0 };
        if room > 0 {
            self.entries.push(fresh);
            return Some((self.entries.len() - 1, None));
        }
        let candidates = self.entries.iter().enumerate().filter(|(_, entry)| may_go(entry));
        let place = candidates.min_by_key(|(_, e)| (e.wanted, e.used))?.0;
        Some((place, Some(std::mem::replace(&mut self.entries[place], fresh))))
    }

    /// The wanted entry that has waited longest for a frame it has not had.
    fn due(&self) -> Option<usize> {
        let newest_id = self.newest.as_ref()?.id;
        let due = self.entries.iter().enumerate().filter(|(_, e)| e.wanted && e.job_id < newest_id);
        Some(due.min_by_key(|(_, e)| e.job_id)?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Frame;

    fn frame(id: u64) -> FrameRef {
        Arc::new(Frame { id, ..Frame::default() })
    }

    fn quality(q: u8) -> Variant {
        Variant { quality: Some(q), width: None }
    }

    fn shot_of(job: &Job) -> Option<ShotRef> {
        Some(Arc::new(Shot { frame_id: job.frame.id, variant: job.variant, ..Shot::default() }))
    }

    fn work(shots: &Shots) -> Vec<(u64, Variant)> {
        let mut done = Vec::new();
        while let Some(job) = shots.next_job(Duration::ZERO) {
            done.push((job.frame.id, job.variant));
            let shot = shot_of(&job);
            assert!(shots.deliver(job, shot));
        }
        done
    }

    fn ready(look: Look) -> Option<u64> {
        match look {
            Look::Ready(shot) => Some(shot.frame_id),
            _ => None,
        }
    }

    #[test]
    fn nothing_is_made_for_nobody() {
        let shots = Shots::default();
        (1..9).for_each(|id| shots.publish(frame(id)));
        assert!(work(&shots).is_empty());
    }

    #[test]
    fn one_frame_and_variant_is_made_once_however_many_look() {
        let shots = Shots::default();
        shots.publish(frame(1));
        for _ in 0..5 {
            assert!(matches!(shots.look(quality(75), 1), Look::Soon));
        }
        assert_eq!(work(&shots), [(1, quality(75))]);
        for _ in 0..5 {
            assert_eq!(ready(shots.look(quality(75), 1)), Some(1));
        }
        assert!(work(&shots).is_empty());
    }

    #[test]
    fn a_wish_for_the_next_frame_waits_for_it() {
        let shots = Shots::default();
        shots.publish(frame(1));
        let _ = shots.look(quality(75), 2);
        assert_eq!(work(&shots), [(1, quality(75))], "a first wish may be met with what is there");
        let _ = shots.look(quality(75), 2);
        assert!(work(&shots).is_empty(), "frame 1 is made already");
        shots.publish(frame(2));
        assert_eq!(work(&shots), [(2, quality(75))]);
        assert_eq!(ready(shots.look(quality(75), 2)), Some(2));
    }

    #[test]
    fn a_wish_during_an_encode_is_not_forgotten() {
        let shots = Shots::default();
        shots.publish(frame(1));
        let _ = shots.look(quality(75), 1);
        let job = shots.next_job(Duration::ZERO).unwrap();
        shots.publish(frame(2));
        assert!(matches!(shots.look(quality(75), 2), Look::Soon));
        let shot = shot_of(&job);
        shots.deliver(job, shot);
        assert_eq!(work(&shots), [(2, quality(75))]);
    }

    #[test]
    fn a_lost_camera_shows_nothing_at_once_and_voids_the_encode_under_way() {
        let shots = Shots::default();
        shots.publish(frame(1));
        let _ = shots.look(quality(75), 1);
        let job = shots.next_job(Duration::ZERO).unwrap();
        shots.lose();
        assert!(matches!(shots.look(quality(75), 1), Look::Lost));
        let shot = shot_of(&job);
        assert!(!shots.deliver(job, shot));
        assert_eq!(shots.newest_id(), 0);
        shots.publish(frame(2));
        assert!(matches!(shots.look(quality(75), 1), Look::Soon), "the old shot must not come back");
    }

    #[test]
    fn a_frame_that_cannot_be_encoded_is_not_tried_again() {
        let shots = Shots::default();
        shots.publish(frame(1));
        let _ = shots.look(quality(75), 1);
        let job = shots.next_job(Duration::ZERO).unwrap();
        shots.deliver(job, None);
        assert!(matches!(shots.look(quality(75), 1), Look::Soon));
        assert!(work(&shots).is_empty());
        shots.publish(frame(2));
        assert_eq!(work(&shots), [(2, quality(75))]);
    }

    #[test]
    fn a_fifth_variant_waits_for_the_next_frame_then_takes_the_place_least_recently_used() {
        let shots = Shots::default();
        shots.publish(frame(1));
        for q in [10, 20, 30, 40] {
            let _ = shots.look(quality(q), 1);
        }
        work(&shots);
        for q in [10, 20, 30, 40] {
            assert_eq!(ready(shots.look(quality(q), 1)), Some(1));
        }
        assert!(matches!(shots.look(quality(50), 1), Look::Full));
        let _ = shots.look(quality(10), 1);
        shots.publish(frame(2));
        assert!(matches!(shots.look(quality(50), 2), Look::Soon));
        assert_eq!(work(&shots), [(2, quality(50))]);
        assert_eq!(ready(shots.look(quality(10), 1)), Some(1), "10 was used after 20, so 20 went");
        assert_eq!(ready(shots.look(quality(20), 1)), None);
    }

    #[test]
    fn a_shot_that_was_just_made_stays_until_it_is_fetched_and_so_does_a_wish_that_had_no_turn() {
        let shots = Shots::default();
        shots.publish(frame(1));
        for q in [10, 20, 30, 40] {
            let _ = shots.look(quality(q), 1);
        }
        let job = shots.next_job(Duration::ZERO).unwrap();
        let (made, shot) = (job.variant, shot_of(&job));
        shots.deliver(job, shot);
        shots.publish(frame(2));
        assert!(matches!(shots.look(quality(50), 2), Look::Full), "one is to be fetched, three had no turn");
        assert_eq!(ready(shots.look(made, 1)), Some(1));
        assert!(matches!(shots.look(quality(50), 2), Look::Soon), "its place is free");
    }

    #[test]
    fn a_fifth_viewer_gets_a_picture_although_four_never_stop_wishing() {
        let shots = Shots::default();
        let mut served = [0u32; 5];
        for id in 1..=50 {
            shots.publish(frame(id));
            for (i, q) in [10, 20, 30, 40, 50].into_iter().enumerate().cycle().skip(id as usize % 5).take(5) {
                let _ = shots.look(quality(q), id);
                served[i] += u32::from(ready(shots.look(quality(q), id)).is_some());
            }
            let made = work(&shots);
            assert!(made.len() <= VARIANTS, "{made:?}");
            for (i, q) in [10, 20, 30, 40, 50].into_iter().enumerate() {
                served[i] += u32::from(ready(shots.look(quality(q), id)).is_some());
            }
        }
        assert!(served.iter().all(|n| *n > 0), "{served:?}");
    }

    /// How many pictures each of so many viewers gets of these frames, who all look before and after the work, always in the same
    /// order.
    fn served<const VIEWERS: usize>(ids: std::ops::RangeInclusive<u64>) -> [u32; VIEWERS] {
        let shots = Shots::default();
        let mut served = [0u32; VIEWERS];
        for id in ids {
            shots.publish(frame(id));
            let mut all_look = || {
                for (q, served) in (10..).zip(&mut served) {
                    *served += u32::from(ready(shots.look(quality(q), id)).is_some());
                }
            };
            all_look();
            work(&shots);
            all_look();
        }
        served
    }

    #[test]
    fn six_viewers_who_always_look_in_the_same_order_all_get_pictures() {
        let served = served::<6>(1..=60);
        assert!(served.iter().all(|n| *n >= 30), "{served:?}");
    }

    #[test]
    fn ten_viewers_who_always_look_in_the_same_order_all_get_pictures_however_long_the_box_runs() {
        let served = served::<10>(100_001..=100_060);
        assert!(served.iter().all(|n| *n >= 15), "{served:?}");
    }

    #[test]
    fn those_who_hung_up_while_they_stood_in_the_queue_keep_nobody_out() {
        let shots = Shots::default();
        shots.publish(frame(1));
        (1..=8).for_each(|q| drop(shots.look(quality(q), 1)));
        assert_eq!(work(&shots).len(), VARIANTS);
        // Nothing is delivered from now on, since nobody has a place; there are frames.
        let mut is_served = false;
        for id in 2..=20 {
            shots.publish(frame(id));
            is_served |= !matches!(shots.look(quality(50), id), Look::Full);
        }
        assert!(is_served);
    }

    #[test]
    fn those_who_hung_up_are_forgotten_the_sooner_the_more_is_delivered() {
        let shots = Shots::default();
        shots.publish(frame(1));
        (1..=8).for_each(|q| drop(shots.look(quality(q), 1)));
        work(&shots);
        for id in 2..=3 {
            shots.publish(frame(id));
            (1..=4).for_each(|q| drop(shots.look(quality(q), id)));
            work(&shots);
            assert!((1..=4).all(|q| ready(shots.look(quality(q), id)) == Some(id)), "{id}");
        }
        shots.publish(frame(4));
        assert!(matches!(shots.look(quality(50), 4), Look::Soon), "four who never came back stand before it");
    }

    #[test]
    fn a_shot_that_nobody_fetches_keeps_its_place_for_a_few_frames_only() {
        let shots = Shots::default();
        shots.publish(frame(100));
        for q in [10, 20, 30, 40] {
            let _ = shots.look(quality(q), 100);
        }
        work(&shots);
        shots.publish(frame(100 + VARIANTS as u64));
        assert!(matches!(shots.look(quality(50), 0), Look::Full));
        shots.publish(frame(101 + VARIANTS as u64));
        assert!(matches!(shots.look(quality(50), 0), Look::Soon));
    }

    #[test]
    fn a_look_while_the_picture_is_made_is_no_wish_for_the_next_one() {
        let shots = Shots::default();
        shots.publish(frame(1));
        let _ = shots.look(quality(75), 1);
        let job = shots.next_job(Duration::ZERO).unwrap();
        assert!(matches!(shots.look(quality(75), 1), Look::Soon));
        let shot = shot_of(&job);
        shots.deliver(job, shot);
        shots.publish(frame(2));
        assert!(work(&shots).is_empty(), "nobody wants frame 2");
    }

    #[test]
    fn the_last_frames_that_were_made_are_known() {
        let shots = Shots::default();
        for id in (1000..).step_by(3).take(MADE) {
            shots.publish(frame(id));
            assert_eq!((shots.newest_id(), shots.was_made(id)), (id, false));
            let _ = shots.look(quality(75), id);
            assert!(!shots.was_made(id), "a wish is not yet a picture");
            work(&shots);
            assert!((1000..=id).step_by(3).all(|made| shots.was_made(made)), "{id}");
        }
        let later = 1000 + 3 * MADE as u64;
        shots.publish(frame(later));
        let _ = shots.look(quality(75), later);
        work(&shots);
        assert!(!shots.was_made(1000), "its place was taken");
    }

    #[test]
    fn the_bell_rings_when_a_shot_is_there_and_when_the_camera_is_lost() {
        #[derive(Default)]
        struct Count(AtomicU64);
        impl Bell for Count {
            fn ring(&self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let (shots, bell) = (Shots::default(), Arc::new(Count::default()));
        let rung = || bell.0.load(Ordering::Relaxed);
        shots.add_bell(bell.clone());
        shots.publish(frame(1));
        let _ = shots.look(quality(75), 1);
        assert_eq!(rung(), 0);
        work(&shots);
        assert_eq!(rung(), 1);
        shots.lose();
        assert_eq!(rung(), 2);
    }

    #[test]
    fn what_is_encoded_has_a_quality_that_encoders_know() {
        let asked = |quality| Variant { quality, width: None }.quality_or_default();
        assert_eq!([None, Some(0), Some(60), Some(200)].map(asked), [DEFAULT_QUALITY, 1, 60, 100]);
    }

    #[test]
    fn two_names_of_one_picture_are_one_variant() {
        let shots = Shots::default();
        let raw = Frame { id: 1, layout: Layout::packed(PixelFormat::Grey, 16, 16), ..Frame::default() };
        shots.publish(Arc::new(raw));
        let _ = shots.look(Variant::default(), 1);
        let _ = shots.look(quality(DEFAULT_QUALITY), 1);
        assert_eq!(work(&shots), [(1, quality(DEFAULT_QUALITY))]);
        assert_eq!(
            Variant::default().of(&Layout::jpeg(16, 16)),
            Variant::default(),
            "a camera's own JPEG is its own variant"
        );
        let narrow = Variant { quality: None, width: Some(16) };
        assert_eq!(narrow.of(&Layout::jpeg(32, 32)).quality, Some(DEFAULT_QUALITY));
    }

    /// Frames often come while the thread sleeps, and often just before it does; a wake-up that is forgotten shows in the first
    /// case.
    #[test]
    fn a_wish_for_a_frame_wakes_the_jpeg_thread_and_so_does_the_frame_of_a_wish() {
        // A thread that nobody wakes wakes by itself after so long; whoever waits for its picture waits half of that.
        const LONG: Duration = Duration::from_secs(10);
        let shots = Arc::new(Shots::default());
        let (own, (done, made)) = (shots.clone(), std::sync::mpsc::channel());
        let thread = std::thread::spawn(move || {
            while let Some(job) = own.next_job(LONG) {
                let (id, shot) = (job.frame.id, shot_of(&job));
                own.deliver(job, shot);
                done.send(id).unwrap();
            }
        });
        let let_it_sleep = || (0..50).for_each(|_| std::thread::yield_now());
        for id in (1..40).step_by(2) {
            shots.publish(frame(id));
            let_it_sleep();
            let _ = shots.look(quality(75), id);
            assert_eq!(made.recv_timeout(LONG / 2), Ok(id));
            let _ = shots.look(quality(75), id + 1);
            let_it_sleep();
            shots.publish(frame(id + 1));
            assert_eq!(made.recv_timeout(LONG / 2), Ok(id + 1));
        }
        shots.close();
        thread.join().unwrap();
    }

    #[test]
    fn closing_wakes_the_jpeg_thread() {
        let shots = Arc::new(Shots::default());
        let own = shots.clone();
        let thread = std::thread::spawn(move || own.next_job(Duration::from_secs(600)).is_none());
        shots.close();
        assert!(thread.join().unwrap());
    }
}
