//! What is answered survives kill -9.

use std::process::Command;

use crate::support::{Daemon, has, program};

const LIST: &str = "+14155550000";

#[test]
fn an_acknowledged_opt_out_survives_kill_9() {
    let mut daemon = Daemon::start(&[]);
    daemon.connect().call(&format!("LIST {LIST}"));
    for round in 0..4 {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let mut wire = daemon.connect();
                std::thread::spawn(move || {
                    for n in 0..25 {
                        let phone = format!("+1415555{:04}", 1000 + round * 1000 + writer * 100 + n);
                        assert_eq!(wire.call(&format!("OPTIN {LIST} {phone}")), ":1");
                        assert_eq!(wire.call(&format!("OPTOUT {LIST} {phone}")), ":1");
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().expect("a writer");
        }
        daemon.kill();
        // What a crash during a start leaves behind.
        std::fs::write(daemon.data_dir().join("store/snap.0000000000000001.generating"), b"half").expect("written");
        daemon.restart();
        let mut wire = daemon.connect();
        for writer in 0..4 {
            for n in 0..25 {
                let phone = format!("+1415555{:04}", 1000 + round * 1000 + writer * 100 + n);
                assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+no list_opted_out", "{phone}");
            }
        }
        assert!(wire.call("VERIFY").starts_with("+ok"), "{}", wire.call("VERIFY"));
    }
}

#[test]
fn a_burst_of_opt_outs_is_taken_whole() {
    let daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    let burst: String = (0..2_000).fold(String::new(), |burst, n| burst + &format!("OPTOUT {LIST} +1415555{n:04}\n"));
    wire.send(burst);
    assert!((0..2_000).all(|_| wire.reply() == ":1"));
    assert_eq!(wire.call("COUNT"), ":2000");
}

#[test]
fn sigterm_drains_and_the_second_daemon_is_refused() {
    let mut daemon = Daemon::start(&["--fsync", "interval"]);
    let mut wire = daemon.connect();
    wire.call(&format!("LIST {LIST}"));
    assert_eq!(wire.call(&format!("OPTIN {LIST} +14155552671")), ":1");
    let mut second = Command::new(program());
    second.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(daemon.data_dir());
    let second = second.output().expect("it runs");
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use by another contactd"), "{second:?}");
    drop(wire);
    assert_eq!(daemon.terminate(), Some(0));
    daemon.restart();
    assert_eq!(daemon.connect().call(&format!("CHECK {LIST} +14155552671")), "+yes");
}

#[test]
fn the_sync_comes_before_the_reply() {
    if !has("strace") {
        return;
    }
    let daemon = Daemon::start(&[]);
    let trace = daemon.dir.path().join("trace");
    let mut strace = Command::new("strace")
        .args(["-f", "-e", "trace=fdatasync,sendto,write", "-p", &daemon.pid().to_string(), "-o"])
        .arg(&trace)
        .spawn()
        .expect("strace");
    let read = || std::fs::read_to_string(&trace).unwrap_or_default();
    let mut wire = daemon.connect();
    // Attached once it shows a reply.
    for _ in 0..2_000 {
        wire.call("PING");
        if read().contains("PONG") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let attached = read().contains("PONG");
    if !attached {
        eprintln!("skipped: this system does not let strace attach");
        let _ = strace.kill();
    }
    assert_eq!(wire.call(&format!("OPTOUT {LIST} +14155552671")), ":1");
    wire.call("PING");
    let _ = Command::new("kill").args(["-INT", &strace.id().to_string()]).status();
    let _ = strace.wait();
    if !attached {
        return;
    }
    let trace = read();
    let reply = trace.find(":1\\r\\n").expect("the reply is in the trace");
    let sync = trace.find("fdatasync").expect("a sync is in the trace");
    assert!(sync < reply, "{trace}");
}
