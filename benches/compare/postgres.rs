//! `PostgreSQL` with its usual settings and like indexes, in a directory of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::machine::{free_port, worked};
use crate::timed;

const SCHEMA: &str = "
create table staging(phone text, state text, tier text, campaign text, name text, email text);
create table contacts(phone text primary key, status text not null, labels jsonb not null, created_at timestamptz not null default now());
create index on contacts using gin(labels);
create index on contacts(status);
create table list_contacts(list text, phone text, status text not null, how text, subscribed_at timestamptz default now(), primary key(list, phone));
create index on list_contacts(list, status);";

const INSERT: &str = "
insert into contacts(phone, status, labels) select '+1'||right(regexp_replace(phone,'[^0-9]','','g'),10), 'active',
  jsonb_build_object('state',state,'tier',tier,'campaign',campaign,'name',name,'email',email) from staging on conflict do nothing;
insert into list_contacts(list, phone, status, how) select '+14155550100',
  '+1'||right(regexp_replace(phone,'[^0-9]','','g'),10), 'active', 'import' from staging on conflict do nothing;";

const COUNT: &str = "select count(*) from contacts c join list_contacts l using(phone)
 where l.list='+14155550100' and l.status='active' and c.status='active' and c.labels @> '{\"state\":\"CA\",\"tier\":\"gold\"}'";

/// What CLAIM does: look, and if nothing stands against it, record the send; once for each message.
const CLAIM: &str = "
\\set id random(1, :rows)
\\set message random(1, 1000000000)
begin;
select l.status from list_contacts l join contacts c using(phone) where l.list='+14155550100' and l.phone=(select phone from numbered where id=:id) and l.status='active' and c.status='active' for update;
insert into messages(list, phone, id, state) select '+14155550100', phone, 'm-' || :message, 'claimed' from numbered where id=:id on conflict do nothing;
update contacts set total_sends=total_sends+1, last_sent=now() where phone=(select phone from numbered where id=:id);
commit;
";

/// What OPTOUT does.
const OPT_OUT: &str = "
\\set id random(1, :rows)
insert into opted_out(list, phone, at) values ('+14155550100', '+4' || lpad((:id)::text, 12, '0'), now())
  on conflict (list, phone) do update set at = excluded.at;
";

const SENDS: &str = "
insert into messages(list, phone, id, state) select '+14155550100', phone, 'campaign-' || nth || '-' || id, 'sent'
  from numbered, generate_series(1, EACH) nth on conflict do nothing;
update contacts set total_sends=total_sends+EACH, last_sent=now();";

pub struct Postgres {
    bin: PathBuf,
    dir: tempfile::TempDir,
    port: u16,
    /// Where the standby listens, if there is one.
    standby_port: Option<u16>,
}

impl Postgres {
    /// None if it is not installed. Root runs it as the system's user postgres, since it refuses root.
    pub fn start(_: &Path) -> Option<Postgres> {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
        let bin =
            versions.flatten().map(|version| version.path().join("bin")).find(|bin| bin.join("initdb").is_file())?;
        let dir = tempfile::Builder::new().prefix("contactd-bench-").tempdir_in("/tmp").ok()?;
        let postgres = Postgres { bin, dir, port: free_port(), standby_port: None };
        if is_root() {
            Command::new("chown").arg("postgres").arg(postgres.dir.path()).status().ok()?;
        }
        let data = postgres.data("data");
        postgres.run(&format!("initdb -A trust -U postgres -D {data} > /dev/null"));
        postgres.up("data", postgres.port);
        Some(postgres)
    }

    /// A primary, and a standby that has each commit before it is acknowledged.
    pub fn start_with_standby(dir: &Path) -> Option<Postgres> {
        let mut postgres = Postgres::start(dir)?;
        let (primary, standby) = (postgres.port, free_port());
        let data = postgres.data("standby");
        postgres.run(&format!("pg_basebackup -h 127.0.0.1 -p {primary} -U postgres -D {data} -R -c fast > /dev/null"));
        postgres.up("standby", standby);
        postgres.standby_port = Some(standby);
        postgres.sql("alter system set synchronous_standby_names = '*'");
        postgres.sql("select pg_reload_conf()");
        while postgres.sql("select count(*) from pg_stat_replication where sync_state = 'sync'").trim() != "1" {
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(postgres)
    }

    /// A new database of this name, as daemons are told of it.
    pub fn make_ledger(&self, name: &str) -> String {
        self.sql(&format!("create database {name}"));
        let standby = self.standby_port.expect("a standby");
        format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{standby}/{name}", self.port)
    }

    /// How long the processors have worked for its servers.
    pub fn worked(&self) -> Duration {
        ["data", "standby"].into_iter().map(|server| worked_by_server(Path::new(&self.data(server)))).sum()
    }

    fn data(&self, server: &str) -> String {
        self.dir.path().join(server).display().to_string()
    }

    fn up(&self, server: &str, port: u16) {
        let data = self.data(server);
        let options = format!("-p {port} -k {} -c listen_addresses=127.0.0.1", self.dir.path().display());
        self.run(&format!("pg_ctl -D {data} -o '{options}' -l {data}/log -w start > /dev/null"));
    }

    /// Into new tables; those of an earlier import go.
    pub fn import(&mut self, sheet: &Path) -> Duration {
        self.sql("drop schema public cascade; create schema public");
        self.sql(SCHEMA);
        let copy = format!("\\copy staging from '{}' csv header", sheet.display());
        let script = self.dir.path().join("import.sql");
        std::fs::write(&script, format!("begin;\n{copy}\n{INSERT}\ncommit;\n")).expect("a script");
        let psql = self.psql(&["-f".into(), script.display().to_string()]);
        let took = timed(|| run(psql)).1;
        self.sql("analyze");
        took
    }

    pub fn count(&mut self) -> Duration {
        // The time that the server itself tells, without psql's start.
        let told = self.sql(&format!("explain (analyze, timing off) {COUNT}"));
        let line = told.lines().find(|line| line.contains("Execution Time")).expect("a time");
        let millis: f64 = line.split_whitespace().nth(2).and_then(|ms| ms.parse().ok()).expect("milliseconds");
        Duration::from_secs_f64(millis / 1e3)
    }

    /// Claims of distinct messages a second, 50 connections, `synchronous_commit=on`.
    pub fn claims(&mut self, rows: usize) -> f64 {
        let script = self.dir.path().join("claim.sql");
        if !script.exists() {
            self.sql("alter table contacts add total_sends bigint not null default 0, add last_sent timestamptz");
            self.sql("create table messages(list text, phone text, id text, state text not null, at timestamptz default now(), primary key(list, phone, id))");
            self.sql("create table numbered as select row_number() over () as id, phone from contacts; create unique index on numbered(id); analyze numbered");
            std::fs::write(&script, CLAIM).expect("a script");
        }
        self.pgbench(rows, &script)
    }

    /// Opt-outs a second, in the same way.
    pub fn opt_outs(&mut self, rows: usize) -> f64 {
        let script = self.dir.path().join("opt_out.sql");
        if !script.exists() {
            self.sql(
                "create table opted_out(list text, phone text, at timestamptz not null, primary key(list, phone))",
            );
            std::fs::write(&script, OPT_OUT).expect("a script");
        }
        self.pgbench(rows, &script)
    }

    fn pgbench(&self, rows: usize, script: &Path) -> f64 {
        let mut pgbench = Command::new(self.bin.join("pgbench"));
        pgbench.args(["-n", "-c", "50", "-j", "2", "-T", "10", "-D", &format!("rows={rows}"), "-f"]).arg(script);
        pgbench.args(["-U", "postgres", "-p", &self.port.to_string(), "-h"]);
        pgbench.arg(self.dir.path()).arg("postgres");
        let told = run(pgbench);
        let line = told.lines().find(|line| line.starts_with("tps = ")).expect("a rate");
        line.split_whitespace().nth(2).and_then(|rate| rate.parse().ok()).expect("a rate")
    }

    /// Sends to every contact.
    pub fn sends(&mut self, _: usize, each: usize) {
        self.sql(&SENDS.replace("EACH", &each.to_string()));
        self.sql("vacuum");
    }

    pub fn bytes(&mut self) -> u64 {
        self.sql("drop table if exists staging");
        self.sql("select pg_database_size('postgres')").trim().parse().expect("bytes")
    }

    fn sql(&self, sql: &str) -> String {
        run(self.psql(&["-c".into(), sql.into()]))
    }

    fn psql(&self, arguments: &[String]) -> Command {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-qAt", "-v", "ON_ERROR_STOP=1", "-U", "postgres"]);
        psql.args(["-p", &self.port.to_string(), "-h"]).arg(self.dir.path()).arg("-d").arg("postgres").args(arguments);
        psql
    }

    fn run(&self, command: &str) {
        let command = format!("{}/{command}", self.bin.display());
        let mut shell = if is_root() { Command::new("su") } else { Command::new("sh") };
        if is_root() {
            shell.args(["postgres", "-s", "/bin/sh"]);
        }
        run({
            shell.arg("-c").arg(command);
            shell
        });
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        for server in self.standby_port.map(|_| "standby").into_iter().chain(["data"]) {
            self.run(&format!("pg_ctl -D {} -m immediate stop > /dev/null", self.data(server)));
        }
    }
}

/// The same for one of them: the process that its directory names, and its children. None of the directory's, none of the time.
fn worked_by_server(data: &Path) -> Duration {
    let pid = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let Some(pid) = pid.lines().next() else { return Duration::ZERO };
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().chain([pid]).filter_map(|pid| pid.parse().ok()).map(worked).sum()
}

fn is_root() -> bool {
    rustix::process::getuid().is_root()
}

fn run(mut command: Command) -> String {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
