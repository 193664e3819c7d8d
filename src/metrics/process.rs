//! The metrics that every process has, under the names that Prometheus gives them. What the system does not tell is left out.

use std::fs;
use std::sync::LazyLock;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::family::Families;

pub fn collect(families: &mut Families) {
    if let Some(stat) = Stat::read() {
        let ticks = clock_ticks_per_second() as f64;
        let cpu = (stat.field(14) + stat.field(15)) as f64 / ticks;
        families.counter("process_cpu_seconds", "seconds of processor time that were used").is(cpu);
        let help = "when the process started, as a Unix time";
        families.gauge("process_start_time_seconds", help).is(boot_seconds() + stat.field(22) as f64 / ticks);
        families.gauge("process_virtual_memory_bytes", "bytes of virtual memory").is(stat.field(23));
        let resident = stat.field(24) * page_size() as u64;
        families.gauge("process_resident_memory_bytes", "bytes of resident memory").is(resident);
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        families.gauge("process_open_fds", "open file descriptors").is(open.count() as u64);
    }
    if let Some(most) = getrlimit(Resource::Nofile).current {
        families.gauge("process_max_fds", "file descriptors that may be open").is(most);
    }
}

/// The fields of `/proc/self/stat`.
struct Stat(Vec<u64>);

impl Stat {
    fn read() -> Option<Stat> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The second field is a name in parentheses and may have blanks in it.
        let (_, fields) = stat.rsplit_once(')')?;
        Some(Stat(fields.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect()))
    }

    /// A field by its number in proc(5), which counts from 1; the first that is here is the third.
    fn field(&self, number: usize) -> u64 {
        self.0.get(number - 3).copied().unwrap_or(0)
    }
}

/// When the system booted, as a Unix time. It is asked once, so that a clock that is set later does not look like a restart.
/// `/proc/stat`, which tells it too, is hidden from a service that sees only its own processes.
fn boot_seconds() -> f64 {
    static BOOT: LazyLock<f64> = LazyLock::new(|| {
        let seconds = |clock| {
            let now = clock_gettime(clock);
            now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
        };
        (seconds(ClockId::Realtime) - seconds(ClockId::Boottime)).round()
    });
    *BOOT
}
