//! A set that goes on: the repetitions after its beginning, measured against its own.
//!
//! How high and how long its repetitions are is known from those it has; half as high is none, thrice as long is a rest.
//! It must never take back a repetition that was told.

use super::aim::{Aim, around};
use super::classify::{Look, Near, is_turned_by_name, named, nearest};
use super::course::{self, Course};
use super::direction::{self, is_turned};
use super::exercise::Exercise;
use super::extrema::{Wanted, cycles, smooth};
use super::form::{Form, errors};
use super::gate;
use super::measure::{Measure, Side};
use super::pace::{Manner, Pace};
use super::prototype::Prototypes;
use super::recount::Tape;
use super::rep::{Span, measured};
use super::report::Rep;
use super::review::{Known, odds, review};
use super::search::{Beginning, DWELL_S, Desk, Least, SURE, Usual, alike, median};
use super::signal::{BREAK_TICKS, Signal, TICKS, seconds, ticks};

/// Repetitions that say what is usual.
const LATE: usize = 8;
/// More than this many are never counted in one set; four hours of one in a second and a half.
const MOST_REPS: usize = 10_000;
/// A repetition of the set is not further from the others than this.
const UNLIKE_LATER: f32 = 1.0;
/// Room for this many is made when a set begins.
const MANY_REPS: usize = 100;
/// Beyond this share of the height a body is out for a repetition, …
const HALF_OUT: f32 = 0.4;
/// … which takes this many times as long as the others, with the pause before it.
const OUT: f32 = 2.5;
/// One side works alone when it moves this many times as far as both together.
const ALONE: f32 = 1.3;
/// A longer pause is a rest. Seconds.
pub const REST_S: f32 = 7.0;
/// Smoothing, as a share of a repetition.
const SMOOTH: f32 = 0.1;

/// A set that is not over.
pub struct Open {
    /// The channel whose angle is told with a repetition.
    hinge: usize,
    aim: Aim,
    /// Its name or a recorded example shows where its repetitions begin.
    shown: bool,
    /// Progress of the last minute.
    progress: Vec<f32>,
    half: usize,
    height: f32,
    /// All of its repetitions; the latest say what is usual.
    all: Vec<Span>,
    /// How the latest look.
    forms: Vec<Form>,
    courses: Vec<Course>,
    pub reps: Vec<Rep>,
    /// One that came after a rest, and is told when another follows.
    waiting: Option<Span>,
    /// Where the next repetition is looked for.
    from: u64,
    tape: Tape,
}

/// Half the width of smoothing, in ticks.
fn smoothing(rep_s: f32) -> usize {
    ticks(SMOOTH * rep_s / 2.0).max(2)
}

/// How repetitions look that are not those of a set yet: by their postures, and by their courses.
fn forms_of(spans: &[Span], signal: &Signal) -> direction::Look {
    direction::Look { form: Form::usual(signal, spans), lift: gate::lift(signal, spans) }
}

fn look_of(spans: &[Span], signal: &Signal) -> Look {
    let courses: Vec<Course> = spans.iter().map(|span| Course::of(signal, span)).collect();
    Look { course: Course::mean(courses.iter()), error2: course::errors(signal, courses.len()) }
}

/// The channel of the hinge that works: the exercise's, or else the one that moves furthest; both sides together, or the
/// one that works alone.
fn hinge(exercise: Option<&Exercise>, spans: &[Span], signal: &Signal) -> usize {
    let way = |channel: usize| {
        let ways = spans.iter().map(|of| around(signal, channel, of.turn) - around(signal, channel, of.start));
        median(ways.filter(|way| way.is_finite())).abs()
    };
    let hinges = [Measure::Elbow, Measure::Shoulder, Measure::Hip, Measure::Knee];
    let best = |side: Side, than: f32| {
        let ways = hinges.map(|measure| way(measure.channel(side)) * than);
        let among = |n: &usize| exercise.is_none_or(|exercise| exercise.hinge == hinges[*n]);
        let best = (0..hinges.len()).filter(among).max_by(|a, b| ways[*a].total_cmp(&ways[*b]));
        best.map_or((0, 0.0), |n| (hinges[n].channel(side), ways[n]))
    };
    let all = [best(Side::Left, 1.0), best(Side::Right, 1.0), best(Side::Both, ALONE)];
    all.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(channel, _)| channel)
}

impl Open {
    /// Begins with what was found. Its repetitions are looked for anew by the whole body, from `from` on and either way
    /// round: as a prototype has it, or else the way that has more of them or began earlier, where the athlete rests.
    pub fn new(
        found: Beginning,
        from: u64,
        least: Least,
        (chosen, prototypes): (Option<&'static Exercise>, &Prototypes),
        signal: &Signal,
        desk: &mut Desk,
    ) -> Open {
        let turned = Open::along(found.aim.clone().turned(), &found.spans, from, least, signal, desk);
        let (mut open, mut spans) = Open::along(found.aim, &found.spans, from, least, signal, desk);
        if spans.len() < found.spans.len() {
            spans = found.spans.into_iter().map(|span| Span { height: 1.0, ..span }).collect();
        }
        let merit = |spans: &[Span]| (spans.len(), spans.first().map(|first| std::cmp::Reverse(first.start)));
        // What is named or was recorded says where its repetitions begin; else what is usual does.
        let by_form = || is_turned(&forms_of(&spans, signal), &errors(signal), prototypes);
        let look = look_of(&spans, signal);
        let mut name = named(&look, prototypes).map(|(name, _)| name);
        let shown = name.and_then(|name| is_turned_by_name(&look, name, prototypes)).or_else(by_form);
        let usual = || (spans.len() > 1).then(|| odds(signal, &spans) < 0.0);
        let known = shown.or_else(usual).filter(|_| !turned.1.is_empty());
        if known.unwrap_or_else(|| merit(&turned.1) > merit(&spans)) {
            (open, spans) = turned;
            name = named(&look_of(&spans, signal), prototypes).map(|(name, _)| name);
        }
        open.shown = shown.is_some();
        open.hinge = hinge(chosen.or_else(|| Exercise::named(name?)), &spans, signal);
        open.from = spans.first().map_or(open.from, |first| first.start);
        open.tape = Tape::new(open.from);
        spans.into_iter().for_each(|span| open.add(span, signal, desk));
        open
    }

    /// An empty set that is counted along `aim`, and its first repetitions.
    fn along(aim: Aim, known: &[Span], from: u64, least: Least, signal: &Signal, desk: &mut Desk) -> (Open, Vec<Span>) {
        let rep_s = median(known.iter().map(Span::duration_s));
        let half = smoothing(rep_s);
        let mut open = Open {
            hinge: 0,
            aim,
            shown: false,
            progress: vec![f32::NAN; TICKS],
            half,
            height: 1.0,
            all: Vec::with_capacity(MANY_REPS),
            forms: Vec::with_capacity(LATE),
            courses: Vec::with_capacity(LATE),
            reps: Vec::with_capacity(MANY_REPS),
            waiting: None,
            from,
            tape: Tape::new(from),
        };
        open.watch(signal, TICKS as u64);
        let first = open.read(signal, from, &mut desk.x);
        smooth(&mut desk.x, half, &mut desk.spare);
        desk.x.truncate(desk.x.len().saturating_sub(half));
        cycles(&desk.x, Wanted::of(1.0, ticks(DWELL_S) + half), &mut desk.cycles);
        // That it is a set is known already.
        let least = Least { reps: SURE - 1, ..least };
        let found = alike(signal, (first, 1), least, desk);
        (open, if found { desk.spans.clone() } else { Vec::new() })
    }

    fn add(&mut self, span: Span, signal: &Signal, desk: &mut Desk) {
        self.tell(span, signal, desk);
        self.from = self.from.max(span.end);
        if self.forms.len() == LATE {
            self.forms.remove(0);
            self.courses.remove(0);
        }
        self.forms.push(Form::of(signal, &span));
        self.courses.push(Course::of(signal, &span));
        self.height = median(self.late().iter().map(|s| s.height));
        self.half = smoothing(self.rep_s());
    }

    /// Aims anew by the latest repetitions, once there are more than it was aimed by.
    fn aim(&mut self, signal: &Signal) {
        self.aim = Aim::at(signal, self.late());
        self.watch(signal, signal.newest() + 1 - self.from.min(signal.newest()));
    }

    /// Whether another one that begins now is rather more of the same: nobody was seen to rest since.
    pub fn goes_on(&self, other: &Open, signal: &Signal) -> bool {
        let seen = (self.last_end()..other.begins()).filter(|tick| signal.sees(*tick)).count();
        seconds(seen as u64) <= (2.0 * self.rep_s()).min(REST_S)
    }

    /// Takes the repetitions of another one as its own; says how many.
    pub fn take(&mut self, other: Open, signal: &Signal, desk: &mut Desk) -> usize {
        let told = self.reps.len();
        other.all.into_iter().for_each(|span| self.add(span, signal, desk));
        self.aim(signal);
        self.reps.len() - told
    }

    /// How its latest repetitions look.
    pub fn form(&self) -> Form {
        Form::mean(self.forms.iter())
    }

    /// How its latest repetitions went.
    pub fn course(&self) -> Course {
        Course::mean(self.courses.iter())
    }

    /// The exercises that its latest repetitions look like, the nearest first.
    pub fn nearest<'a>(&self, signal: &Signal, prototypes: &'a Prototypes) -> Vec<Near<'a>> {
        let look = Look { course: self.course(), error2: course::errors(signal, self.courses.len()) };
        nearest(&look, prototypes)
    }

    /// Seconds since anything of a repetition was seen: who is half out for one is not quiet, but only for as long as one
    /// may take.
    pub fn quiet_s(&self, signal: &Signal) -> f32 {
        let newest = signal.newest();
        let oldest = self.last_end().max((newest + 1).saturating_sub(TICKS as u64));
        let longest = self.last_end() + ticks(OUT * self.rep_s()) as u64;
        let out = |tick: &u64| self.progress[*tick as usize % TICKS] > HALF_OUT * self.height;
        let since = (oldest..=newest.min(longest)).rev().find(out).unwrap_or(self.last_end());
        seconds(newest.saturating_sub(since))
    }

    /// Whether it was a set, now that it is over and looks like one of these. Who lies does nothing else, whatever his pace.
    pub fn was_set(&self, signal: &Signal, candidates: &[Near]) -> bool {
        let (squats, hands_train) = (gate::squats(signal, &self.all), gate::hands_train(signal, &self.all));
        Pace::of_ends(&self.reps).was_set(candidates, squats, hands_train) || gate::lies_down(signal, &self.all)
    }

    /// How its repetitions are done; whether they go evenly and are seen clearly is known otherwise.
    pub fn manner(&self, signal: &Signal, evenly: bool, clearly: bool) -> Manner {
        Manner {
            evenly,
            clearly,
            squats: gate::squats(signal, &self.all),
            hands_train: gate::hands_train(signal, &self.all),
        }
    }

    /// Its latest repetitions.
    fn late(&self) -> &[Span] {
        &self.all[self.all.len().saturating_sub(LATE)..]
    }

    /// Usual seconds of a repetition.
    pub fn rep_s(&self) -> f32 {
        median(self.late().iter().map(Span::duration_s))
    }

    /// The last repetition's end.
    pub fn last_end(&self) -> u64 {
        self.all.last().map_or(self.from, |span| span.end)
    }

    /// Where its first repetition begins.
    pub fn begins(&self) -> u64 {
        self.all.first().map_or(self.from, |span| span.start)
    }

    pub fn full(&self) -> bool {
        self.reps.len() >= MOST_REPS
    }

    /// The newest ticks' progress; older ones may still have been filled since.
    fn watch(&mut self, signal: &Signal, back: u64) {
        for tick in (signal.newest() + 1).saturating_sub(back)..=signal.newest() {
            self.progress[tick as usize % TICKS] = self.aim.progress(signal, tick);
        }
    }

    /// Nobody knows what the athlete does now.
    pub fn miss(&mut self, signal: &Signal) {
        let newest = signal.newest();
        (newest.saturating_sub(BREAK_TICKS)..=newest).for_each(|tick| self.progress[tick as usize % TICKS] = f32::NAN);
    }

    /// The newest run of progress since `from`.
    fn read(&self, signal: &Signal, from: u64, x: &mut Vec<f32>) -> u64 {
        x.clear();
        let value = |tick: u64| self.progress[tick as usize % TICKS];
        let oldest = from.max((signal.newest() + 1).saturating_sub(TICKS as u64));
        let Some(last) = (oldest..=signal.newest()).rev().find(|tick| !value(*tick).is_nan()) else { return oldest };
        let first = (oldest..=last).rev().take_while(|tick| !value(*tick).is_nan()).last().unwrap_or(last);
        x.extend((first..=last).map(value));
        first
    }

    /// Looks for the next repetition and says how many more there are now.
    pub fn step(&mut self, signal: &Signal, least: Least, desk: &mut Desk) -> usize {
        let told = self.reps.len();
        self.look(signal, least, desk);
        self.reps.len() - told
    }

    fn look(&mut self, signal: &Signal, least: Least, desk: &mut Desk) {
        self.watch(signal, BREAK_TICKS + 2);
        self.tape.take(signal.newest(), &self.progress);
        self.tape.turn_over(self.last_end(), self.rep_s());
        let margin = 2 * self.half as u64;
        let first = self.read(signal, self.from.saturating_sub(margin), &mut desk.x);
        smooth(&mut desk.x, self.half, &mut desk.spare);
        desk.x.truncate(desk.x.len().saturating_sub(self.half));
        let skip = (self.from.saturating_sub(first) as usize).min(desk.x.len());
        let first = first + skip as u64;
        let x = &desk.x[skip..];
        cycles(x, Wanted::of(self.height, ticks(DWELL_S) + self.half), &mut desk.cycles);
        let Some(cycle) = desk.cycles.first().copied() else { return };
        let span = measured(x, first, 1, cycle);
        self.from = self.from.max(first + cycle.end as u64);
        let form = Form::of(signal, &span);
        if !Usual::of(self.late()).allows(&span, least)
            || self.form().unlikeness(&form, &errors(signal)) > UNLIKE_LATER
            || gate::walked(signal, &span)
        {
            return;
        }
        // After a rest one alone may be anything; two are the set going on.
        let longest_s = (2.0 * self.rep_s()).max(REST_S);
        let rest = |before: u64| seconds(span.start.saturating_sub(before)) > longest_s;
        if rest(self.last_end()) {
            let before = self.waiting.replace(span);
            let Some(before) = before.filter(|before| !rest(before.end)) else { return };
            self.waiting = None;
            self.add(before, signal, desk);
        }
        self.add(span, signal, desk);
        self.aim(signal);
    }

    /// Counts the whole set anew, now that it is over: nothing of it lies before `from` or behind `until`.
    pub fn review(&mut self, signal: &Signal, (from, until): (u64, u64), least: Least, desk: &mut Desk) {
        // Of a set that the signal no longer knows from its beginning, the earlier part stays.
        let kept = self.all.iter().position(|span| span.start > signal.oldest()).unwrap_or(self.all.len());
        let from = if kept > 0 { self.all[kept - 1].end } else { from };
        let known = Known { spans: &self.all[kept..], from, until, shown: self.shown, whole: kept == 0 };
        let spans = review(signal, known, least, desk);
        if spans.is_empty() {
            return;
        }
        self.reps.truncate(kept);
        self.all.truncate(kept);
        for span in spans {
            self.tell(span, signal, desk);
        }
        let late = self.all.len().saturating_sub(LATE).max(kept);
        let known = &self.all[late..];
        self.forms = known.iter().map(|span| Form::of(signal, span)).collect();
        self.courses = known.iter().map(|span| Course::of(signal, span)).collect();
    }

    /// One more repetition.
    fn tell(&mut self, span: Span, signal: &Signal, desk: &mut Desk) {
        if let (Some(last), Some(before)) = (self.all.last(), self.reps.last_mut()) {
            before.phases.pause_s = seconds(span.start.saturating_sub(last.end));
        }
        let n = self.reps.len() as u32 + 1;
        self.reps.push(span.rep(n, signal, self.hinge, desk));
        self.all.push(span);
    }

    /// The second count, over everything from its first repetition up to the tick `end`.
    pub fn recount(&mut self, signal: &Signal, end: u64) -> u32 {
        self.tape.take(signal.newest(), &self.progress);
        self.tape.count((self.begins(), end), self.rep_s())
    }
}

#[cfg(test)]
mod tests {
    use super::super::measure::{CHANNELS, FEET_X, FEET_Y};
    use super::super::report::Phases;
    use super::super::search::{Line, look};
    use super::super::signal::stamp_of;
    use super::super::world::{self, squatter};
    use super::*;

    /// One of two seconds from this tick on, back half a second before its end.
    fn span(start: u64, height: f32) -> Span {
        let phases = Phases { go_s: 0.5, hold_s: 0.5, back_s: 0.5, pause_s: 0.0 };
        Span { start, half_out: start + 10, turn: start + 20, half_back: start + 30, end: start + 40, phases, height }
    }

    /// A set that has these, seen up to the tick `newest`, and nothing of how far the body was.
    fn set(spans: &[Span], newest: u64) -> (Open, Signal) {
        let mut signal = Signal::default();
        signal.advance(stamp_of(newest));
        let mut open = Open {
            hinge: 0,
            aim: Aim::at(&signal, &[]),
            shown: false,
            progress: vec![f32::NAN; TICKS],
            half: 2,
            height: 1.0,
            all: Vec::new(),
            forms: Vec::new(),
            courses: Vec::new(),
            reps: Vec::new(),
            waiting: None,
            from: 0,
            tape: Tape::new(0),
        };
        spans.iter().for_each(|span| open.add(*span, &signal, &mut Desk::default()));
        (open, signal)
    }

    #[test]
    fn the_latest_eight_say_what_is_usual_and_every_one_has_its_number_and_the_pause_before_the_next() {
        let spans: Vec<Span> = (0..10).map(|n| span(1000 + 50 * n, 1.0 + n as f32)).collect();
        let (open, _) = set(&spans, 1600);
        assert_eq!((open.forms.len(), open.courses.len(), open.all.len(), open.reps.len()), (8, 8, 10, 10));
        // The upper middle of 3 to 10.
        assert_eq!((open.height, open.rep_s()), (7.0, 2.0));
        assert_eq!((open.begins(), open.last_end(), open.from), (1000, 1490, 1490));
        assert_eq!(open.reps.iter().map(|rep| rep.n).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!((open.reps[0].phases.pause_s, open.reps[9].phases.pause_s), (0.5, 0.0));
        assert!(!open.full());
        assert_eq!([0.5, 2.0, 8.0].map(smoothing), [2, 2, 8]);
    }

    #[test]
    fn who_is_half_out_is_not_quiet_for_as_long_as_a_repetition_may_take() {
        let (mut open, signal) = set(&[span(960, 1.0)], 1090);
        assert_eq!(open.quiet_s(&signal), 4.5, "since its end");
        open.progress[1030] = 0.41;
        open.progress[1050] = 0.39;
        assert_eq!(open.quiet_s(&signal), 3.0);
        // Two and a half times as long as one with the pause before it: until the tick 1100.
        let (mut open, signal) = set(&[span(960, 1.0)], 1190);
        (open.progress[1099], open.progress[1101]) = (0.9, 0.9);
        assert_eq!(open.quiet_s(&signal), 4.55);
        open.progress[1099] = f32::NAN;
        assert_eq!(open.quiet_s(&signal), 9.5);
        // Half as high a set is half as far out.
        let (mut open, signal) = set(&[span(960, 0.5)], 1090);
        open.progress[1030] = 0.21;
        assert_eq!(open.quiet_s(&signal), 3.0);
    }

    /// Somebody who was seen all the time up to this tick.
    fn watched(newest: u64) -> Signal {
        let mut signal = Signal::default();
        for tick in 900..=newest {
            signal.advance(stamp_of(tick));
            signal.push(&[1.0; CHANNELS], 0.05);
        }
        signal
    }

    #[test]
    fn what_begins_within_two_repetitions_or_seven_seconds_is_more_of_the_same_and_numbered_on() {
        let long = |start: u64| Span { end: start + 200, ..span(start, 1.0) };
        for (spans, latest) in [([span(1000, 1.0), span(1050, 1.0)], 1170), ([long(1000), long(1210)], 1550)] {
            let (mut open, signal) = set(&spans, 1900);
            let begins = |start: u64| set(&[span(start, 1.0)], 1900).0;
            let goes_on = |at: u64, signal: &Signal| open.goes_on(&begins(at), signal);
            let (latest_seen, none) = (watched(latest + 1), Signal::default());
            assert!(goes_on(1100, &latest_seen) && goes_on(latest, &latest_seen) && !goes_on(latest + 1, &latest_seen));
            assert!(goes_on(latest + 1, &none), "nobody saw him rest");
            let more = set(&[0, 50, 100].map(|later| span(latest + later, 1.0)), 1900).0;
            assert_eq!(open.take(more, &signal, &mut Desk::default()), 3);
            assert_eq!(open.reps.iter().map(|rep| rep.n).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
            assert_eq!((open.begins(), open.last_end()), (1000, latest + 140));
        }
    }

    #[test]
    fn progress_is_read_without_a_gap_up_to_its_newest() {
        let (mut open, signal) = set(&[], 1500);
        let mut x = vec![9.0];
        assert_eq!((open.read(&signal, 1490, &mut x), x.len()), (1490, 0), "nothing is known");
        (1480..=1495).for_each(|tick| open.progress[tick % TICKS] = tick as f32);
        open.progress[1485 % TICKS] = f32::NAN;
        assert_eq!((open.read(&signal, 0, &mut x), x.len(), x[0], x[9]), (1486, 10, 1486.0, 1495.0));
        assert_eq!((open.read(&signal, 1490, &mut x), x.len()), (1490, 6));
        // What was a minute ago stands there no more.
        open.progress.fill(1.0);
        assert_eq!((open.read(&signal, 0, &mut x), x.len()), (301, 1200));
        // Of the last second nobody knows what he did.
        open.miss(&signal);
        assert_eq!((open.read(&signal, 0, &mut x), x.len()), (301, 1179));
    }

    #[test]
    fn the_hinge_that_moves_furthest_is_told_or_that_of_the_exercise_and_one_side_if_it_works_alone() {
        let channel = |measure: Measure, side: Side| measure.channel(side);
        let seen = |channels: &[(Measure, Side, f32)]| {
            let mut signal = Signal::default();
            for tick in 960..1100 {
                let mut values = [f32::NAN; CHANNELS];
                for (measure, side, way) in channels {
                    let out = if (tick - 960) % 40 < 10 { 0.0 } else { 1.0 };
                    values[channel(*measure, *side)] = 170.0 - way * out;
                }
                signal.advance(stamp_of(tick));
                signal.push(&values, 0.1);
            }
            signal
        };
        let spans = [span(963, 1.0), span(1003, 1.0)];
        let of = |name: &str, channels: &[(Measure, Side, f32)]| hinge(Exercise::named(name), &spans, &seen(channels));
        use Measure::{Elbow, Knee};
        use Side::{Both, Left, Right};
        let both = [(Knee, Left, 60.0), (Knee, Right, 50.0), (Knee, Both, 55.0), (Elbow, Both, 40.0)];
        assert_eq!(of("", &both), channel(Knee, Both));
        assert_eq!(of("Biceps Curl", &both), channel(Elbow, Both));
        let left = [(Knee, Left, 60.0), (Knee, Right, 20.0), (Knee, Both, 40.0)];
        assert_eq!(of("", &left), channel(Knee, Left));
        let right = [(Elbow, Left, 20.0), (Elbow, Right, 60.0), (Elbow, Both, 40.0), (Knee, Both, 10.0)];
        assert_eq!(of("", &right), channel(Elbow, Right));
    }

    #[test]
    fn what_stands_there_of_a_minute_ago_is_of_now() {
        let (mut open, signal) = set(&[span(960, 1.0)], 2210);
        // The tick 2209 lies long behind the time that one may take, and stands where 1009 stood.
        open.progress[2209 % TICKS] = 0.9;
        assert_eq!(open.quiet_s(&signal), 60.5);
    }

    #[test]
    fn of_a_set_that_is_no_longer_known_whole_the_earlier_part_stays() {
        let mut signal = squatter(900..1400);
        let spans: Vec<Span> = (0..5).map(|n| span(1000 + 60 * n, 1.0)).collect();
        let (mut open, _) = set(&[], 1400);
        spans.iter().for_each(|span| open.add(*span, &signal, &mut Desk::default()));
        open.reps[1].min_deg = 33.0;
        // Nothing before the tick 1150 is known any more.
        signal.advance(stamp_of(1149 + 7200));
        assert_eq!(signal.oldest(), 1150);
        let least = Least { height_deg: 25.0, rep_s: 0.6, most_rep_s: 14.0, reps: 3 };
        open.review(&signal, (0, u64::MAX), least, &mut Desk::default());
        assert_eq!(open.all[..3], spans[..3]);
        assert_eq!((open.reps.len(), open.reps[1].min_deg, open.forms.len(), open.courses.len()), (5, 33.0, 2, 2));
        assert!(open.all[3..].iter().zip(&spans[3..]).all(|(new, old)| new != old && new.turn.abs_diff(old.turn) < 4));
        assert_eq!(open.reps.iter().map(|rep| rep.n).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }

    const LEAST: Least = Least { height_deg: 25.0, rep_s: 0.6, most_rep_s: 14.0, reps: 3 };

    /// How many are told of somebody who squats four times and then does what begins at these ticks.
    fn told(later: &[u64], until: u64, but: impl Fn(u64, &mut [f32; CHANNELS])) -> (usize, Open, Signal) {
        let begins = [&[1000, 1060, 1120, 1180][..], later].concat();
        let (mut signal, mut desk) = (Signal::default(), Desk::default());
        world::squats(&mut signal, 900..1250, &begins, |_, _| {});
        let line = Line::Exercise(Exercise::named("Squat").unwrap());
        let found = look(&signal, line, 0, LEAST, &mut desk).unwrap();
        let mut open = Open::new(found, 0, LEAST, (None, &Prototypes::default()), &signal, &mut desk);
        assert_eq!(open.reps.len(), 4);
        for tick in 1250..until {
            world::squats(&mut signal, tick..tick + 1, &begins, &but);
            open.step(&signal, LEAST, &mut desk);
        }
        (open.reps.len(), open, signal)
    }

    #[test]
    fn another_one_is_told_if_it_is_like_the_others_and_he_stays_where_he_is() {
        let plain = |_: u64, _: &mut [f32; CHANNELS]| {};
        let (count, open, signal) = told(&[1260, 1330], 1400, plain);
        assert_eq!((count, open.last_end().abs_diff(1370) < 4), (6, true));
        let squats = |signal: &Signal| open.manner(signal, true, true).squats;
        assert!(squats(&signal) && !squats(&Signal::default()), "nothing was seen");
        assert!((open.rep_s() - 1.9).abs() < 0.2 && open.quiet_s(&signal) > 1.2, "{}", open.quiet_s(&signal));
        // As far along all of it, but the hips sink more than twice as far and the thighs stay: unlike by 1.44.
        let other = |tick: u64, values: &mut [f32; CHANNELS]| {
            if let Some(at) = tick.checked_sub(1260).filter(|at| *at < 40) {
                let squat = Exercise::named("Squat").unwrap();
                let (start, turn) = (squat.start.measures(), squat.turn.measures());
                let share = 0.5 - 0.5 * (at as f32 * std::f32::consts::TAU / 40.0).cos();
                for (measure, as_far) in [(Measure::Stance, 2.2), (Measure::Thigh, -0.2)] {
                    let n = measure as usize;
                    values[measure.channel(Side::Both)] = start[n] + as_far * share * (turn[n] - start[n]);
                }
            }
        };
        assert_eq!(told(&[1260], 1340, other).0, 4);
        let walks = |by: f32| {
            move |tick: u64, values: &mut [f32; CHANNELS]| {
                (values[FEET_X], values[FEET_Y]) = (if tick < 1280 { 0.0 } else { by }, 1.0);
            }
        };
        assert_eq!((told(&[1260], 1340, walks(0.2)).0, told(&[1260], 1340, walks(0.3)).0), (5, 4));
    }

    #[test]
    fn one_after_a_rest_waits_for_another() {
        let plain = |_: u64, _: &mut [f32; CHANNELS]| {};
        let count = |later: &[u64]| told(later, later[later.len() - 1] + 80, plain).0;
        // The last one ends at the tick 1220; seven seconds later it is a rest.
        assert_eq!((count(&[1340]), count(&[1380])), (5, 4));
        assert_eq!((count(&[1380, 1440]), count(&[1380, 1550]), count(&[1380, 1540])), (6, 6, 6));
        assert_eq!((count(&[1380, 1580]), count(&[1380, 1580, 1640])), (4, 6), "the one that was alone is none");
    }

    #[test]
    fn slow_ones_may_pause_for_as_long_as_two_of_them_take() {
        // Six seconds each; the fourth ends at the tick 1600, and twelve seconds later it is a rest.
        let told = |later: u64| {
            let begins = [1000, 1160, 1320, 1480, later];
            let (mut signal, mut desk) = (Signal::default(), Desk::default());
            world::squats_of(120, &mut signal, 900..1620, &begins, |_, _| {});
            let found = look(&signal, Line::Exercise(Exercise::named("Squat").unwrap()), 0, LEAST, &mut desk).unwrap();
            let mut open = Open::new(found, 0, LEAST, (None, &Prototypes::default()), &signal, &mut desk);
            assert!(open.reps.len() == 4 && (open.rep_s() - 5.5).abs() < 0.5, "{}", open.rep_s());
            for tick in 1620..later + 150 {
                world::squats_of(120, &mut signal, tick..tick + 1, &begins, |_, _| {});
                open.step(&signal, LEAST, &mut desk);
            }
            open.reps.len()
        };
        assert_eq!([1660, 1780, 1860].map(told), [5, 5, 4]);
    }

    #[test]
    fn a_set_is_counted_a_second_time_up_to_where_it_ended() {
        let (_, mut open, signal) = told(&[1260, 1330], 1400, |_, _| {});
        assert_eq!([1100, 1290, 1380].map(|end| open.recount(&signal, end)), [2, 5, 6]);
    }

    #[test]
    fn one_frame_a_second_is_enough_for_slow_ones() {
        // Six seconds each; during the fifth somebody looks once a second.
        let begins = [1000, 1160, 1320, 1480, 1640];
        let (mut signal, mut desk) = (Signal::default(), Desk::default());
        world::squats_of(120, &mut signal, 900..1621, &begins, |_, _| {});
        let found = look(&signal, Line::Exercise(Exercise::named("Squat").unwrap()), 0, LEAST, &mut desk).unwrap();
        let mut open = Open::new(found, 0, LEAST, (None, &Prototypes::default()), &signal, &mut desk);
        assert_eq!(open.reps.len(), 4);
        for tick in (1640..1900).step_by(20) {
            world::squats_of(120, &mut signal, tick..tick + 1, &begins, |_, _| {});
            open.step(&signal, LEAST, &mut desk);
        }
        assert!(open.reps.len() == 5 && open.last_end().abs_diff(1760) < 20, "{}", open.last_end());
    }

    #[test]
    fn ten_thousand_are_never_more_in_one_set() {
        let (mut open, _) = set(&[span(1000, 1.0)], 1100);
        open.reps = vec![open.reps[0]; MOST_REPS - 1];
        assert!(!open.full());
        open.reps.push(open.reps[0]);
        assert!(open.full());
    }
}
