//! A rendered gym and athlete, so that a box without a camera is a working box, and a test knows how many repetitions
//! there were.
//!
//! A frame is a pure function of the address and the frame's number: at frame `n` it is `n / fps` seconds since the
//! athlete began. The empty room is painted once; each frame is a copy of it with the athlete, the shadows and the
//! sensor's noise on top, straight in I420 (BT.601, full range, as JPEG has it).
//!
//! It must never tell anybody where the athlete's joints are: who wants to know has to look at the picture. Only
//! [`study`], which no source reaches, knows the answers, for training and for tests. And it must never allocate for a
//! frame once the first is made.

mod body;
mod camera;
mod gear;
mod geometry;
mod inks;
mod light;
mod look;
mod mannequin;
mod motion;
mod noise;
mod paint;
mod pose;
mod raster;
mod room;
#[doc(hidden)]
pub mod study;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::body::{Body, Joints};
use self::camera::View;
use self::light::Light;
use self::look::{Ink, Look};
use self::motion::Program;
use self::noise::Noise;
use self::paint::{Canvas, Painter};
use self::raster::Piece;
use super::uri::DemoAddress;
use crate::capture::Next;
use crate::frame::{Colour, Frame, Layout, PixelFormat};
use crate::time::{Mono, Wall};

/// Metres of floor that the athlete's shadow may fall on.
const FLOOR_SPAN_M: f32 = 3.4;
/// And the furniture's.
const ROOM_SPAN_M: f32 = 8.0;

/// An open demo.
pub struct Demo {
    width: usize,
    height: usize,
    fps: f64,
    look: Look,
    body: Body,
    program: Program,
    view: View,
    light: Light,
    noise: Noise,
    inks: [Ink; inks::NOTHING_MORE],
    painter: Painter,
    pieces: Vec<Piece>,
    room: Vec<u8>,
    begun: Mono,
    next: u64,
}

impl Demo {
    /// Sets the gym up: paints the empty room, which costs as much as some twenty frames.
    pub fn open(address: &DemoAddress) -> Demo {
        let (width, height) = (address.width.clamp(16, 8192), address.height.clamp(16, 8192));
        let look = Look::from_seed(address.seed);
        let exercise = motion::Exercise::named(&address.exercise);
        let view = View::camera(&look, exercise, width, height);
        Demo::set_up(address, look, view, (width, height))
    }

    fn set_up(address: &DemoAddress, look: Look, view: View, (width, height): (usize, usize)) -> Demo {
        let program = Program::new(address, &look);
        let inks = inks::inks(&look);
        let mut painter = Painter::default();
        let room = empty_room(&view, &look, &program, &inks, &mut painter, (width, height));
        Demo {
            fps: if address.fps.is_finite() { address.fps.clamp(1.0, 240.0) } else { 30.0 },
            body: Body::new(look.stature_m, look.build),
            light: Light::new(&view, FLOOR_SPAN_M),
            noise: Noise::new(address.seed, width),
            pieces: Vec::with_capacity(160),
            begun: Mono::now(),
            next: 0,
            width,
            height,
            look,
            program,
            view,
            inks,
            painter,
            room,
        }
    }

    /// Renders the next picture when it is due. A caller who was too slow gets the newest that is due: the athlete
    /// does not wait.
    pub fn next(&mut self, frame: &mut Frame, timeout: Duration) -> Next {
        let due = self.due(self.next);
        let wait = due.since(Mono::now());
        if wait > timeout {
            std::thread::sleep(timeout);
            return Next::Nothing;
        }
        std::thread::sleep(wait);
        let now = Mono::now();
        let number = self.next.max((now.since(self.begun).as_secs_f64() * self.fps) as u64);
        self.next = number + 1;
        self.render_at(number, frame);
        frame.captured = self.due(number);
        let age_ms = u64::try_from(Mono::now().since(frame.captured).as_millis()).unwrap_or(0);
        frame.captured_wall = Wall::from_unix_ms(Wall::now().unix_ms().saturating_sub(age_ms));
        Next::Frame
    }

    /// Fills `frame` with the picture of this number: its layout and bytes, not its moments.
    pub fn render_at(&mut self, frame_number: u64, frame: &mut Frame) {
        let joints = self.joints(frame_number as f64 / self.fps);
        self.render(frame_number, Some(&joints), frame);
    }

    fn render(&mut self, frame_number: u64, athlete: Option<&Joints>, frame: &mut Frame) {
        frame.media_time = None;
        frame.layout = Layout::packed(PixelFormat::I420, self.width, self.height).with_colour(Colour::JPEG);
        frame.bytes.clear();
        frame.bytes.extend_from_slice(&self.room);
        self.pieces.clear();
        if let Some(joints) = athlete {
            mannequin::dress(&self.body, joints, &self.look, &mut self.pieces);
            gear::hold(joints, self.program.exercise, &self.look, &mut self.pieces);
        }
        self.light.throw(&self.pieces);
        if let Some(mut canvas) = Canvas::on(&mut frame.bytes, self.width, self.height) {
            paint::shade_floor(&mut canvas, &self.view, &self.light);
            self.painter.paint(&mut canvas, &self.view, &self.light, &self.pieces, &self.inks);
        }
        let (y, chroma) = frame.bytes.split_at_mut(self.width * self.height);
        self.noise.lay(frame_number, self.width, y, chroma);
    }

    fn joints(&self, t: f64) -> Joints {
        pose::joints(&self.body, &self.look, self.program.exercise, &self.program.at(t))
    }

    fn due(&self, number: u64) -> Mono {
        self.begun.plus(Duration::from_secs_f64(number as f64 / self.fps))
    }
}

fn empty_room(
    view: &View,
    look: &Look,
    program: &Program,
    inks: &[Ink],
    painter: &mut Painter,
    (width, height): (usize, usize),
) -> Vec<u8> {
    let mut bytes = vec![0; Layout::packed(PixelFormat::I420, width, height).bytes()];
    let side = look.azimuth.signum();
    let mut furniture = Vec::with_capacity(256);
    gear::furnish(program.exercise, side, -side * room::SIDE_X, room::BACK_Z, &mut furniture);
    let mut light = Light::new(view, ROOM_SPAN_M);
    light.throw(&furniture);
    if let Some(mut canvas) = Canvas::on(&mut bytes, width, height) {
        room::Room { view, look, side }.paint(&mut canvas);
        paint::shade_floor(&mut canvas, view, &light);
        painter.paint(&mut canvas, view, &light, &furniture, inks);
    }
    bytes
}
