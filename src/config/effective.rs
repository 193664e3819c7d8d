//! The settings as they count, for people and programs that ask a running daemon.

use std::path::Path;

use super::{Access, AuthClients, Config, LogFormat, WebhookListener};
use crate::command::Setting;
use crate::ledger::{COPIES, LEASE};
use crate::model::time::{DAY_MS, Millis};
use crate::store::Fsync;

/// Every setting that a file may have, in the order of the flags.
pub fn settings(config: &Config, access: &Access, keywords: Option<&Path>) -> Vec<Setting> {
    let setup = &config.setup;
    let (keep, purge, ledger) = (&setup.keep, &setup.purge, setup.ledger.as_ref());
    let path = |path: Option<&Path>| path.map(|path| path.display().to_string()).unwrap_or_default();
    let listen: Vec<String> = access.listen.iter().map(ToString::to_string).collect();
    let all = [
        ("data-dir", path(Some(&setup.data_dir))),
        ("trail", path(setup.trail.as_deref())),
        ("backup-dir", path(Some(&setup.backups()))),
        ("partitions", setup.partitions.to_string()),
        ("ledger", ledger.map(|ledger| ledger.url.to_string()).unwrap_or_default()),
        ("advertise", ledger.map(|ledger| ledger.advertise.to_string()).unwrap_or_default()),
        ("lease", span(ledger.map_or(LEASE, |ledger| ledger.lease).as_millis().cast_signed() as Millis)),
        ("ledger-copies", ledger.map_or(COPIES, |ledger| ledger.copies).to_string()),
        (
            "check",
            if ledger.is_some_and(|ledger| ledger.is_check_confirmed) { "confirmed" } else { "leased" }.to_owned(),
        ),
        ("ledger-ca-cert-file", path(ledger.and_then(|ledger| ledger.trust.ca_file.as_deref()))),
        ("tombstone-key", path(setup.tombstone_key.as_deref())),
        ("listen", listen.join(",")),
        ("metrics", config.metrics.clone().unwrap_or_default()),
        ("metrics-lists", setup.metrics_lists.to_string()),
        ("fsync", if setup.fsync == Fsync::Always { "always" } else { "interval" }.to_owned()),
        ("stop-scope", setup.stop_scope.word().to_owned()),
        ("maybe-optout", setup.maybe_optout.word().to_owned()),
        ("default-region", setup.default_region.map(|region| region.to_string()).unwrap_or_default()),
        ("keywords", path(keywords)),
        ("tokens", path(access.tokens.as_deref())),
        ("http", config.console.as_ref().map_or_else(|| "off".to_owned(), |console| console.address.to_string())),
        ("http-host", config.console.as_ref().map(|console| console.hosts.join(",")).unwrap_or_default()),
        ("webhooks", config.webhooks.as_ref().map(|webhooks| webhooks.address.to_string()).unwrap_or_default()),
        ("public-url", config.webhooks.as_ref().map(|webhooks| webhooks.setup.public_url.clone()).unwrap_or_default()),
        ("webhook-secrets", path(config.webhooks.as_ref().and_then(WebhookListener::secrets))),
        ("tls-cert-file", path(access.tls_cert_file.as_deref())),
        ("tls-key-file", path(access.tls_key_file.as_deref())),
        ("tls-ca-cert-file", path(access.tls_ca_cert_file.as_deref())),
        (
            "tls-auth-clients",
            match access.tls_auth_clients {
                AuthClients::Off => "off",
                AuthClients::Optional => "optional",
                AuthClients::Required => "required",
            }
            .to_owned(),
        ),
        ("keep-events", span(keep.events)),
        ("keep-messages", span(keep.messages)),
        ("keep-feed", span(keep.feed)),
        ("keep-consent", span(keep.consent)),
        ("purge-invalid-after", or_never(purge.policy.invalid_after)),
        ("purge-idle-after", or_never(purge.policy.idle_after)),
        ("purge-sends", purge.policy.sends.to_string()),
        ("purge-idle-max", or_never(purge.policy.idle_max)),
        ("purge-archive", path(purge.archive.as_deref())),
        ("purge-every", or_never(Some(purge.every_ms).filter(|every| *every > 0))),
        ("opt-out-rate-warn", setup.opt_out_warning.rate.to_string()),
        ("opt-out-rate-min-sends", setup.opt_out_warning.sends_min.to_string()),
        ("log-format", if config.log_format == LogFormat::Human { "human" } else { "json" }.to_owned()),
    ];
    all.map(|(name, value)| Setting { name, value }).into()
}

/// A length of time as a setting takes it: `30d`, `36h`, `90s`.
fn span(millis: Millis) -> String {
    const UNITS: [(Millis, &str); 3] = [(DAY_MS, "d"), (3_600_000, "h"), (60_000, "m")];
    let unit = UNITS.into_iter().find(|(unit, _)| millis > 0 && millis % unit == 0);
    let (unit, letter) = unit.unwrap_or((1_000, "s"));
    format!("{}{letter}", millis / unit)
}

fn or_never(millis: Option<Millis>) -> String {
    millis.map_or_else(|| "never".to_owned(), span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Settings, Span};

    #[test]
    fn every_key_of_the_file_is_told_in_the_order_of_the_flags() {
        let told = Settings::default().resolve().map_err(|why| why.message).expect("the defaults").setup.settings;
        let flags: Vec<String> =
            Settings::in_file().iter().filter_map(|flag| flag.get_long().map(str::to_owned)).collect();
        assert_eq!(told.iter().map(|setting| setting.name).collect::<Vec<_>>(), flags);
        // Each flag tells its default.
        let text = |help: &clap::Arg| help.get_help().map(ToString::to_string).unwrap_or_default();
        for flag in Settings::in_file() {
            let help = text(&flag);
            let Some((_, default)) = help.rsplit_once("[default: ") else { continue };
            let default = default.trim_end_matches(['.', ']']).trim_matches('`');
            let setting = told.iter().find(|setting| Some(setting.name) == flag.get_long()).expect("it is told");
            let same = |text: &str| text.parse::<Span>().ok();
            let is_default = setting.value == default
                || default == "nowhere" && setting.value.is_empty()
                || same(&setting.value).is_some_and(|span| same(default) == Some(span));
            assert!(is_default, "{} is {}, and its help says {default}", setting.name, setting.value);
        }
    }

    #[test]
    fn lengths_of_time_are_written_as_they_are_read() {
        for (millis, text) in [(0, "0s"), (DAY_MS, "1d"), (36 * 3_600_000, "36h"), (90_000, "90s"), (120_000, "2m")] {
            assert_eq!(span(millis), text);
            assert_eq!(text.parse(), Ok(Span(millis)));
        }
        assert_eq!(or_never(None), "never");
    }
}
