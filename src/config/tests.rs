use super::*;

/// What the file is documented to take is what it takes, but for former names.
#[test]
fn the_documented_keys_are_the_keys() {
    let unknown = toml::from_str::<Settings>("no-such-key = 1").expect_err("no such key").to_string();
    let taken: std::collections::BTreeSet<_> = unknown.split('`').skip(3).step_by(2).collect();
    let flags = Settings::in_file();
    let documented: std::collections::BTreeSet<_> = flags.iter().filter_map(Arg::get_long).collect();
    assert_eq!(taken.difference(&["compact-every"].into()).copied().collect::<Vec<_>>(), Vec::from_iter(documented));
}

fn with_file(text: &str) -> Result<Config> {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("contactd.toml");
    fs::write(&path, text).expect("a file");
    Settings { config: Some(path), fsync: Some(FsyncSetting::Interval), ..Settings::default() }.resolve()
}

#[test]
fn flags_win_over_the_file_and_the_file_over_defaults() {
    let config =
        with_file("data-dir = '/var/lib/c'\nfsync = 'always'\nstop-scope = 'all'\nlisten = ['[::1]:1', 'unix:/a']");
    let config = config.map_err(|why| why.message).expect("valid");
    assert_eq!(config.setup.data_dir, Path::new("/var/lib/c"));
    assert_eq!((config.setup.fsync, config.setup.stop_scope), (Fsync::Interval, StopScope::All));
    assert_eq!(config.listen.len(), 2);
    let config = with_file("keep-messages = '36h'\nopt-out-rate-warn = 0.05").map_err(|why| why.message);
    let config = config.expect("valid");
    assert_eq!((config.setup.keep.messages, config.setup.keep.feed), (129_600_000, 2_592_000_000));
}

#[test]
fn how_often_to_purge_has_a_former_name() {
    const HOUR_MS: Millis = 3_600_000;
    let every = |now: Option<Millis>, formerly: Option<&str>, file: &str| {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("contactd.toml");
        fs::write(&path, file).expect("a file");
        let purge_every = now.map(|every| SpanOrNever(Some(every)));
        let compact_every = formerly.map(str::to_owned);
        let settings = Settings { config: Some(path), purge_every, compact_every, ..Settings::default() };
        settings.resolve().map(|config| config.setup.purge.every_ms).map_err(|why| why.message)
    };
    assert_eq!(every(None, None, ""), Ok(24 * HOUR_MS));
    assert_eq!(every(None, None, "purge-every = '2h'"), Ok(2 * HOUR_MS));
    assert_eq!(every(None, None, "compact-every = '3h'"), Ok(3 * HOUR_MS));
    assert_eq!(every(None, Some("4h"), "purge-every = '2h'"), Ok(4 * HOUR_MS), "the environment wins");
    assert_eq!(every(Some(HOUR_MS), Some("4h"), ""), Ok(HOUR_MS), "the new name wins");
    assert_eq!(every(None, Some("never"), ""), Ok(0));
    let both = every(None, None, "purge-every = '2h'\ncompact-every = '3h'");
    assert!(both.as_ref().is_err_and(|why| why.contains("duplicate field `purge-every`")), "{both:?}");
}

#[test]
fn small_letters_and_byte_order_marks_do_no_harm() {
    let tokens = tempfile::NamedTempFile::new().expect("a file");
    fs::write(tokens.path(), "\u{feff}read 0123456789abcdef\n").expect("written");
    let text = format!("\u{feff}default-region = 'us'\ntokens = '{}'", tokens.path().display());
    let config = with_file(&text).map_err(|why| why.message).expect("valid");
    assert_eq!(config.setup.default_region, Region::parse("US"));
    assert!(!config.setup.tokens.get().is_empty());
}

#[test]
fn what_is_wrong_is_told() {
    for (text, told) in [
        ("datadir = 'x'", "unknown field `datadir`"),
        ("listen = ['0.0.0.0:7164']", "give --tokens FILE"),
        ("listen = ['tls:127.0.0.1:0']", "needs --tls-cert-file FILE and --tls-key-file FILE"),
        ("tls-cert-file = 'x'", "give --listen tls:HOST:PORT"),
        ("tls-auth-clients = 'yes'", "unknown variant `yes`"),
        ("listen = ['tls:127.0.0.1:0']\ntls-cert-file = 'x'\ntls-key-file = '/none'", "cannot read x"),
        ("default-region = 'USA'", "two letters"),
        ("tokens = '/does/not/exist'", "cannot read /does/not/exist"),
        ("keep-events = '400'", "like 30d or 12h"),
        ("keep-events = '1y'", "in days, like 365d"),
        ("purge-idle-after = 'sometimes'", "like 30d or 12h, or never"),
        ("opt-out-rate-warn = 2", "from 0 to 1"),
        ("webhooks = '127.0.0.1:0'", "--webhooks needs --public-url URL and --webhook-secrets FILE"),
        ("public-url = 'https://a.example'", "give --webhooks HOST:PORT"),
        ("webhooks = '0.0.0.0:0'\npublic-url = 'https://a.example'\nwebhook-secrets = 'x'", "--webhooks tls:HOST:PORT"),
        ("webhooks = 'unix:/a'\npublic-url = 'https://a.example'\nwebhook-secrets = 'x'", "host:port or tls:host:port"),
        ("webhooks = '127.0.0.1:0'\npublic-url = 'a.example'\nwebhook-secrets = 'x'", "like https://sms.example.com"),
        ("webhooks = '127.0.0.1:0'\npublic-url = 'https://a.example'\nwebhook-secrets = '/none'", "cannot read /none"),
        (
            "webhooks = 'tls:127.0.0.1:0'\npublic-url = 'https://a.example'\nwebhook-secrets = 'Cargo.toml'",
            "line 1 should",
        ),
    ] {
        let why = with_file(text).err().expect("refused").message;
        assert!(why.contains(told), "{why}");
    }
}
