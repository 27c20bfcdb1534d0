//! The thresholds by name, each with its range: one table for the config, the API and the admin page.

use super::Thresholds;

/// One threshold.
pub struct Knob {
    /// As the API and, behind its section, the config call it.
    pub name: &'static str,
    /// The least value.
    pub least: f64,
    /// The greatest value.
    pub most: f64,
    /// What it does.
    pub help: &'static str,
    /// Finds it.
    pub of: fn(&mut Thresholds) -> &mut f32,
}

/// All of them.
pub const KNOBS: [Knob; 5] = [
    Knob {
        name: "rep.min_amplitude_deg",
        least: 5.0,
        most: 120.0,
        help: "no repetition is lower, degrees",
        of: |t| &mut t.min_amplitude_deg,
    },
    Knob {
        name: "rep.min_period_s",
        least: 0.2,
        most: 10.0,
        help: "no repetition is shorter, seconds",
        of: |t| &mut t.min_period_s,
    },
    Knob {
        name: "rep.smoothing_s",
        least: 0.0,
        most: 2.0,
        help: "angles are smoothed over this, seconds",
        of: |t| &mut t.smoothing_s,
    },
    Knob {
        name: "set_boundary.quiet_seconds",
        least: 3.0,
        most: 600.0,
        help: "so long after its last repetition a set is over, seconds",
        of: |t| &mut t.quiet_seconds,
    },
    Knob {
        name: "confidence_threshold",
        least: 0.0,
        most: 1.0,
        help: "sets that are less sure wait for the athlete's word",
        of: |t| &mut t.confidence_threshold,
    },
];

/// Why a threshold cannot be set.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum KnobFault {
    /// There is none of this name.
    #[error("there is no threshold `{0}`")]
    Unknown(String),
    /// It is out of its range, or no number.
    #[error("{name} must be a number from {least} to {most}")]
    Range {
        /// Which.
        name: &'static str,
        /// The least value.
        least: f64,
        /// The greatest value.
        most: f64,
    },
}

impl Thresholds {
    /// Sets one by its name.
    ///
    /// # Errors
    /// When there is no such threshold, or the value is out of its range; nothing is changed then.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), KnobFault> {
        let knob = KNOBS.iter().find(|knob| knob.name == name);
        let knob = knob.ok_or_else(|| KnobFault::Unknown(name.chars().take(64).collect()))?;
        let (name, least, most) = (knob.name, knob.least, knob.most);
        if !(least..=most).contains(&value) {
            return Err(KnobFault::Range { name, least, most });
        }
        *(knob.of)(self) = value as f32;
        Ok(())
    }

    /// All of them by name, in the order of the table.
    pub fn by_name(mut self) -> [(&'static str, f32); KNOBS.len()] {
        KNOBS.map(|knob| (knob.name, *(knob.of)(&mut self)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_threshold_can_be_set_to_the_edges_of_its_range_and_no_further() {
        for (place, knob) in KNOBS.iter().enumerate() {
            let mut all = Thresholds::default();
            let before = all.by_name();
            assert!((knob.least..=knob.most).contains(&before[place].1.into()), "the default of {}", knob.name);
            for edge in [knob.least, knob.most] {
                all.set(knob.name, edge).unwrap();
                assert_eq!(all.by_name()[place], (knob.name, edge as f32));
            }
            for beyond in [knob.least - 0.01, knob.most + 0.01, f64::NAN, f64::INFINITY] {
                let fault = all.set(knob.name, beyond).unwrap_err();
                assert!(fault.to_string().starts_with(&format!("{} must be a number from ", knob.name)), "{fault}");
            }
            assert_eq!(all.by_name()[place].1, knob.most as f32, "what was refused changed nothing");
            let others = |all: Thresholds| all.by_name().into_iter().enumerate().filter(move |(n, _)| *n != place);
            assert!(others(all).eq(others(Thresholds::default())), "{} changed another", knob.name);
        }
        assert_eq!(Thresholds::default().set("rep.x", 1.0), Err(KnobFault::Unknown("rep.x".into())));
    }
}
