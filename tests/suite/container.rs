//! The image of `deploy/Dockerfile`, without docker: its file system is put together here, and contactd runs in it as the
//! image would run it. The Dockerfile's own words are read, so that the two cannot disagree.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use crate::support::{PATIENCE, has, program};

/// The user of images that are called nonroot.
const USER: &str = "65532";

/// What the libraries of distroless/cc-debian12 are called: libc6's, and that of libgcc-s1 and libstdc++6.
const IMAGE_HAS: &[&str] = &[
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libstdc++.so.6",
];

fn dockerfile() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/Dockerfile")).expect("a file")
}

/// The words of HEALTHCHECK.
fn health_check() -> Vec<String> {
    let text = dockerfile();
    let line = text.lines().find(|line| line.starts_with("HEALTHCHECK ")).expect("HEALTHCHECK");
    let (_, command) = line.split_once("CMD ").expect("a command");
    serde_json::from_str(command).expect("an array of words")
}

/// The libraries that the program is linked with, by name and path.
fn libraries() -> Vec<(String, PathBuf)> {
    let output = Command::new("ldd").arg(program()).output().expect("ldd runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    // `libc.so.6 => /lib/…/libc.so.6 (0x…)`, and for the loader `/lib64/ld-linux-x86-64.so.2 (0x…)`.
    let paths = told.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')));
    let name = |path: &str| path.rsplit('/').next().expect("a name").to_owned();
    paths.map(|path| (name(path), PathBuf::from(path))).collect()
}

#[test]
fn the_image_has_every_library() {
    if !has("ldd") {
        return;
    }
    let libraries = libraries();
    assert!(libraries.iter().any(|(name, _)| name == "libc.so.6"), "{libraries:?}");
    let missing: Vec<_> = libraries.iter().filter(|(name, _)| !IMAGE_HAS.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "distroless/cc-debian12 has no {missing:?}: take another base, or link them in");
    assert!(dockerfile().contains("\nFROM gcr.io/distroless/cc-debian12:nonroot\n"));
}

/// A root file system of the program, its libraries and a place for its data.
fn file_system(root: &Path) {
    let put = |from: &Path, to: &str| {
        let to = root.join(to.trim_start_matches('/'));
        fs::create_dir_all(to.parent().expect("a directory")).expect("made");
        fs::copy(from, to).expect("copied");
    };
    put(Path::new(program()), "/usr/bin/contactd");
    for (_, path) in libraries() {
        put(&path, path.to_str().expect("a path"));
    }
    // The place that the image gives to the user.
    fs::create_dir_all(root.join("var/lib/contactd")).expect("made");
    let owned = Command::new("chown").arg(USER).arg(root.join("var/lib/contactd")).status().expect("chown runs");
    // Without root, the user of the test becomes that of the image.
    assert!(owned.success() || !is_root());
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    id.stdout == b"0\n"
}

/// A command in the file system, as the user of the image and with the environment of the Dockerfile.
fn within(root: &Path) -> Command {
    let mut command = Command::new("unshare");
    if is_root() {
        command.args(["--setuid", USER, "--setgid", USER]);
    } else {
        command.args(["--user", &format!("--map-user={USER}"), &format!("--map-group={USER}")]);
    }
    command.arg(format!("--root={}", root.display())).arg("/usr/bin/contactd").env_clear().stdin(Stdio::null());
    let text = dockerfile().replace("\\\n", " ");
    let environment = text.lines().find_map(|line| line.strip_prefix("ENV ")).expect("ENV");
    command.envs(environment.split_whitespace().filter_map(|pair| pair.split_once('=')));
    command
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn contactd_runs_in_the_file_system_of_the_image() {
    if !has("unshare") || !has("ldd") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    // The user of the image has to reach it.
    Command::new("chmod").arg("755").arg(dir.path()).status().expect("chmod runs");
    let root = dir.path().join("root");
    file_system(&root);

    let address = "unix:/var/lib/contactd/contactd.sock";
    let ask = |words: &[&str]| {
        let mut command = within(&root);
        command.env("CONTACTD_SERVER", address).args(words).output().expect("it runs")
    };
    let mut daemon = within(&root);
    daemon.arg("serve").env("CONTACTD_LISTEN", address);
    let log = fs::File::create(dir.path().join("log")).expect("a log");
    let mut daemon = Running(daemon.stderr(log).spawn().expect("it starts"));
    let since = Instant::now();
    while !ask(&["call", "PING"]).status.success() {
        let log = fs::read_to_string(dir.path().join("log")).expect("a log");
        let ended = daemon.0.try_wait().expect("a child");
        assert!(ended.is_none() && since.elapsed() < PATIENCE, "contactd does not answer ({ended:?}): {log}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let told = ask(&["call", "OPTOUT", "+14155550000", "+14155552671"]);
    assert_eq!(said(&told).trim(), "1");

    // What HEALTHCHECK runs: it has to be content without a token, and not without a daemon.
    let check = health_check();
    let check: Vec<&str> = check.iter().map(String::as_str).collect();
    assert_eq!(check, ["/usr/bin/contactd", "health", "--alive"]);
    let health = ask(&check[1..]);
    assert_eq!(health.status.code(), Some(0), "{}", said(&health));

    let ended = Command::new("kill").arg(daemon.0.id().to_string()).status().expect("kill");
    assert!(ended.success());
    assert_eq!(daemon.0.wait().expect("it ends").code(), Some(0), "STOPSIGNAL drains");
    let health = ask(&check[1..]);
    assert_eq!(health.status.code(), Some(2), "{}", said(&health));
    assert!(root.join("var/lib/contactd/data/tombstone.key").exists(), "the data is where the volume is");

    // Others can reach 0.0.0.0: without tokens contactd says how, and ends.
    let mut public = within(&root);
    let refused = public.arg("serve").env("CONTACTD_LISTEN", "0.0.0.0:0").output().expect("it ends");
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("give --tokens FILE"), "{}", said(&refused));
}
