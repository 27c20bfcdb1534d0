//! What people do in a gym between their sets, and before and after exercises: none of it is a repetition.

use super::body::Stance;
use super::maths::{add, times};
use super::moves::{Move, Style, standing};
use super::script::{Root, Script};

impl Script {
    /// Passes the time until `until_s`, and a little longer.
    pub fn pass_time(&mut self, until_s: f64) {
        while self.t < until_s {
            let (note, does): (_, fn(&mut Script)) = match self.dice.whole((0, 16)) {
                0 => ("phone", Script::phone),
                1 => ("drinks", Script::drink),
                2 => ("plates", Script::plates),
                3 => ("stretches", Script::stretch),
                4 => ("shoes", Script::shoe),
                5 => ("chalk", Script::rub_hands),
                6 => ("paces", Script::pace),
                7 => ("towel", Script::towel),
                8 => ("talks", Script::talk),
                9 => ("goes away", Script::go_away),
                10..=12 => ("sits", Script::sit),
                // Most of the time nothing much happens.
                _ => ("stands", Script::idle),
            };
            // Nobody does the same thing twice in a row, but for standing and sitting about.
            if note == self.note && !matches!(note, "sits" | "stands") {
                continue;
            }
            self.note = note;
            does(self);
        }
    }

    fn some(&mut self, low_s: f64, high_s: f64) -> f64 {
        self.dice.between((low_s, high_s))
    }

    fn stand(&mut self) {
        let takes_s = self.some(0.8, 1.6);
        self.pose(standing(&self.body), takes_s);
    }

    /// Stands, shifting weight.
    fn idle(&mut self) {
        for _ in 0..self.dice.whole((1, 5)) {
            let mut stance = standing(&self.body);
            stance.pelvis[0] += self.some(-0.04, 0.04);
            stance.twist = self.some(-15.0, 15.0);
            stance.nod = self.some(-10.0, 25.0);
            let takes_s = self.some(0.8, 2.0);
            self.pose(stance, takes_s);
            let takes_s = self.some(1.0, 10.0);
            self.hold(takes_s);
        }
        self.stand();
    }

    /// One hand before the chest, the head bowed.
    fn phone(&mut self) {
        let mut stance = standing(&self.body);
        stance.nod = 35.0;
        let h = self.body.stature;
        let [_, right] = stance.shoulders(&self.body);
        stance.wrists[1] = add(right, [0.06 * h, -0.12 * h, 0.16 * h]);
        let takes_s = self.some(1.0, 2.0);
        self.pose(stance, takes_s);
        for _ in 0..self.dice.whole((1, 6)) {
            let (a, b) = (self.some(-0.015, 0.015), self.some(-0.015, 0.015));
            let moved = self.hands([0.0; 3], [a, b, 0.0]);
            let takes_s = self.some(1.0, 4.0);
            self.pose(moved, takes_s);
        }
        self.stand();
    }

    /// Takes a bottle, drinks once or more.
    fn drink(&mut self) {
        let h = self.body.stature;
        let thirsty = self.dice.happens(0.15);
        for _ in 0..self.dice.whole(if thirsty { (3, 4) } else { (1, 2) }) {
            let mut stance = standing(&self.body);
            stance.nod = -18.0;
            let [_, right] = stance.shoulders(&self.body);
            stance.wrists[1] = add(right, [0.08 * h, 0.07 * h, 0.1 * h]);
            stance.elbows[1] = [-1.0, -0.5, 0.3];
            let takes_s = self.some(0.8, 1.8);
            self.pose(stance, takes_s);
            let takes_s = self.some(1.0, 4.0);
            self.hold(takes_s);
            let mut low = standing(&self.body);
            low.wrists[1] = add(low.wrists[1], [0.0, 0.1 * h, 0.1 * h]);
            let takes_s = self.some(0.8, 1.5);
            self.pose(low, takes_s);
            let takes_s = self.some(0.5, 6.0);
            self.hold(takes_s);
        }
        self.stand();
    }

    /// Fetches weights from the side and puts them on the bar.
    fn plates(&mut self) {
        let home = self.root;
        let side = if self.dice.happens(0.5) { 1.0 } else { -1.0 };
        for _ in 0..self.dice.whole((1, 3)) {
            let away = self.some(0.8, 1.4);
            self.walk(home.x + side * away, home.z - 0.2);
            self.bend();
            self.walk(home.x + side * 0.5, home.z + 0.1);
            let h = self.body.stature;
            let mut stance = standing(&self.body);
            let shoulders = stance.shoulders(&self.body);
            for (wrist, shoulder) in stance.wrists.iter_mut().zip(shoulders) {
                *wrist = add(shoulder, [0.0, -0.1 * h, 0.2 * h]);
            }
            let takes_s = self.some(0.8, 1.5);
            self.pose(stance, takes_s);
            let takes_s = self.some(0.5, 2.0);
            self.hold(takes_s);
            self.stand();
        }
        self.walk(home.x, home.z);
        self.face(home.heading);
    }

    /// Bends down to the floor and comes up again.
    fn bend(&mut self) {
        let style = Style { variant: 0, width: 1.0, angle: 1.0, uneven: 0.0 };
        let low = if self.dice.happens(0.5) { Move::Deadlift } else { Move::RomanianDeadlift };
        let deep = self.some(0.6, 1.0);
        let share = if low == Move::Deadlift { 1.0 - deep } else { deep };
        let stance = low.stance(&self.body, &style, share, 0);
        let takes_s = self.some(0.8, 1.5);
        self.pose(stance, takes_s);
        let takes_s = self.some(0.4, 2.0);
        self.hold(takes_s);
        self.stand();
    }

    fn stretch(&mut self) {
        let h = self.body.stature;
        let mut stance = standing(&self.body);
        match self.dice.whole((0, 2)) {
            0 => {
                let [a, b] = stance.shoulders(&self.body);
                stance.wrists = [add(a, [-0.08 * h, 0.3 * h, 0.0]), add(b, [0.08 * h, 0.3 * h, 0.0])];
            }
            1 => stance.roll = if self.dice.happens(0.5) { 25.0 } else { -25.0 },
            _ => {
                stance.ankles[1] = add(stance.ankles[1], [0.02 * h, 0.24 * h, -0.22 * h]);
                stance.wrists[1] = add(stance.ankles[1], [0.0, 0.02 * h, 0.0]);
            }
        }
        let takes_s = self.some(1.0, 2.0);
        self.pose(stance, takes_s);
        let takes_s = self.some(4.0, 15.0);
        self.hold(takes_s);
        self.stand();
    }

    /// Sitting on the bench, elbows on the knees or upright.
    pub fn seated(&mut self) -> Stance {
        let h = self.body.stature;
        let mut stance = standing(&self.body);
        stance.pelvis = [0.0, 0.27 * h, -0.1 * h];
        stance.lean = self.some(0.0, 35.0);
        stance.ankles = [[0.1 * h, self.body.foot, 0.16 * h], [-0.1 * h, self.body.foot, 0.16 * h]];
        stance.wrists = [[0.09 * h, 0.3 * h, 0.13 * h], [-0.09 * h, 0.3 * h, 0.13 * h]];
        stance.elbows = [[1.0, -0.5, -0.3], [-1.0, -0.5, -0.3]];
        stance
    }

    fn sit(&mut self) {
        let stance = self.seated();
        let takes_s = self.some(1.2, 2.0);
        self.pose(stance, takes_s);
        for _ in 0..self.dice.whole((1, 4)) {
            let takes_s = self.some(3.0, 12.0);
            self.hold(takes_s);
            let stance = self.seated();
            let takes_s = self.some(0.8, 1.6);
            self.pose(stance, takes_s);
        }
        let takes_s = self.some(1.0, 1.8);
        self.pose(standing(&self.body), takes_s);
    }

    /// Crouches, busy with the feet.
    fn shoe(&mut self) {
        let style = Style { variant: 0, width: 1.0, angle: 1.1, uneven: 0.0 };
        let mut stance = Move::Squat.stance(&self.body, &style, 1.2, 0);
        stance.lean = 50.0;
        let toe = [0.0, 0.04, 0.06];
        stance.wrists = [add(stance.ankles[0], toe), add(stance.ankles[0], toe)];
        let takes_s = self.some(1.0, 2.0);
        self.pose(stance, takes_s);
        for _ in 0..self.dice.whole((1, 4)) {
            let (a, b) = (self.some(0.0, 0.06), self.some(0.0, 0.06));
            let moved = self.hands([0.0, a, 0.0], [0.0, b, 0.0]);
            let takes_s = self.some(0.6, 1.5);
            self.pose(moved, takes_s);
        }
        self.stand();
    }

    /// Chalk: quick small movements of both hands.
    fn rub_hands(&mut self) {
        let h = self.body.stature;
        let mut stance = standing(&self.body);
        stance.nod = 25.0;
        let shoulders = stance.shoulders(&self.body);
        for (wrist, shoulder) in stance.wrists.iter_mut().zip(shoulders) {
            *wrist = [0.2 * shoulder[0], shoulder[1] - 0.17 * h, 0.17 * h];
        }
        let takes_s = self.some(0.8, 1.2);
        self.pose(stance, takes_s);
        for n in 0..self.dice.whole((4, 12)) {
            let by = if n % 2 == 0 { 0.02 } else { -0.02 };
            let takes_s = self.some(0.2, 0.4);
            let moved = self.hands([0.0, by, 0.0], [0.0, -by, 0.0]);
            self.pose(moved, takes_s);
        }
        self.stand();
    }

    /// Back and forth before the station.
    fn pace(&mut self) {
        let home = self.root;
        for _ in 0..self.dice.whole((1, 4)) {
            let (x, z) = (self.some(-0.9, 0.9), self.some(-0.3, 0.3));
            self.walk(home.x + x, home.z + z);
            let takes_s = self.some(0.2, 3.0);
            self.hold(takes_s);
        }
        self.walk(home.x, home.z);
        self.face(home.heading);
    }

    /// Out of the picture and back.
    fn go_away(&mut self) {
        let home = self.root;
        let side = if self.dice.happens(0.5) { 1.0 } else { -1.0 };
        let far = self.some(2.5, 4.5);
        self.walk(home.x + side * far, home.z + 0.2);
        let takes_s = self.some(2.0, 20.0);
        self.hold(takes_s);
        self.walk(home.x, home.z);
        self.face(home.heading);
    }

    fn towel(&mut self) {
        let h = self.body.stature;
        for _ in 0..self.dice.whole((1, 2)) {
            let mut stance = standing(&self.body);
            stance.nod = 20.0;
            let [a, b] = stance.shoulders(&self.body);
            stance.wrists = [add(a, [-0.07 * h, 0.1 * h, 0.1 * h]), add(b, [0.07 * h, 0.1 * h, 0.1 * h])];
            stance.elbows = [[1.0, -0.6, 0.5], [-1.0, -0.6, 0.5]];
            let takes_s = self.some(0.7, 1.2);
            self.pose(stance, takes_s);
            let takes_s = self.some(0.7, 3.0);
            self.hold(takes_s);
            self.stand();
            let takes_s = self.some(0.5, 4.0);
            self.hold(takes_s);
        }
    }

    /// Talks to somebody aside, with gestures.
    fn talk(&mut self) {
        let home = self.root.heading;
        let aside = self.some(-70.0, 70.0);
        self.face(home + aside);
        for _ in 0..self.dice.whole((2, 8)) {
            let mut stance = standing(&self.body);
            stance.nod = self.some(-5.0, 15.0);
            for wrist in &mut stance.wrists {
                let raised = self.dice.between((0.0, 0.22)).max(0.05) - 0.05;
                *wrist = add(*wrist, times([0.0, raised, 1.2 * raised], self.body.stature));
            }
            let takes_s = self.some(0.5, 1.5);
            self.pose(stance, takes_s);
            let takes_s = self.some(0.2, 4.0);
            self.hold(takes_s);
        }
        self.face(home);
    }

    /// Stands by somebody who trains: shifts weight, looks about, now and then lends a hand.
    pub fn stand_by(&mut self) {
        match self.dice.whole((0, 5)) {
            0 => self.phone(),
            1 => {
                let lent = self.hands([0.0, 0.12, 0.15], [0.0, 0.12, 0.15]);
                let takes_s = self.some(0.8, 1.5);
                self.pose(lent, takes_s);
                let takes_s = self.some(1.0, 6.0);
                self.hold(takes_s);
                self.stand();
            }
            _ => self.idle(),
        }
    }

    /// Gets ready for an exercise: to the floor, onto the bench, to the bar, off the rack.
    pub fn get_ready(&mut self, movement: Move, style: &Style) {
        self.note = "gets ready";
        let body = self.body;
        let at = |share: f64| movement.stance(&body, style, share, 0);
        match movement {
            Move::BenchPress | Move::InclinePress => {
                let mut seated = self.seated();
                seated.pelvis = at(0.0).pelvis;
                self.slowly(seated);
                self.slowly(at(0.15));
                self.wait();
                self.slowly(at(0.0));
            }
            Move::PushUp => {
                let crouched = self.crouched();
                self.slowly(crouched);
                self.slowly(at(0.0));
            }
            Move::SitUp | Move::HipThrust => {
                let mut seated = self.seated();
                seated.pelvis[1] = at(0.0).pelvis[1];
                self.slowly(seated);
                self.slowly(at(0.0));
            }
            Move::PullUp => {
                let mut reaching = standing(&body);
                reaching.wrists = at(0.0).wrists;
                self.slowly(reaching);
                self.wait();
                self.pose(at(0.0), 0.6);
            }
            Move::Row if style.variant == 1 => {
                let seated = self.seated();
                self.slowly(seated);
                self.slowly(at(0.0));
            }
            Move::Squat | Move::FrontSquat => {
                self.slowly(at(0.12));
                self.wait();
                self.slowly(at(0.0));
                self.step(-0.35);
            }
            Move::RomanianDeadlift => {
                self.slowly(at(0.15));
                self.wait();
                self.slowly(at(0.0));
                self.step(-0.25);
            }
            Move::Deadlift => {
                self.slowly(at(0.0));
                for _ in 0..self.dice.whole((0, 3)) {
                    let share = self.some(-0.08, 0.1);
                    let takes_s = self.some(0.3, 0.8);
                    self.pose(at(share), takes_s);
                }
            }
            _ => self.slowly(at(0.0)),
        }
        self.wait();
    }

    /// Lays the load down and stands.
    pub fn put_away(&mut self, movement: Move, style: &Style) {
        self.note = "puts away";
        let body = self.body;
        let at = |share: f64| movement.stance(&body, style, share, 0);
        self.wait();
        match movement {
            Move::BenchPress | Move::InclinePress => {
                self.slowly(at(0.15));
                let mut seated = self.seated();
                seated.pelvis = at(0.0).pelvis;
                self.slowly(seated);
            }
            Move::PushUp => {
                let crouched = self.crouched();
                self.slowly(crouched);
            }
            Move::SitUp | Move::HipThrust => {
                let mut seated = self.seated();
                seated.pelvis[1] = at(0.0).pelvis[1];
                self.slowly(seated);
                self.wait();
            }
            Move::Squat | Move::FrontSquat => {
                self.step(0.35);
                self.slowly(at(0.12));
            }
            Move::RomanianDeadlift => {
                self.step(0.25);
                self.slowly(at(0.15));
            }
            _ => {}
        }
        let takes_s = self.some(1.0, 2.0);
        self.pose(standing(&body), takes_s);
    }

    fn slowly(&mut self, stance: Stance) {
        let takes_s = self.some(1.0, 2.2);
        self.pose(stance, takes_s);
    }

    /// A moment of stillness.
    fn wait(&mut self) {
        let takes_s = self.some(0.4, 3.0);
        self.hold(takes_s);
    }

    /// A step ahead or back with the load.
    fn step(&mut self, by: f64) {
        let takes_s = self.some(0.9, 1.6);
        self.change(Root { z: self.root.z + by, ..self.root }, self.stance, takes_s);
    }

    /// Down on the feet, hands on the floor.
    fn crouched(&mut self) -> Stance {
        let style = Style { variant: 0, width: 1.0, angle: 1.1, uneven: 0.0 };
        let mut stance = Move::Squat.stance(&self.body, &style, 1.15, 0);
        stance.lean = 60.0;
        stance.wrists = Move::PushUp.stance(&self.body, &style, 0.0, 0).wrists;
        stance.wrists.iter_mut().for_each(|wrist| wrist[2] += 0.2);
        stance
    }
}
