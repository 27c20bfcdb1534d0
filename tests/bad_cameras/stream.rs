//! RTSP cameras that begin well and then spoil the stream: silence, garbage, lost keyframes, clocks, sizes and rates.

use std::io;
use std::time::{Duration, Instant};

use super::common::slower;
use super::helpers::{Server as Real, open};
use super::house::House;
use super::relay::{Piece, Spoiler, honest, relay};
use super::server::{Script, Server};
use spotter::capture::{Next, Source};
use spotter::frame::Frame;

/// Where RTP's timestamp, SSRC and payload are in a packet, behind the four bytes that put it onto the line.
const STAMP: std::ops::Range<usize> = 8..12;
const SSRC: usize = 12;
const PAYLOAD: usize = 16;

/// Leaves messages as they are; `spoil` is given each packet and its number.
fn packets(mut spoil: impl FnMut(usize, Vec<u8>) -> io::Result<Vec<u8>> + Send + 'static) -> Spoiler {
    let mut number = 0;
    Box::new(move |piece| match piece {
        Piece::Message(bytes) => Ok(bytes),
        Piece::Packet(bytes) => {
            number += 1;
            spoil(number, bytes)
        }
    })
}

fn is_rtp(packet: &[u8]) -> bool {
    packet[1] == 0
}

/// Whether a packet has a part of an IDR picture (RFC 6184): by itself, or as a fragment.
fn is_key(packet: &[u8]) -> bool {
    let of_type = |byte: u8| byte & 0x1f;
    let nal = of_type(packet[PAYLOAD]);
    is_rtp(packet) && (nal == 5 || nal == 28 && of_type(packet[PAYLOAD + 1]) == 5)
}

/// How far the greys of the colour bars are off, of 255: 75 % bars as BT.601 has them.
fn bars_off(frame: &Frame) -> i32 {
    const LUMA: [i32; 7] = [180, 162, 131, 112, 84, 65, 35];
    let (width, height, plane) = (frame.layout.width, frame.layout.height, frame.layout.planes()[0]);
    let at = |bar: usize| i32::from(frame.plane(0)[height / 3 * plane.stride + (2 * bar + 1) * width / 14]);
    (0..7).map(|bar| (at(bar) - LUMA[bar]).abs()).max().unwrap()
}

/// What came of a stream that was looked at for a while.
#[derive(Default, Debug)]
struct Seen {
    frames: usize,
    worst: i32,
    sizes: Vec<usize>,
    fault: Option<&'static str>,
}

/// Reads until so many frames, a fault, or 15 s. Stamps must go forwards.
fn look(source: &mut Source, frames: usize) -> Seen {
    let (mut seen, mut frame, begun) = (Seen::default(), Frame::default(), Instant::now());
    let mut last = spotter::time::Mono::default();
    while seen.frames < frames && begun.elapsed() < Duration::from_secs(15 * slower()) {
        frame.reset();
        match source.next(&mut frame, Duration::from_millis(100)) {
            Ok(Next::Frame) => {
                assert!(frame.captured > last, "a frame is newer than the one before");
                last = frame.captured;
                seen.frames += 1;
                seen.worst = seen.worst.max(bars_off(&frame));
                if !seen.sizes.contains(&frame.layout.width) {
                    seen.sizes.push(frame.layout.width);
                }
            }
            Ok(_) => {}
            Err(fault) => {
                seen.fault = Some(fault.kind());
                break;
            }
        }
    }
    seen
}

/// Opens a camera whose stream is spoilt so, and looks at it. `stall_s` is for how long it may show nothing.
fn seen_through(real: &Real, stall_s: u64, frames: usize, spoiler: fn() -> Spoiler) -> Seen {
    let camera = Server::start(relay(real.port(), spoiler));
    match open(&format!("rtsp://{}/h264", camera.address), stall_s) {
        Ok(mut source) => look(&mut source, frames),
        Err(fault) => Seen { fault: Some(fault.kind()), ..Seen::default() },
    }
}

/// `stall_s`, how many frames are read, and how the stream is spoilt.
type Look = (u64, usize, fn() -> Spoiler);

/// The same of several at once.
fn all_seen_through<const N: usize>(real: &Real, cases: [Look; N]) -> [Seen; N] {
    std::thread::scope(|threads| {
        let looks =
            cases.map(|(stall_s, frames, spoiler)| threads.spawn(move || seen_through(real, stall_s, frames, spoiler)));
        looks.map(|look| look.join().unwrap())
    })
}

#[test]
fn who_comes_in_the_middle_sees_no_picture_before_a_whole_one() {
    // The first caller has the media made, and what it shows then has begun already.
    let real = Real::start(320, 240, 15, None);
    let seen = seen_through(&real, 3 * slower(), 30, || packets(|_, packet| Ok(packet)));
    assert!(seen.frames == 30 && seen.worst <= 12, "{seen:?}");
}

#[test]
fn a_lost_keyframe_is_waited_for_and_never_made_up() {
    let real = Real::start(320, 240, 15, None);
    fn first_lost() -> Spoiler {
        let (mut losing, mut over) = (false, false);
        packets(move |_, packet| {
            over |= losing && is_rtp(&packet) && !is_key(&packet);
            losing |= is_key(&packet);
            Ok(if is_key(&packet) && !over { Vec::new() } else { packet })
        })
    }
    fn lost_from(from: usize) -> Spoiler {
        packets(move |n, packet| Ok(if n > from && is_key(&packet) { Vec::new() } else { packet }))
    }
    let cases: [Look; 3] = [(3 * slower(), 30, first_lost), (3, 300, || lost_from(60)), (3, 300, || lost_from(0))];
    let [first, later, all] = all_seen_through(&real, cases);
    assert!(first.frames == 30 && first.worst <= 12, "the first: {first:?}");
    assert!(later.frames > 5 && later.worst <= 12 && later.fault == Some("stalled"), "later ones: {later:?}");
    assert!(all.frames == 0 && all.fault == Some("stalled"), "all: {all:?}");
}

#[test]
fn an_rtp_clock_that_runs_backwards_or_jumps_changes_nothing() {
    let real = Real::start(320, 240, 15, None);
    fn shifted(mut packet: Vec<u8>, to: impl FnOnce(u32) -> u32) -> io::Result<Vec<u8>> {
        if is_rtp(&packet) {
            let stamp = u32::from_be_bytes(packet[STAMP].try_into().unwrap());
            packet[STAMP].copy_from_slice(&to(stamp).to_be_bytes());
        }
        Ok(packet)
    }
    fn back() -> Spoiler {
        let mut first = None;
        packets(move |_, packet| {
            shifted(packet, |stamp| {
                let first = *first.get_or_insert(stamp);
                first.wrapping_sub(stamp.wrapping_sub(first))
            })
        })
    }
    fn an_hour() -> Spoiler {
        packets(|n, packet| shifted(packet, |stamp| if n > 30 { stamp.wrapping_sub(90_000 * 3600) } else { stamp }))
    }
    for seen in all_seen_through(&real, [(3 * slower(), 45, back as fn() -> Spoiler), (3 * slower(), 45, an_hour)]) {
        assert!(seen.frames == 45 && seen.worst <= 12, "{seen:?}");
    }
}

#[test]
fn a_stream_that_changes_its_size_is_followed() {
    let real = Real::start(320, 240, 15, None);
    let mut source = open(&format!("{}/changes", real.url), 5).unwrap_or_else(|f| panic!("{f}"));
    let seen = look(&mut source, 45);
    assert!(seen.frames == 45 && seen.worst <= 12, "{seen:?}");
    seen.sizes.iter().for_each(|width| assert!([320, 640].contains(width), "{seen:?}"));
    assert_eq!(seen.sizes.len(), 2, "{seen:?}");
}

#[test]
fn a_stream_that_becomes_gigantic_is_refused_before_it_is_decoded() {
    let real = Real::start(2100, 2100, 4, None);
    let mut source = open(&format!("{}/changes", real.url), 10).unwrap_or_else(|f| panic!("{f}"));
    let seen = look(&mut source, 300);
    assert!(seen.sizes == [2100] && seen.fault == Some("failed"), "{seen:?}");
}

#[test]
fn two_hundred_and_forty_frames_a_second_are_only_many() {
    let real = Real::start(320, 240, 240, None);
    let mut source = open(&format!("{}/h264", real.url), 5).unwrap_or_else(|f| panic!("{f}"));
    let begun = Instant::now();
    let seen = look(&mut source, 480);
    println!("{:.0} frames a second", seen.frames as f64 / begun.elapsed().as_secs_f64());
    assert!(seen.frames > 100 && seen.worst <= 12 && seen.fault.is_none(), "{seen:?}");
}

/// A camera's name, how it spoils, and the kinds of its fault.
type Case = (&'static str, fn() -> Spoiler, &'static str, &'static str);

/// How long a spoilt stream may show nothing, as the fault tells it behind these words.
const STALL_S: u64 = 3;
const STALLED: &str = "no picture for ";

const SPOILT: [Case; 15] = [
    ("0-fps", || packets(|_, _| Ok(Vec::new())), "stalled", STALLED),
    ("0-fps-later", || packets(|n, packet| Ok(if n > 60 { Vec::new() } else { packet })), "stalled", STALLED),
    (
        "hangs-up",
        || packets(|n, packet| if n > 60 { Err(io::ErrorKind::Other.into()) } else { Ok(packet) }),
        "ended",
        "the stream has ended",
    ),
    (
        "garbage-between",
        || packets(|n, packet| Ok(if n == 5 { [&packet[..], &[0, 1, 0xff, 0xfe, 7]].concat() } else { packet })),
        "unreachable",
        "cannot be reached",
    ),
    (
        "words-between",
        || packets(|n, packet| Ok(if n == 5 { [&packet[..], b"hello\r\n\r\n"].concat() } else { packet })),
        "unreachable",
        "cannot be reached",
    ),
    // An endless line without an end, of which a byte comes now and then: the library cannot be interrupted in it.
    ("sevens", || packets(|_, packet| Ok(vec![7; packet.len()])), "stalled", STALLED),
    ("zeros", || packets(|_, packet| Ok(vec![0; packet.len()])), "stalled", STALLED),
    ("payload", || packets(|_, packet| Ok(garbled(packet))), "stalled", STALLED),
    ("payload-later", || packets(|n, packet| Ok(if n > 60 { garbled(packet) } else { packet })), "stalled", STALLED),
    ("channel", || packets(|_, packet| Ok([&[b'$', 77], &packet[2..]].concat())), "stalled", STALLED),
    ("short", || packets(|_, packet| Ok([&[b'$', 0, 0, 3], &packet[4..7]].concat())), "stalled", STALLED),
    ("empty", || packets(|_, _| Ok(vec![b'$', 0, 0, 0])), "stalled", STALLED),
    ("length", || packets(|_, packet| Ok([&[b'$', 0, 0xff, 0xff], &packet[4..]].concat())), "stalled", STALLED),
    (
        "head-without-end",
        || {
            packets(|n, packet| match n {
                0..30 => Ok(packet),
                30 => Ok(b"RTSP/1.0 200 OK\r\n".to_vec()),
                _ => Ok(b"X-Header: value\r\n".repeat(1000)),
            })
        },
        "stalled",
        STALLED,
    ),
    (
        "line-without-end",
        || packets(|n, packet| Ok(if n < 30 { packet } else { vec![b'a'; 100_000] })),
        "stalled",
        STALLED,
    ),
];

fn garbled(mut packet: Vec<u8>) -> Vec<u8> {
    packet[PAYLOAD..].fill(0xa5);
    packet
}

#[test]
fn a_spoilt_stream_is_one_sentence_and_recovers_and_its_neighbour_goes_on() {
    let real = Real::start(320, 240, 15, None);
    let script = |spoiler: fn() -> Spoiler| -> Script { relay(real.port(), spoiler) };
    let servers: Vec<Server> = SPOILT.iter().map(|(_, spoiler, ..)| Server::start(script(*spoiler))).collect();
    let uri = |server: &Server| format!("rtsp://{}/h264", server.address);
    let mut cameras: Vec<(&str, String)> = SPOILT.iter().zip(&servers).map(|(case, s)| (case.0, uri(s))).collect();
    cameras.push(("well", format!("{}/h264", real.url)));
    // Sixteen streams are decoded at once; where that is slow, those that are well have long gaps, too. After twenty seconds
    // without a packet the library ends a stream itself.
    let stall_s = STALL_S * slower().min(5);
    let house = House::start(&cameras, stall_s as u32, &[]);
    for (name, _, kind, words) in SPOILT {
        let words = if words == STALLED { format!("{STALLED}{stall_s} s") } else { words.into() };
        house.until_lost(name, kind, &words);
    }
    house.until_more("well", 5);
    servers.iter().for_each(|server| server.behave(honest(real.port())));
    for (name, ..) in SPOILT {
        house.until_up(name);
        house.until_more(name, 5);
    }
    assert_eq!(house.losses("well"), 0.0);
    println!("sixteen streams: {} MiB at most", house.kilobytes("VmHWM:") / 1024);
}

#[test]
fn a_stream_that_changes_who_it_is_is_opened_anew() {
    let real = Real::start(320, 240, 15, None);
    let seen = seen_through(&real, 3, 300, || {
        packets(|n, mut packet| {
            if is_rtp(&packet) && n > 30 {
                packet[SSRC] ^= 0x55;
            }
            Ok(packet)
        })
    });
    assert!(seen.worst <= 12 && (seen.fault.is_some() || seen.frames > 60), "{seen:?}");
}
