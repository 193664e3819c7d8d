//! What lies between a daemon and its database: it can hold every byte back and close nothing, as a network does that has lost
//! its way.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// One that forwards to a port of this machine.
pub struct Proxy {
    pub port: u16,
    holds: Arc<AtomicBool>,
    holds_replies: Arc<AtomicBool>,
}

impl Proxy {
    pub fn to(port: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let proxy = Proxy {
            port: listener.local_addr().expect("its address").port(),
            holds: Arc::default(),
            holds_replies: Arc::default(),
        };
        let (holds, holds_replies) = (Arc::clone(&proxy.holds), Arc::clone(&proxy.holds_replies));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let (Ok(client_too), Ok(server_too)) = (client.try_clone(), server.try_clone()) else { continue };
                let both = Arc::clone(&holds);
                let (requests, replies) = (vec![Arc::clone(&both)], vec![both, Arc::clone(&holds_replies)]);
                thread::spawn(move || forward(client, server, &requests));
                thread::spawn(move || forward(server_too, client_too, &replies));
            }
        });
        proxy
    }

    /// Holds everything back, or lets it go on.
    pub fn hold(&self, does: bool) {
        self.holds.store(does, Ordering::SeqCst);
    }

    /// Holds back what the server says, or lets it go on.
    pub fn hold_replies(&self, does: bool) {
        self.holds_replies.store(does, Ordering::SeqCst);
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, holds: &[Arc<AtomicBool>]) {
    let _ = (from.set_nodelay(true), to.set_nodelay(true));
    let mut bytes = vec![0; 65536];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        while holds.iter().any(|holds| holds.load(Ordering::SeqCst)) {
            thread::sleep(Duration::from_millis(2));
        }
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
    let _ = from.shutdown(std::net::Shutdown::Both);
}
