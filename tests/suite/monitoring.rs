//! The files in deploy/ that watch a daemon: alerts and dashboard speak of metrics that exist.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::metrics::{Page, talk};
use crate::support::{Daemon, free_address, has};

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(name)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(deploy(name)).expect("a file")
}

/// Everything that a daemon tells after something of everything has happened.
fn scrape() -> String {
    let dir = tempfile::tempdir().expect("a directory");
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (certificate, key) = (dir.path().join("server.pem"), dir.path().join("server.key"));
    std::fs::write(&certificate, own.cert.pem()).expect("written");
    std::fs::write(&key, own.signing_key.serialize_pem()).expect("written");
    let (scraped, encrypted) = (free_address(), format!("tls:{}", free_address()));
    let tls = ["--listen", &encrypted, "--tls-cert-file", text(&certificate), "--tls-key-file", text(&key)];
    let (secrets, webhooks) = (dir.path().join("secrets"), free_address());
    std::fs::write(&secrets, "twilio 0123456789abcdef\n").expect("written");
    let webhooks =
        ["--webhooks", &webhooks, "--public-url", "https://sms.example.com", "--webhook-secrets", text(&secrets)];
    let daemon = Daemon::start(&[&["--metrics", &scraped], &tls[..], &webhooks[..]].concat());
    talk(&mut daemon.connect());
    let page = Page::get(&scraped, "/metrics", "");
    assert_eq!(page.status, 200, "{}", page.body);
    page.body
}

/// The names of metrics in a text, without what a histogram appends. A package's name has a digit there: `contactd_0.2.0-1`.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let after = |word: &str| word.strip_prefix("contactd_").or(word.strip_prefix("process_")).map(str::to_owned);
    let ours = words.filter(|word| after(word).is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic())));
    ours.map(|word| word.trim_end_matches("_bucket").to_owned()).collect()
}

fn assert_ok(output: &Output) {
    let told = [&output.stdout[..], &output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(output.status.success(), "{told}");
}

#[test]
fn promtool_has_nothing_to_say_of_the_metrics() {
    if !has("promtool") {
        return;
    }
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("a pipe").write_all(scrape().as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert_ok(&output);
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn each_alert_fires() {
    let (rules, tests) = (read("alerts.yml"), read("alerts_test.yml"));
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 12, "{alerts:?}");
    for alert in &alerts {
        assert!(tests.contains(&format!("alertname: {alert}\n")), "no test lets {alert} fire");
    }
    if has("promtool") {
        for arguments in [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]] {
            assert_ok(&Command::new("promtool").args(arguments).current_dir(deploy("")).output().expect("it runs"));
        }
    }
}

#[test]
fn each_alert_has_a_page_that_says_what_to_do() {
    let page = std::fs::read_to_string(deploy("../docs/operating.md")).expect("the page");
    let rules = read("alerts.yml");
    let alerts = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    for alert in alerts {
        assert!(page.contains(&format!("\n#### {alert}\n")), "docs/operating.md does not explain {alert}");
        let runbook = format!("runbook: /usr/share/doc/contactd/docs/operating.md#{}\n", alert.to_lowercase());
        assert!(rules.contains(&runbook), "{alert} does not name its part of the page");
    }
    let explained = page.lines().filter_map(|line| line.strip_prefix("#### Contactd"));
    for alert in explained {
        assert!(rules.contains(&format!("- alert: Contactd{alert}\n")), "Contactd{alert} is not an alert any more");
    }
}

#[test]
fn alerts_and_dashboard_speak_of_metrics_that_exist() {
    let known: BTreeSet<String> = scrape()
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect();
    let dashboard: serde_json::Value = serde_json::from_str(&read("grafana-contactd.json")).expect("JSON");
    let expressions: Vec<&str> = dashboard["panels"]
        .as_array()
        .expect("panels")
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .filter_map(|target| target["expr"].as_str())
        .chain(
            dashboard["templating"]["list"]
                .as_array()
                .expect("variables")
                .iter()
                .filter_map(|v| v["definition"].as_str()),
        )
        .collect();
    assert!(expressions.len() > 30);
    let page = std::fs::read_to_string(deploy("../docs/operating.md")).expect("the page");
    for (what, text) in
        [("dashboard", expressions.join("\n")), ("alerts", read("alerts.yml")), ("docs/operating.md", page)]
    {
        let unknown: Vec<String> = names(&text).into_iter().filter(|name| !known.contains(name)).collect();
        assert!(unknown.is_empty(), "{what}: no scrape has {unknown:?}");
    }
    let told = dashboard.to_string();
    assert!(
        told.contains(r#""type":"datasource""#) && !told.contains("__inputs"),
        "a provisioned dashboard stays empty"
    );
    assert_eq!(dashboard["uid"], "contactd");
}
