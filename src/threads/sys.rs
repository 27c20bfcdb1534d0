//! What a thread asks of the kernel: its cores, its priority, its id. A refusal is said once per thread and is no error:
//! a developer's machine grants no real-time priority, and the box must still run there.
//!
//! Linux wants the *thread* id where POSIX wants the process's, which is just what is needed here.
#![allow(unsafe_code)]

use super::Post;

/// The kernel's id of the calling thread.
pub(super) fn thread_id() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()
}

/// Parts of its memory that the C library may keep apart, so that threads need not wait for each other.
#[cfg(target_env = "gnu")]
const ARENAS: libc::c_int = 2;

/// Keeps the C library from dividing its memory into as many parts as it likes, which is eight for each core. Threads of
/// GStreamer come and go with every loss of a network camera; each takes another part, and what is left over in a part stays
/// there. A camera that was lost every minute took 31 MB more in half an hour so. Nothing on a frame's way waits for the
/// others, since it takes no memory.
///
/// And keeps the kernel from rounding up. Where huge pages are for all (`always`, as Debian has it), it makes two megabytes of every
/// piece of that size of which the box has one page: one small camera took 53 MB at first and 156 after two minutes.
pub fn keep_memory_together() {
    match rustix::thread::disable_transparent_huge_pages(true) {
        Ok(()) => log::debug!("memory is not made up of huge pages"),
        Err(why) => log::debug!("memory may be made up of huge pages: {why}"),
    }
    #[cfg(target_env = "gnu")]
    // SAFETY: `mallopt` changes numbers of the allocator under its own lock, takes no pointer and may be called at any time.
    let done = unsafe { libc::mallopt(libc::M_ARENA_MAX, ARENAS) };
    #[cfg(target_env = "gnu")]
    log::debug!("memory is kept in {ARENAS} parts: {}", done == 1);
}

/// Gives memory that the C library keeps for later back to the machine. What is in use is not touched; whoever wants memory
/// meanwhile waits some milliseconds for it.
pub fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: `malloc_trim` works on the allocator's own free memory under its own locks, takes no pointer and may be called at
    // any time by any thread.
    let some = unsafe { libc::malloc_trim(0) };
    #[cfg(target_env = "gnu")]
    log::debug!("memory was given back to the machine: {}", some == 1);
}

/// Puts another thread of this process onto its cores.
pub(super) fn put(tid: Option<u32>, post: &Post) {
    let tid = tid.and_then(|tid| i32::try_from(tid).ok()).and_then(rustix::thread::Pid::from_raw);
    if tid.is_some() {
        put_on_cores(tid, post);
    }
}

fn put_on_cores(tid: Option<rustix::thread::Pid>, post: &Post) {
    let mut set = rustix::thread::CpuSet::new();
    for &core in post.cores.iter().filter(|c| **c < rustix::thread::CpuSet::MAX_CPU) {
        set.set(core);
    }
    if let Err(why) = rustix::thread::sched_setaffinity(tid, &set) {
        log::warn!("{}: cannot run on cores {:?} ({why}); it runs on any", post.name, post.cores);
    }
}

/// Gives the calling thread its cores and priority; returns the priority it really got.
pub fn settle(post: &Post) -> Option<u8> {
    if !post.cores.is_empty() {
        put_on_cores(None, post);
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
