//! Our own clients of the protocol: on two threads, on a Unix socket, and as a task inside the daemon.

use std::io::Write;
use std::net::TcpListener;
use std::thread;

use contactd::address::Address;
use contactd::client::{AsyncClient, Client, Reply};
use contactd::model::verdict::StopScope;

use crate::support::{Daemon, House};

const NOON: i64 = 1_777_636_800_000;

fn text(text: &str) -> Reply {
    Reply::Text(text.into())
}

/// As many requests ahead of their replies as fill every buffer between the two, several times.
const AHEAD: usize = 60_000;

fn is_reply_to(n: usize, reply: &Reply) -> bool {
    // Each third one is answered with a kilobyte.
    if n.is_multiple_of(3) {
        matches!(reply, Reply::Text(contact) if contact.len() > 1_000 && contact.contains("+14155550101"))
    } else {
        *reply == text(&n.to_string())
    }
}

fn contact_of_a_kilobyte() -> [String; 3] {
    let note = "x".repeat(1_000);
    ["PUT".into(), "+14155550101".into(), format!(r#"{{"labels":{{"note":"{note}"}}}}"#)]
}

#[test]
fn one_thread_sends_while_another_one_receives() {
    let house = House::start(StopScope::List, NOON);
    let address: Address = house.address.parse().expect("an address");
    let mut client = Client::connect(&address, None).expect("a client");
    assert_eq!(client.call(&contact_of_a_kilobyte()), Ok(text("created")));
    let (mut requests, mut replies) = client.split();
    thread::scope(|scope| {
        scope.spawn(move || {
            for n in 0..AHEAD {
                let sent = match n % 3 {
                    0 => requests.send(&["GET", "+14155550101"]),
                    1 => requests.send(&["PING", &n.to_string()]),
                    _ => requests.write(format!("PING {n}\n").as_bytes()),
                };
                sent.expect("sent");
            }
            requests.flush().expect("sent");
        });
        for n in 0..AHEAD {
            let reply = replies.receive().expect("a reply");
            assert!(is_reply_to(n, &reply), "{n}: {reply}");
        }
    });
}

#[test]
fn a_half_that_hangs_up_ends_the_wait_of_the_other_one() {
    let house = House::start(StopScope::List, NOON);
    let address: Address = house.address.parse().expect("an address");
    let (requests, mut replies) = Client::connect(&address, None).expect("a client").split();
    let waiting = thread::spawn(move || replies.receive());
    requests.hang_up();
    let told = waiting.join().expect("it ends").expect_err("there is no reply");
    assert!(told.message.contains("the connection to contactd was lost"), "{told}");

    // A sender that the daemon does not read from, since nobody reads its replies.
    let (mut requests, replies) = Client::connect(&address, None).expect("a client").split();
    let sending = thread::spawn(move || {
        let many = "HELP\n".repeat(100_000);
        while requests.write(many.as_bytes()).is_ok() {}
    });
    thread::sleep(std::time::Duration::from_millis(300));
    assert!(!sending.is_finished(), "the daemon reads no more than it may answer");
    replies.hang_up();
    sending.join().expect("it ends");
}

#[test]
fn a_stream_comes_item_by_item() {
    let dir = tempfile::tempdir().expect("a directory");
    let socket = format!("unix:{}", dir.path().join("socket").display());
    let _daemon = Daemon::start(&["--listen", &socket]);
    let mut client = Client::connect(&socket.parse().expect("an address"), None).expect("a client");
    let put: Vec<Reply> =
        (0..500).map(|n| client.call(&["PUT", &format!("+1415555{n:04}")]).expect("a reply")).collect();
    assert!(put.iter().all(|reply| *reply == text("created")));
    let mut told = Vec::new();
    let streamed = client.stream("EXPORT", |item| {
        told.push(item.to_owned());
        Ok(())
    });
    assert_eq!((streamed, told.len()), (Ok(()), 500));
    let is_told = |n: usize| told.iter().filter(|item| item.contains(&format!("+1415555{n:04}"))).count() == 1;
    assert!((0..500).all(is_told), "{told:?}");
    let refused = client.stream("EXPORT list=x", |_| Ok(()));
    assert!(refused.is_err_and(|why| why.message.starts_with("BADARG ")));
    assert_eq!(client.line("PING still-in-step"), Ok(text("still-in-step")));
}

#[test]
fn what_is_no_daemon_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address: Address = listener.local_addr().expect("an address").to_string().parse().expect("an address");
    let other = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("sent");
    });
    let told = Client::connect(&address, None).expect("a connection").call(&["PING"]).expect_err("not a reply");
    other.join().expect("it ends");
    assert!(told.message.contains("'HTTP/1.1 400 Bad Request' is not a reply of contactd"), "{told}");
}

#[test]
fn a_task_inside_the_daemon_sends_while_it_receives() {
    let house = House::start(StopScope::List, NOON);
    house.inside(async |pipe| {
        let mut client = AsyncClient::new(pipe);
        assert_eq!(client.call(&contact_of_a_kilobyte()).await, Ok(text("created")));
        // All of them before the first reply is asked for.
        for n in 0..AHEAD {
            match n % 3 {
                0 => client.send(&["GET", "+14155550101"]),
                1 => client.send(&["PING", &n.to_string()]),
                _ => client.send_line(&format!("PING {n}")),
            }
        }
        for n in 0..AHEAD {
            let reply = client.receive().await.expect("a reply");
            assert!(is_reply_to(n, &reply), "{n}: {reply}");
        }
        client.send_line("EXPORT");
        assert_eq!(client.receive().await, Ok(Reply::Stream));
        assert!(matches!(client.receive().await, Ok(Reply::Text(_))));
        assert_eq!(client.receive().await, Ok(Reply::StreamEnd));
        assert_eq!(client.call(&["QUIT"]).await, Ok(text("OK")));
        let told = client.call(&["PING"]).await.expect_err("it has ended");
        assert!(told.message.contains("the connection to contactd was lost"), "{told}");
    });
}

#[test]
fn a_wait_that_is_cancelled_loses_nothing() {
    let house = House::start(StopScope::List, NOON);
    house.inside(async |pipe| {
        let mut client = AsyncClient::new(pipe);
        let mut cancelled = 0;
        // On a busy machine the replies of a whole round may be there before anybody waits.
        for _ in 0..100 {
            for n in 0..2_000 {
                client.send(&["PING", &n.to_string()]);
            }
            let mut next = 0;
            while next < 2_000 {
                tokio::select! {
                    biased;
                    reply = client.receive() => {
                        assert_eq!(reply, Ok(text(&next.to_string())));
                        next += 1;
                    }
                    () = tokio::task::yield_now() => cancelled += 1,
                }
            }
            if cancelled > 0 {
                return;
            }
        }
        panic!("no wait was cancelled");
    });
}
