//! `contactd import` as a person runs it: a file, a daemon, and what is told of every row.

mod asides;
mod asked;
mod cells;
mod closed_world;
mod consent;
mod doubt;
mod fates;
mod files;
mod shapes;
mod signed;
mod silence;
mod whose;

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Daemon, program};

const LIST: &str = "+14155550100";
const ADA: &str = "+14155550101";
const BOB: &str = "+14155550102";
const EVE: &str = "+14155550103";

/// What an import said.
struct Told {
    code: i32,
    json: Value,
    errors: String,
}

/// A daemon with the list, and files beside its data.
struct Desk {
    daemon: Daemon,
}

impl Desk {
    fn new() -> Desk {
        let desk = Desk { daemon: Daemon::start(&[]) };
        assert_eq!(desk.call(&format!("LIST {LIST}")), "+created");
        desk
    }

    fn call(&self, line: &str) -> String {
        self.daemon.connect().call(line)
    }

    fn get(&self, phone: &str) -> Value {
        let reply = self.call(&format!("GET {phone}"));
        serde_json::from_str(reply.trim_start_matches('+')).unwrap_or(Value::Null)
    }

    /// One label of a contact.
    fn label(&self, phone: &str, key: &str) -> Value {
        self.get(phone)["labels"][key].clone()
    }

    fn check(&self, phone: &str) -> String {
        self.call(&format!("CHECK {LIST} {phone}"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.daemon.dir.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }

    /// Writes a file and imports it.
    fn import(&self, text: impl AsRef<[u8]>, options: &[&str]) -> Told {
        std::fs::write(self.path("contacts.csv"), text).expect("written");
        self.import_file("contacts.csv", options)
    }

    /// Onto the list, numbers being from the United States, by a person who has looked at the columns: those that are not
    /// known are labels.
    fn onto_list(&self, text: impl AsRef<[u8]>, options: &[&str]) -> Told {
        self.unsaid(text, &[&["--labels", "*"], options].concat())
    }

    /// The same, by a person who says nothing of the columns.
    fn unsaid(&self, text: impl AsRef<[u8]>, options: &[&str]) -> Told {
        self.import(text, &[&["--list", LIST, "--region", "US"], options].concat())
    }

    fn import_file(&self, name: &str, options: &[&str]) -> Told {
        let mut command = Command::new(program());
        command.current_dir(self.daemon.dir.path()).args(["import", name, "--json"]).args(options);
        command.args(["--server", &self.daemon.address]);
        let output = command.output().expect("it runs");
        let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        Told { code: output.status.code().unwrap_or(-1), json, errors }
    }

    /// What a person reads of an import of a file that is there.
    fn summary(&self, name: &str, options: &[&str]) -> String {
        let mut command = Command::new(program());
        command.current_dir(self.daemon.dir.path()).args(["import", name]).args(options);
        let output = command.args(["--server", &self.daemon.address]).output().expect("it runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn export(&self) -> String {
        let mut command = Command::new(program());
        let output = command.args(["export", "--server", &self.daemon.address]).output().expect("it runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

impl Told {
    #[track_caller]
    fn all_taken(&self) {
        assert_eq!((self.code, &self.json["rejected"]), (0, &json!({})), "{}", self.errors);
    }

    /// Nothing was imported, since something must be said of the columns that are named so.
    #[track_caller]
    fn asks(&self, what: &str) {
        assert_eq!((self.code, &self.json["rows"]), (2, &json!(0)), "{what}: {}", self.errors);
        assert!(self.errors.contains(what), "{what}: {}", self.errors);
    }
}
