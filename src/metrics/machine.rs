//! The machine's own state, read from /proc and sysfs when somebody asks: temperatures, throttling, memory, descriptors.
//!
//! What a machine does not have is left out, not shown as zero.

use std::fs;
use std::path::{Path, PathBuf};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// Where sysfs and procfs are; tests give other folders.
#[derive(Debug)]
pub struct Machine {
    sys: PathBuf,
    proc: PathBuf,
}

impl Default for Machine {
    fn default() -> Self {
        Machine { sys: "/sys".into(), proc: "/proc".into() }
    }
}

/// One thermal zone.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Temperature {
    /// The kernel's name of the zone.
    pub zone: String,
    /// Degrees Celsius.
    pub celsius: f64,
}

/// One cooling device: above zero it throttles something.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Cooling {
    /// The kernel's name of the device.
    pub device: String,
    /// 0: idle.
    pub state: u64,
    /// Its highest state.
    pub max: u64,
}

fn number(path: impl AsRef<Path>) -> Option<i64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn word(path: impl AsRef<Path>) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_string())
}

impl Machine {
    fn numbered(&self, prefix: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.sys.join("class/thermal")).into_iter().flatten().flatten();
        let mut found: Vec<_> =
            entries.filter(|e| e.file_name().to_string_lossy().starts_with(prefix)).map(|e| e.path()).collect();
        found.sort();
        found
    }

    /// Every thermal zone that answers.
    pub fn temperatures(&self) -> Vec<Temperature> {
        let zone = |path: PathBuf| {
            let celsius = number(path.join("temp"))? as f64 / 1000.0;
            Some(Temperature { zone: word(path.join("type"))?, celsius })
        };
        self.numbered("thermal_zone").into_iter().filter_map(zone).collect()
    }

    /// Every cooling device.
    pub fn coolings(&self) -> Vec<Cooling> {
        let device = |path: PathBuf| {
            let state = number(path.join("cur_state"))?.try_into().ok()?;
            let max = number(path.join("max_state"))?.try_into().ok()?;
            Some(Cooling { device: word(path.join("type"))?, state, max })
        };
        self.numbered("cooling_device").into_iter().filter_map(device).collect()
    }

    /// Bytes of memory this process has.
    pub fn resident_bytes(&self) -> Option<i64> {
        let status = fs::read_to_string(self.proc.join("self/status")).ok()?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<i64>().ok()? * 1024)
    }

    /// Descriptors this process has open.
    pub fn open_descriptors(&self) -> Option<i64> {
        Some(fs::read_dir(self.proc.join("self/fd")).ok()?.count() as i64)
    }

    /// Threads this process has, libraries' included.
    pub fn threads(&self) -> Option<i64> {
        Some(fs::read_dir(self.proc.join("self/task")).ok()?.count() as i64)
    }
}

impl Collector for Machine {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let plain = [
            ("process_resident_memory", "Memory of this process", Some(Unit::Bytes), self.resident_bytes()),
            ("process_open_descriptors", "Descriptors of this process", None, self.open_descriptors()),
            ("process_threads", "Threads of this process, libraries' included", None, self.threads()),
        ];
        for (name, help, unit, value) in plain {
            let Some(value) = value else { continue };
            let gauge = ConstGauge::new(value);
            gauge.encode(encoder.encode_descriptor(name, help, unit.as_ref(), gauge.metric_type())?)?;
        }
        let temperatures = self.temperatures();
        if !temperatures.is_empty() {
            let kind = ConstGauge::new(0.0).metric_type();
            let mut metric = encoder.encode_descriptor("temperature", "Thermal zones", Some(&Unit::Celsius), kind)?;
            for t in temperatures {
                let labels = [("zone", t.zone)];
                ConstGauge::new(t.celsius).encode(metric.encode_family(&labels)?)?;
            }
        }
        let coolings = self.coolings();
        if !coolings.is_empty() {
            let kind = ConstGauge::new(0i64).metric_type();
            let help = "State of the cooling devices; above 0 they throttle";
            let mut metric = encoder.encode_descriptor("cooling_state", help, None, kind)?;
            for (i, c) in coolings.into_iter().enumerate() {
                let labels = [("device", c.device), ("number", i.to_string())];
                ConstGauge::new(c.state as i64).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
