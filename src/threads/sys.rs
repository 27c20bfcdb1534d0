//! What a thread asks of the kernel: its cores, its priority, its id. A refusal is said once per thread and is no error:
//! a developer's machine grants no real-time priority, and the box must still run there.
//!
//! Linux wants the *thread* id where POSIX wants the process's, which is just what is needed here.
#![allow(unsafe_code)]

use super::Post;

/// So that two threads seldom wait for each other; what is done for each frame allocates nothing.
#[cfg(target_env = "gnu")]
const HEAPS: libc::c_int = 2;

/// The kernel's id of the calling thread.
pub(super) fn thread_id() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()
}

/// Lets all threads take their memory from a few common heaps, unless `MALLOC_ARENA_MAX` says otherwise. To be called before
/// there are threads.
///
/// glibc gives threads up to eight heaps a core. A camera that comes back brings new threads of GStreamer's, which take
/// another one than their forerunners, and each heap keeps the most that it ever held: beside a network camera that is lost
/// every other minute a box grew by 40 MB in an hour.
pub fn share_heaps() {
    #[cfg(target_env = "gnu")]
    if std::env::var_os("MALLOC_ARENA_MAX").is_none() {
        // SAFETY: `mallopt` changes a number of the allocator; there is no other thread yet that could allocate meanwhile.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, HEAPS) };
    }
}

/// Gives the calling thread its cores and priority; returns the priority it really got.
pub fn settle(post: &Post) -> Option<u8> {
    if !post.cores.is_empty() {
        let mut set = rustix::thread::CpuSet::new();
        for &core in post.cores.iter().filter(|c| **c < rustix::thread::CpuSet::MAX_CPU) {
            set.set(core);
        }
        if let Err(why) = rustix::thread::sched_setaffinity(None, &set) {
            log::warn!("{}: cannot run on cores {:?} ({why}); it runs on any", post.name, post.cores);
        }
    }
    let priority = post.priority?;
    let parameter = libc::sched_param { sched_priority: priority.into() };
    // SAFETY: `sched_setscheduler` only reads `parameter`, which lives on this stack for the call; 0 means the calling
    // thread, so no other thread's scheduling can be changed by a stale id.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameter) };
    if result == 0 {
        return Some(priority);
    }
    let why = std::io::Error::last_os_error();
    log::warn!("{}: no real-time priority {priority} ({why}); it runs with the ordinary one", post.name);
    None
}
