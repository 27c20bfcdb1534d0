//! Cameras that misbehave, each in its own way, in front of the real program: what breaks off, lies, floods, falls silent or
//! changes under way costs its own picture, with one clear sentence, and nothing else; and the picture is back when the camera
//! behaves again.
//!
//! V4L2 cameras are a stand-in for the kernel's driver (`fake-v4l2.c`), HTTP cameras are written down here byte by byte, and RTSP
//! cameras are a real server behind a line that spoils what it says. Nothing leaves this machine.

#[path = "../common/mod.rs"]
mod common;
#[path = "../helpers/mod.rs"]
mod helpers;

mod house;
mod http;
mod reconnects;
mod relay;
mod rtsp;
mod server;
mod stream;
mod v4l2;
