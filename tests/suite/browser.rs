//! The console in a real browser.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{has, program};

#[test]
fn the_console_in_a_browser() {
    if !(has("chromium") && has("chromedriver") && has("python3") && has_selenium()) {
        return;
    }
    let modules = std::env::var("CONTACTD_NODE_MODULES").unwrap_or_else(|_| "target/ci-node/node_modules".into());
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join(modules);
    if !modules.join("axe-core").is_dir() {
        assert!(std::env::var("CONTACTD_TEST_ALL").is_err(), "axe-core is not installed");
        eprintln!("skipped: axe-core is not in {}", modules.display());
        return;
    }
    let output = Command::new("python3")
        .args(["-m", "unittest", "discover", "--verbose", "tests/browser"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CONTACTD_BIN", program())
        .env("CONTACTD_CHROMIUM", which("chromium"))
        .env("CONTACTD_CHROMEDRIVER", which("chromedriver"))
        .env("CONTACTD_NODE_MODULES", modules)
        .output()
        .expect("python3 runs");
    let told = [output.stdout, output.stderr].concat();
    // chromedriver's own stack has no names: it only hides what went wrong.
    let lines = String::from_utf8_lossy(&told);
    let lines: Vec<_> = lines.lines().filter(|line| !(line.starts_with('#') && line.contains(" 0x"))).collect();
    assert!(output.status.success(), "{}", lines.join("\n"));
}

fn has_selenium() -> bool {
    let found = Command::new("python3").args(["-c", "import selenium"]).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    assert!(found || std::env::var("CONTACTD_TEST_ALL").is_err(), "python's selenium is not installed");
    if !found {
        eprintln!("skipped: python's selenium is not installed");
    }
    found
}

/// Where a program is: selenium looks for another one unless it is told.
fn which(program: &str) -> String {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file());
    found.map(|file| file.to_string_lossy().into_owned()).unwrap_or_default()
}
