use super::*;
use crate::domain::definition;
use crate::domain::import::Store;
use crate::domain::transfer::StoredAs;

fn define(url: &str, checksum: &str) -> Definition {
    let text = format!(
        "images:\n- name: Ubuntu\n  format: qcow2\n  login: ubuntu\n  versions:\n  - version: '1'\n    url: {url}\n    \
         checksum: {checksum}\n"
    );
    definition::parse("images/a.yml", &text).unwrap().remove(0)
}

fn sha(bits: usize) -> String {
    format!("sha{bits}:{}", "a".repeat(bits / 4))
}

fn fetched(allow_unverified: bool) -> Transfer {
    Transfer {
        method: Method::WebDownload,
        allow_unverified,
        ..Transfer::default()
    }
}

fn of(definition: &Definition, transfer: &Transfer, verify: Verify) -> Result<Proof, &'static str> {
    let stored = transfer.stored(&definition.format, definition.transfer);
    way(
        definition,
        &definition.versions[0],
        stored,
        transfer,
        verify,
    )
    .map(|way| way.proof)
    .map_err(|finding| finding.rule)
}

fn offered(methods: &[&str], stores: &[&str]) -> Offered {
    Offered {
        methods: methods.iter().map(|method| (*method).to_owned()).collect(),
        stores: stores
            .iter()
            .map(|id| Store {
                id: (*id).to_owned(),
                is_default: false,
                is_read_only: *id == "old",
            })
            .collect(),
    }
}

#[test]
fn what_glance_fetches_is_compared_or_read_back_and_published_unproven_only_where_that_is_allowed()
{
    let sha512 = define("https://a.example/a.img", &sha(512));
    let sha256 = define("https://a.example/a.img", &sha(256));
    let (strict, allowing) = (fetched(false), fetched(true));
    for verify in [
        Verify::SignatureRequired,
        Verify::Signature,
        Verify::Checksum,
    ] {
        assert_eq!(of(&sha512, &strict, verify), Ok(Proof::Afterwards));
        assert_eq!(
            of(&sha256, &Transfer::default(), verify),
            Ok(Proof::OnTheWay)
        );
    }
    assert_eq!(of(&sha256, &strict, Verify::Signature), Ok(Proof::ReadBack));
    assert_eq!(
        of(&sha256, &allowing, Verify::Signature),
        Ok(Proof::ReadBack)
    );
    assert_eq!(of(&sha256, &strict, Verify::Checksum), Err("unverified"));
    assert_eq!(of(&sha256, &allowing, Verify::Checksum), Ok(Proof::Never));
}

#[test]
fn what_is_packed_or_converted_or_lies_on_this_machine_does_not_come_by_download() {
    let refused = Err("not-by-web-download");
    for url in [
        "https://a.example/a.img.xz",
        "https://a.example/a.tar?b=c",
        "file:///srv/a.img",
    ] {
        let definition = define(url, &sha(512));
        assert_eq!(
            of(&definition, &fetched(true), Verify::Signature),
            refused,
            "{url}"
        );
        assert!(of(&definition, &Transfer::default(), Verify::Signature).is_ok());
    }
    let raw = Transfer {
        disk_format: StoredAs::Raw,
        ..fetched(true)
    };
    let definition = define("https://a.example/a.img", &sha(512));
    assert_eq!(of(&definition, &raw, Verify::Signature), refused);
}

#[test]
fn a_way_or_store_that_the_cloud_has_not_is_told_with_those_that_it_has() {
    let transfer = |method, stores: &[&str]| Transfer {
        method,
        stores: stores.iter().map(|store| (*store).to_owned()).collect(),
        ..Transfer::default()
    };
    let told = |transfer: &Transfer, offered: &Offered| {
        refusal(transfer, offered).map(|finding| (finding.rule, finding.message))
    };
    let nothing = Offered::default();
    assert_eq!(told(&Transfer::default(), &nothing), None);
    let some = offered(&["web-download", "copy-image"], &["fast", "old"]);
    assert_eq!(told(&transfer(Method::WebDownload, &["fast"]), &some), None);
    let (rule, message) = told(&transfer(Method::GlanceDirect, &[]), &some).unwrap();
    assert_eq!(rule, "way-not-offered");
    assert!(
        message.contains("offers: `copy-image`, `web-download`"),
        "{message}"
    );
    let (_, message) = told(&transfer(Method::GlanceDirect, &[]), &nothing).unwrap();
    assert!(message.contains("offers: none"), "{message}");
    for store in ["old", "slow"] {
        let (rule, message) = told(&transfer(Method::Upload, &["fast", store]), &some).unwrap();
        assert_eq!(rule, "no-such-store");
        assert!(message.contains("it has: `fast`;"), "{message}");
    }
    let without_copies = offered(&["web-download"], &["fast", "slow"]);
    let (rule, message) = told(
        &transfer(Method::Upload, &["fast", "slow"]),
        &without_copies,
    )
    .unwrap();
    assert_eq!(rule, "way-not-offered");
    assert!(message.contains("`copy-image`") && message.contains("transfer.stores"));
}
