//! Servers that are reached by TLS.

use crate::crowd::{Client, LIST};
use crate::house::LEASE;
use crate::life::contactd;
use crate::node::Node;
use crate::postgres::Postgres;

#[test]
fn servers_are_reached_by_tls_if_their_certificate_is_trusted() {
    let Some(mut postgres) = Postgres::start() else { return };
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    postgres.certify(&own.cert.pem(), &own.signing_key.serialize_pem());
    postgres.make_schema("encrypted");
    let root = tempfile::tempdir().expect("a directory");
    let trusted = root.path().join("trusted.pem");
    std::fs::write(&trusted, own.cert.pem()).expect("written");
    let trusted = trusted.to_str().expect("UTF-8");
    let url = format!("{}&sslmode=require", Postgres::url(postgres.ports(), "encrypted"));

    let (code, said) = contactd(&["ledger", "init", &url]);
    assert!(code != 0 && said.contains("certificate"), "the system's authorities do not know it: {said}");
    let (code, said) = contactd(&["ledger", "init", &url, "--ca-cert-file", trusted]);
    assert_eq!(code, 0, "{said}");

    let mut node = Node::new(root.path(), "a", &url, LEASE).with(&["--ledger-ca-cert-file", trusted]);
    node.start();
    let mut client = Client::of(&[node.port]);
    client.insist(&format!("LIST {LIST}"));
    client.insist(&format!("OPTIN {LIST} +14155550101"));
    let by_tls = "SELECT bool_and(ssl), count(*) > 1 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                  WHERE application_name = 'contactd'";
    assert_eq!(postgres.on_primary(by_tls), "t|t");

    // So is the server that takes the primary's place.
    postgres.fail_over();
    postgres.heal();
    client.insist(&format!("OPTOUT {LIST} +14155550101"));
    assert_eq!(postgres.on_primary(by_tls), "t|t");
    assert_eq!(client.insist(&format!("CHECK {LIST} +14155550101")), "+no list_opted_out");
}
