//! What people tell the box while it runs: the thresholds, for all cameras alike, and of each camera what its athlete says
//! he does. The pose threads look at a number to see whether there is anything new; nobody waits for anybody.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::workout::{Exercise, Prototypes, Thresholds, Workout};

/// What all cameras are told.
#[derive(Default)]
pub struct House {
    configured: Thresholds,
    /// Grows with every change.
    version: AtomicU64,
    thresholds: Mutex<Thresholds>,
    prototypes: Mutex<Arc<Prototypes>>,
}

impl House {
    /// Begins with those of the config.
    pub fn new(configured: Thresholds) -> House {
        House {
            configured,
            version: AtomicU64::new(1),
            thresholds: Mutex::new(configured),
            prototypes: Mutex::new(Arc::new(Prototypes::new(Vec::new()))),
        }
    }

    /// The thresholds of the config.
    pub fn configured(&self) -> Thresholds {
        self.configured
    }

    /// The thresholds in force.
    pub fn thresholds(&self) -> Thresholds {
        *self.thresholds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Others from the next frame on.
    pub fn tune(&self, thresholds: Thresholds) {
        *self.thresholds.lock().unwrap_or_else(PoisonError::into_inner) = thresholds;
        self.version.fetch_add(1, Ordering::Release);
    }
}

impl House {
    /// What exercises are recognised by.
    pub fn prototypes(&self) -> Arc<Prototypes> {
        self.prototypes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// They are recognised by these from the next frame on.
    pub fn learn(&self, prototypes: Prototypes) {
        *self.prototypes.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(prototypes);
        self.version.fetch_add(1, Ordering::Release);
    }
}

/// What one camera is told.
#[derive(Default)]
pub struct Orders {
    house: Arc<House>,
    version: AtomicU64,
    exercise: Mutex<Option<Arc<str>>>,
}

impl Orders {
    /// A camera of this house whose athlete has said nothing.
    pub fn new(house: Arc<House>) -> Orders {
        Orders { house, version: AtomicU64::new(1), exercise: Mutex::new(None) }
    }

    /// The thresholds in force.
    pub fn thresholds(&self) -> Thresholds {
        self.house.thresholds()
    }

    /// What the athlete says he does; nothing: it is to be recognised.
    pub fn exercise(&self) -> Option<Arc<str>> {
        self.exercise.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// He says so from the next frame on. It need not be an exercise that the box knows.
    pub fn choose(&self, exercise: Option<Arc<str>>) {
        *self.exercise.lock().unwrap_or_else(PoisonError::into_inner) = exercise;
        self.version.fetch_add(1, Ordering::Release);
    }
}

/// The pose thread's side: which orders its workout has heard.
#[derive(Default)]
pub struct Heard {
    house: u64,
    own: u64,
    /// What the athlete says he does.
    pub exercise: Option<Arc<str>>,
}

impl Heard {
    /// Whether the athlete says something else than he said.
    pub fn has_other(&self, orders: &Orders) -> bool {
        orders.version.load(Ordering::Acquire) != self.own && orders.exercise() != self.exercise
    }

    /// Passes on what is new.
    pub fn pass_on(&mut self, orders: &Orders, workout: &mut Workout) {
        let (house, own) = (orders.house.version.load(Ordering::Acquire), orders.version.load(Ordering::Acquire));
        if house != self.house {
            workout.tune(orders.house.thresholds());
            workout.learn(orders.house.prototypes());
        }
        if own != self.own {
            self.exercise = orders.exercise();
            workout.choose(self.exercise.as_deref().and_then(Exercise::named));
        }
        (self.house, self.own) = (house, own);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workout::Settings;

    #[test]
    fn what_is_said_reaches_every_camera_of_the_house_and_the_own_one_alone() {
        let house = Arc::new(House::new(Thresholds { quiet_seconds: 9.0, ..Thresholds::default() }));
        let (one, other) = (Orders::new(house.clone()), Orders::new(house.clone()));
        let (mut heard, mut workout) = (Heard::default(), Workout::new(Settings::default()));
        heard.pass_on(&one, &mut workout);
        assert_eq!(house.thresholds().quiet_seconds, 9.0);
        house.tune(Thresholds { quiet_seconds: 40.0, ..house.thresholds() });
        one.choose(Some("Kettlebell Swing".into()));
        heard.pass_on(&one, &mut workout);
        assert_eq!((house.thresholds().quiet_seconds, house.configured().quiet_seconds), (40.0, 9.0));
        assert_eq!((heard.exercise.as_deref(), other.exercise()), (Some("Kettlebell Swing"), None));
    }
}
