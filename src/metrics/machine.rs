//! The machine's own state, read from /proc and sysfs when somebody asks: temperatures, throttling, over-current, memory,
//! descriptors.
//!
//! What a machine does not have is left out, not shown as zero. A thermal zone whose part has no power does not answer and
//! is left out as well. *over-current*: the supply gave less than the machine wanted and the hardware slowed it down; the
//! kernel counts these events by source (`oc1_event_cnt` and so on below `hwmon`).

use std::fs;
use std::path::{Path, PathBuf};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
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

/// One cooling device: above zero a fan turns, and any other throttles something.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Cooling {
    /// The kernel's name of the device.
    pub device: String,
    /// 0: idle.
    pub state: u64,
    /// Its highest state.
    pub max: u64,
}

impl Cooling {
    /// Whether it makes the machine slower now.
    pub fn throttles(&self) -> bool {
        self.state > 0 && !self.device.to_lowercase().contains("fan")
    }
}

/// Times that the supply was too weak, from one source.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct OverCurrent {
    /// The kernel's name of the sensor.
    pub sensor: String,
    /// Which of its events.
    pub event: String,
    /// Since the machine started.
    pub count: u64,
}

/// What makes the machine slower than it is.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Strain {
    /// The cooling devices that throttle, by name.
    pub throttling: Vec<String>,
    /// Over-current events so far.
    pub over_currents: u64,
    /// The cores that are there; none when the machine does not say.
    pub cores: Vec<usize>,
    /// What the box may have, when it is short of it.
    pub short_memory: Option<Memory>,
}

/// Memory of the control group that the box runs in, where that has a limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Memory {
    /// Bytes that it has and that the kernel cannot take back: what is only kept, of files above all, is not among them.
    pub used: u64,
    /// Bytes that it may have before the kernel slows it or ends it.
    pub most: u64,
}

impl Memory {
    /// Whether so little is left that the kernel will soon take action. One that was short is so until a seventh is free.
    fn is_short(self, was: bool) -> bool {
        let share = if was { 6.0 / 7.0 } else { 0.9 };
        self.used as f64 >= self.most as f64 * share
    }
}

/// A list of cores as the kernel writes it, `0-3,5`.
fn cores_of(text: &str) -> Option<Vec<usize>> {
    let mut cores = Vec::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        // The kernel knows 8192 at most; a longer list is none.
        cores.extend((first..=last).take(8192));
    }
    Some(cores)
}

fn number(path: impl AsRef<Path>) -> Option<i64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn word(path: impl AsRef<Path>) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_string())
}

/// What the kernel keeps of a group; nothing where there is no limit (the older hierarchy writes one of some exabytes).
fn memory_of(group: &Path, used: &str, limits: &[&str]) -> Option<Memory> {
    let most = limits.iter().filter_map(|limit| u64::try_from(number(group.join(limit))?).ok()).min()?;
    let used = u64::try_from(number(group.join(used))?).ok()?;
    let stat = fs::read_to_string(group.join("memory.stat")).ok()?;
    let spare = stat.lines().filter_map(|line| {
        let (name, bytes) = line.split_once(' ')?;
        matches!(name, "active_file" | "inactive_file" | "slab_reclaimable").then(|| bytes.parse::<u64>().ok())?
    });
    (most < 1 << 50).then(|| Memory { used: used.saturating_sub(spare.sum()), most })
}

impl Machine {
    /// The machine whose `sys` and `proc` lie in this folder.
    pub fn below(root: &Path) -> Machine {
        Machine { sys: root.join("sys"), proc: root.join("proc") }
    }

    fn numbered(&self, class: &str, prefix: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.sys.join("class").join(class)).into_iter().flatten().flatten();
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
        self.numbered("thermal", "thermal_zone").into_iter().filter_map(zone).collect()
    }

    /// Every cooling device.
    pub fn coolings(&self) -> Vec<Cooling> {
        let device = |path: PathBuf| {
            let state = number(path.join("cur_state"))?.try_into().ok()?;
            let max = number(path.join("max_state"))?.try_into().ok()?;
            Some(Cooling { device: word(path.join("type"))?, state, max })
        };
        self.numbered("thermal", "cooling_device").into_iter().filter_map(device).collect()
    }

    /// Every counter of over-current events.
    pub fn over_currents(&self) -> Vec<OverCurrent> {
        let mut all = Vec::new();
        for sensor in self.numbered("hwmon", "hwmon") {
            for file in fs::read_dir(&sensor).into_iter().flatten().flatten() {
                let name = file.file_name().to_string_lossy().into_owned();
                let event = name.strip_suffix("_event_cnt").filter(|event| event.starts_with("oc"));
                let Some((event, count)) = event.zip(number(file.path()).and_then(|n| n.try_into().ok())) else {
                    continue;
                };
                let sensor = word(sensor.join("name")).unwrap_or_default();
                all.push(OverCurrent { sensor, event: event.to_string(), count });
            }
        }
        all.sort_by(|a, b| (&a.sensor, &a.event).cmp(&(&b.sensor, &b.event)));
        all
    }

    /// The cores that are there now: one may be taken away by a fault, by heat or by a mode with less power.
    pub fn cores(&self) -> Vec<usize> {
        word(self.sys.join("devices/system/cpu/online")).and_then(|text| cores_of(&text)).unwrap_or_default()
    }

    /// What makes the machine slower now, and did `before`.
    pub fn strain(&self, before: &Strain) -> Strain {
        let throttling = self.coolings().into_iter().filter(Cooling::throttles).map(|cooling| cooling.device);
        let over_currents = self.over_currents().iter().map(|over| over.count).sum();
        let short_memory = self.memory().filter(|memory| memory.is_short(before.short_memory.is_some()));
        Strain { throttling: throttling.collect(), over_currents, cores: self.cores(), short_memory }
    }

    /// Memory of the box's control group, when that has a limit: of the one hierarchy, or of the older one for memory alone.
    pub fn memory(&self) -> Option<Memory> {
        let groups = fs::read_to_string(self.proc.join("self/cgroup")).ok()?;
        let below =
            |folder: &str, path: &str| self.sys.join("fs/cgroup").join(folder).join(path.trim_start_matches('/'));
        let mut all = groups.lines().filter_map(|line| line.split_once(':')?.1.split_once(':'));
        all.find_map(|(controllers, path)| match controllers {
            "" => memory_of(&below("", path), "memory.current", &["memory.high", "memory.max"]),
            "memory" => memory_of(&below("memory", path), "memory.usage_in_bytes", &["memory.limit_in_bytes"]),
            _ => None,
        })
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

    /// Descriptors this process may have open.
    pub fn most_descriptors(&self) -> Option<i64> {
        let limits = fs::read_to_string(self.proc.join("self/limits")).ok()?;
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    /// Threads this process has, libraries' included.
    pub fn threads(&self) -> Option<i64> {
        Some(fs::read_dir(self.proc.join("self/task")).ok()?.count() as i64)
    }
}

impl Collector for Machine {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let cores = Some(self.cores().len() as i64).filter(|count| *count > 0);
        let memory = self.memory();
        let bytes = |of: fn(Memory) -> u64| memory.and_then(|memory| i64::try_from(of(memory)).ok());
        let plain = [
            ("memory_used", "Memory that counts against the limit", Some(Unit::Bytes), bytes(|memory| memory.used)),
            ("memory_limit", "Memory that the box may have", Some(Unit::Bytes), bytes(|memory| memory.most)),
            ("online_cores", "Cores that the machine has now", None, cores),
            ("process_resident_memory", "Memory of this process", Some(Unit::Bytes), self.resident_bytes()),
            ("process_open_descriptors", "Descriptors of this process", None, self.open_descriptors()),
            ("process_max_descriptors", "Descriptors that it may have", None, self.most_descriptors()),
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
            let throttled = ConstGauge::new(i64::from(coolings.iter().any(Cooling::throttles)));
            let help = "1 while a cooling device that is no fan makes the machine slower";
            throttled.encode(encoder.encode_descriptor("throttled", help, None, throttled.metric_type())?)?;
            let help = "State of the cooling devices; above 0 a fan turns, any other throttles";
            let mut metric = encoder.encode_descriptor("cooling_state", help, None, kind)?;
            for (i, c) in coolings.into_iter().enumerate() {
                let labels = [("device", c.device), ("number", i.to_string())];
                ConstGauge::new(c.state as i64).encode(metric.encode_family(&labels)?)?;
            }
        }
        let over_currents = self.over_currents();
        if !over_currents.is_empty() {
            let kind = ConstCounter::new(0u64).metric_type();
            let help = "Times that the supply was too weak and the hardware slowed down";
            let mut metric = encoder.encode_descriptor("over_current_events", help, None, kind)?;
            for over in over_currents {
                let labels = [("sensor", over.sensor), ("event", over.event)];
                ConstCounter::new(over.count).encode(metric.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    /// A made-up sysfs.
    struct Made(tempfile::TempDir);

    impl Made {
        fn new() -> Made {
            Made(tempfile::tempdir().unwrap())
        }

        fn put(&self, path: &str, text: &str) {
            let file = self.0.path().join("sys/class").join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, format!("{text}\n")).unwrap();
        }

        fn machine(&self) -> Machine {
            Machine::below(self.0.path())
        }

        fn strain(&self) -> Strain {
            self.machine().strain(&Strain::default())
        }

        fn text(&self) -> String {
            let (mut registry, mut out) = (Registry::with_prefix("spotter"), String::new());
            registry.register_collector(Box::new(self.machine()));
            encode(&mut out, &registry).unwrap();
            out
        }
    }

    #[test]
    fn what_a_machine_does_not_have_is_left_out() {
        let made = Made::new();
        assert_eq!(made.text(), "# EOF\n");
        assert_eq!(made.strain(), Strain::default());
    }

    #[test]
    fn the_cores_that_are_there_are_read_as_the_kernel_writes_them() {
        let made = Made::new();
        let file = made.0.path().join("sys/devices/system/cpu/online");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        for (text, cores) in [("0-3,5\n", vec![0, 1, 2, 3, 5]), ("0\n", vec![0]), ("none\n", vec![]), ("3-\n", vec![])]
        {
            fs::write(&file, text).unwrap();
            assert_eq!(made.strain().cores, cores, "{text}");
        }
        fs::write(&file, "0-1\n").unwrap();
        assert!(made.text().contains("\nspotter_online_cores 2\n"), "{}", made.text());
    }

    /// A group with such files, and the box in it.
    fn grouped(groups: &str, folder: &str, files: &[(&str, &str)]) -> Made {
        let made = Made::new();
        for (path, text) in [("proc/self/cgroup".to_owned(), groups)]
            .into_iter()
            .chain(files.iter().map(|(name, text)| (format!("sys/fs/cgroup/{folder}/{name}"), *text)))
        {
            let file = made.0.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        made
    }

    #[test]
    fn memory_is_what_the_group_may_have_in_either_hierarchy() {
        let stat = "anon 30\nfile 900\nactive_file 300\ninactive_file 550\nslab_reclaimable 50\nslab 70\n";
        let files =
            [("memory.current", "1000\n"), ("memory.high", "700\n"), ("memory.max", "850\n"), ("memory.stat", stat)];
        let made = grouped("0::/system.slice/spotter.service\n", "system.slice/spotter.service", &files);
        assert_eq!(made.machine().memory(), Some(Memory { used: 100, most: 700 }));
        let text = made.text();
        let both = ["\nspotter_memory_used_bytes 100\n", "\nspotter_memory_limit_bytes 700\n"];
        assert!(both.iter().all(|line| text.contains(line)), "{text}");
        // Only one of the two limits.
        let files =
            [("memory.current", "1000\n"), ("memory.high", "max\n"), ("memory.max", "850\n"), ("memory.stat", stat)];
        assert_eq!(grouped("0::/\n", "", &files).machine().memory(), Some(Memory { used: 100, most: 850 }));
        let files = [("memory.usage_in_bytes", "1000\n"), ("memory.limit_in_bytes", "800\n"), ("memory.stat", stat)];
        let groups = "9:name=systemd:/a\n4:memory:/box\n0::/b\n";
        assert_eq!(grouped(groups, "memory/box", &files).machine().memory(), Some(Memory { used: 100, most: 800 }));
        // None: no limit in either, no group, no such files.
        let files =
            [("memory.current", "1000\n"), ("memory.high", "max\n"), ("memory.max", "max\n"), ("memory.stat", stat)];
        assert_eq!(grouped("0::/\n", "", &files).machine().memory(), None);
        let files = [
            ("memory.usage_in_bytes", "1000\n"),
            ("memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory.stat", stat),
        ];
        assert_eq!(grouped(groups, "memory/box", &files).machine().memory(), None);
        assert_eq!(grouped("nonsense\n0::/\n", "", &[]).machine().memory(), None);
    }

    #[test]
    fn memory_is_short_above_nine_tenths_and_until_a_seventh_is_free() {
        let at = |used: u64, before: &Strain| {
            let used = used.to_string();
            let files = [("memory.current", used.as_str()), ("memory.max", "7000"), ("memory.stat", "")];
            grouped("0::/\n", "", &files).machine().strain(before)
        };
        let calm = at(6299, &Strain::default());
        assert_eq!(calm.short_memory, None);
        let short = at(6300, &calm);
        assert_eq!(short.short_memory, Some(Memory { used: 6300, most: 7000 }));
        assert!(at(6000, &short).short_memory.is_some());
        assert_eq!(at(5999, &short).short_memory, None);
    }

    #[test]
    fn zones_that_answer_have_their_temperature() {
        let made = Made::new();
        made.put("thermal/thermal_zone0/type", "cpu-thermal");
        made.put("thermal/thermal_zone0/temp", "48250");
        made.put("thermal/thermal_zone1/type", "cv0-thermal");
        fs::create_dir(made.0.path().join("sys/class/thermal/thermal_zone1/temp")).unwrap();
        made.put("thermal/thermal_zone2/type", "outside");
        made.put("thermal/thermal_zone2/temp", "-1500");
        let of = |zone: &str, celsius| Temperature { zone: zone.into(), celsius };
        assert_eq!(made.machine().temperatures(), [of("cpu-thermal", 48.25), of("outside", -1.5)]);
        let text = made.text();
        assert!(text.contains("spotter_temperature_celsius{zone=\"cpu-thermal\"} 48.25\n"), "{text}");
        assert!(!text.contains("cv0") && !text.contains("throttled"), "{text}");
    }

    #[test]
    fn a_fan_cools_and_any_other_device_throttles() {
        let made = Made::new();
        let device = |number: u32, name: &str, state: &str| {
            let folder = format!("thermal/cooling_device{number}");
            made.put(&format!("{folder}/type"), name);
            made.put(&format!("{folder}/max_state"), "3");
            made.put(&format!("{folder}/cur_state"), state);
        };
        device(0, "pwm-fan", "2");
        device(1, "cpu-throttle-alert", "0");
        assert_eq!(made.strain(), Strain::default());
        assert!(made.text().contains("\nspotter_throttled 0\n"), "{}", made.text());
        device(1, "cpu-throttle-alert", "1");
        assert_eq!(made.strain().throttling, ["cpu-throttle-alert"]);
        let text = made.text();
        assert!(text.contains("\nspotter_throttled 1\n"), "{text}");
        assert!(text.contains("spotter_cooling_state{device=\"pwm-fan\",number=\"0\"} 2\n"), "{text}");
    }

    #[test]
    fn over_current_is_counted_by_sensor_and_event() {
        let made = Made::new();
        made.put("hwmon/hwmon1/name", "ina3221");
        made.put("hwmon/hwmon1/curr1_input", "800");
        made.put("hwmon/hwmon3/name", "soctherm_oc");
        made.put("hwmon/hwmon3/oc1_event_cnt", "4");
        made.put("hwmon/hwmon3/oc3_event_cnt", "11");
        made.put("hwmon/hwmon3/oc3_throt_en", "1");
        let of = |event: &str, count| OverCurrent { sensor: "soctherm_oc".into(), event: event.into(), count };
        assert_eq!(made.machine().over_currents(), [of("oc1", 4), of("oc3", 11)]);
        assert_eq!(made.strain().over_currents, 15);
        let text = made.text();
        let line = "spotter_over_current_events_total{sensor=\"soctherm_oc\",event=\"oc3\"} 11\n";
        assert!(text.contains(line), "{text}");
    }
}
