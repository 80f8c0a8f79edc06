//! Which files are read, which value counts, and what is said of a description that cannot be used.

use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;
use crate::openstack::config::{Credential, Domain, Login, Named};

/// A home with files, and variables that lead there.
struct Home {
    folder: TempDir,
    environment: Environment,
}

impl Home {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let environment = Environment {
            variables: BTreeMap::new(),
            folder: folder.path().join("site"),
            machine: folder.path().join("etc"),
        };
        Self {
            folder,
            environment,
        }
        .with("HOME", "")
    }

    /// Sets a variable to a path in the home.
    fn with(mut self, variable: &str, path: &str) -> Self {
        let path = self.folder.path().join(path).to_str().unwrap().to_owned();
        self.environment.variables.insert(variable.to_owned(), path);
        self
    }

    /// Sets a variable.
    fn set(mut self, variable: &str, value: &str) -> Self {
        self.environment
            .variables
            .insert(variable.to_owned(), value.to_owned());
        self
    }

    fn cloud(&self, name: Option<&str>) -> Result<Cloud, ConfigError> {
        Clouds::read(&self.environment)?.cloud(name)
    }

    /// What is said of the only cloud, without the folder, which is another each time.
    fn refusal(&self) -> String {
        let error = self.cloud(None).unwrap_err().to_string();
        error.replace(self.folder.path().to_str().unwrap(), "~")
    }
}

/// A clouds.yaml with one cloud, `region` being what tells it from others.
fn one(region: &str) -> String {
    format!("clouds:\n  only:\n    region_name: {region}\n    auth: {AUTH}\n")
}

const AUTH: &str =
    "{auth_url: 'https://keystone.example/v3', username: me, password: pass, project_name: ours}";

#[test]
fn the_first_of_the_usual_places_counts_and_a_named_file_before_all() {
    let places = [
        "named",
        "site/clouds.yaml",
        "xdg/openstack/clouds.yml",
        ".config/openstack/clouds.yaml",
        "etc/clouds.yaml",
    ];
    for first in 0..places.len() {
        let texts: Vec<_> = places
            .iter()
            .map(|place| (*place, one(&format!("r{}", place.len()))))
            .collect();
        let files: Vec<_> = texts[first..]
            .iter()
            .map(|(place, text)| (*place, text.as_str()))
            .collect();
        let mut home = Home::new(&files).with("XDG_CONFIG_HOME", "xdg");
        if first == 0 {
            home = home.with("OS_CLIENT_CONFIG_FILE", "named");
        }
        let cloud = home.cloud(Some("only")).unwrap();
        assert_eq!(
            cloud.region,
            Some(format!("r{}", places[first].len())),
            "{}",
            places[first]
        );
        assert_eq!(
            cloud.described_in,
            format!("`{}`", home.folder.path().join(places[first]).display())
        );
    }
}

#[test]
fn a_named_file_that_is_not_there_is_an_error_and_no_other_is_taken() {
    let home = Home::new(&[("site/clouds.yaml", &one("here"))])
        .with("OS_CLIENT_CONFIG_FILE", "absent.yaml");
    assert_eq!(
        home.refusal(),
        "`~/absent.yaml`, which OS_CLIENT_CONFIG_FILE names, cannot be read"
    );
}

#[test]
fn json_is_read_too() {
    let text = r#"{"clouds": {"only": {"auth": {"auth_url": "https://k.example", "user_id": "u", "password": "p", "project_id": "12e3"}}}}"#;
    let cloud = Home::new(&[("site/clouds.json", text)])
        .cloud(None)
        .unwrap();
    assert_eq!(cloud.project, Some(Named::Id("12e3".to_owned())));
}

#[test]
fn secure_yaml_adds_what_clouds_yaml_leaves_out_and_counts_where_both_say_it() {
    let clouds = "clouds:\n  only:\n    auth: {auth_url: 'https://k.example', username: me, password: old, project_name: p}\n";
    let secure = "clouds:\n  only:\n    auth:\n      password: 0123\n";
    for home in [
        Home::new(&[
            ("site/clouds.yaml", clouds),
            (".config/openstack/secure.yaml", secure),
        ]),
        Home::new(&[("site/clouds.yaml", clouds), ("named", secure)])
            .with("OS_CLIENT_SECURE_FILE", "named"),
    ] {
        let cloud = home.cloud(None).unwrap();
        let Login::Password { user, password } = &cloud.login else {
            panic!("a password")
        };
        assert_eq!(user.shown(), "me");
        assert_eq!(password.expose_secret(), "0123", "as it is written");
        assert!(cloud.described_in.contains("secure.yaml") || cloud.described_in.contains("named"));
    }
}

#[test]
fn no_secret_is_in_anything_that_is_printed() {
    let home = Home::new(&[("site/clouds.yaml", &one("here").replace("pass}", "hush}"))])
        .set("OS_PASSWORD", "hush");
    let clouds = Clouds::read(&home.environment).unwrap();
    let printed = format!(
        "{clouds:?} {:?} {:?}",
        clouds.cloud(None).unwrap(),
        home.environment
    );
    assert!(!printed.contains("hush"), "{printed}");
}

#[test]
fn os_cloud_chooses_unless_a_name_is_given() {
    let text = format!(
        "clouds:\n  a: {{region_name: a, auth: {AUTH}}}\n  b: {{region_name: b, auth: {AUTH}}}\n"
    );
    let home = Home::new(&[("site/clouds.yaml", &text)]).set("OS_CLOUD", "b");
    assert_eq!(home.cloud(None).unwrap().name, "b");
    assert_eq!(home.cloud(Some("a")).unwrap().name, "a");
    let home = Home::new(&[("site/clouds.yaml", &text)]);
    assert_eq!(
        home.refusal(),
        "no cloud is chosen: there are `a`, `b`; name one with `--cloud`, `clouds` in reglaze.yml or OS_CLOUD, or set \
         OS_AUTH_URL; looked at `~/site/clouds.yaml`"
    );
}

#[test]
fn variables_alone_make_a_cloud() {
    let home = Home::new(&[])
        .set("OS_AUTH_URL", "https://k.example:5000")
        .set("OS_USERNAME", "me")
        .set("OS_PASSWORD", "pass")
        .set("OS_PROJECT_NAME", "ours")
        .set("OS_USER_DOMAIN_NAME", "Users")
        .set("OS_PROJECT_DOMAIN_ID", "projects")
        .set("OS_REGION_NAME", "here")
        .set("OS_INTERFACE", "internalURL")
        .set("OS_INSECURE", "true");
    for name in [None, Some("envvars")] {
        let cloud = home.cloud(name).unwrap();
        assert_eq!(
            (cloud.name.as_str(), cloud.described_in.as_str()),
            ("envvars", "the OS_* variables")
        );
        assert_eq!(cloud.interfaces, ["internal"]);
        assert!(!cloud.tls.verify);
        let domain = Domain::Id("projects".to_owned());
        assert_eq!(
            cloud.project,
            Some(Named::Name {
                name: "ours".to_owned(),
                domain
            })
        );
        let Login::Password {
            user: Named::Name { domain, .. },
            ..
        } = cloud.login
        else {
            panic!("a user")
        };
        assert_eq!(domain, Domain::Name("Users".to_owned()));
    }
}

#[test]
fn an_application_credential_or_a_token_is_seen_without_auth_type() {
    let by = |keys: &str| {
        let text =
            format!("clouds:\n  only:\n    auth: {{auth_url: 'https://k.example', {keys}}}\n");
        Home::new(&[("site/clouds.yaml", &text)])
            .cloud(None)
            .unwrap()
    };
    let cloud = by(
        "application_credential_id: '12', application_credential_secret: s, project_name: ignored",
    );
    assert_eq!(cloud.project, None, "the credential says it");
    let Login::ApplicationCredential {
        credential: Credential::Id(id),
        ..
    } = cloud.login
    else {
        panic!("an ID")
    };
    assert_eq!(id, "12");
    let cloud =
        by("application_credential_name: n, username: me, application_credential_secret: s");
    let Login::ApplicationCredential {
        credential: Credential::Named { name, user },
        ..
    } = cloud.login
    else {
        panic!("a name");
    };
    assert_eq!((name.as_str(), user.shown()), ("n", "me"));
    assert!(matches!(by("token: t").login, Login::Token(_)));
}

#[test]
fn every_setting_of_a_cloud_is_read() {
    let text = "clouds:
  only:
    &anchor
    auth_type: v3password
    auth:
      auth_url: https://k.example/identity/v3
      username: me
      password: pass
      tenant_name: ours
      default_domain_id: dom
    regions:
      - first
      - {name: second, values: {interface: [internal, public], image_endpoint_override: 'https://g.example/v2'}}
    region_name: second
    cacert: ~/ca.pem
    cert: client.pem
    verify: false
    api_timeout: 2.5
    networks: [{name: other tools know}]
    compute_api_version: 2.79
";
    let home = Home::new(&[("site/clouds.yaml", text)]);
    let cloud = home.cloud(None).unwrap();
    assert_eq!(cloud.region.as_deref(), Some("second"));
    assert_eq!(cloud.interfaces, ["internal", "public"]);
    assert_eq!(
        cloud.image_endpoint.as_ref().map(url::Url::as_str),
        Some("https://g.example/v2")
    );
    assert_eq!(cloud.timeout, Some(Duration::from_millis(2500)));
    let domain = Domain::Id("dom".to_owned());
    assert_eq!(
        cloud.project,
        Some(Named::Name {
            name: "ours".to_owned(),
            domain
        })
    );
    let (work, folder) = (home.folder.path().join("site"), home.folder.path());
    assert_eq!(
        cloud.tls.authorities.as_deref(),
        Some(Path::new(&folder.join("ca.pem")))
    );
    assert_eq!(
        cloud.tls.client,
        Some((work.join("client.pem"), work.join("client.pem")))
    );
    assert!(!cloud.tls.verify);

    let without_region = text.replace("    region_name: second\n", "");
    let cloud = Home::new(&[("site/clouds.yaml", &without_region)])
        .cloud(None)
        .unwrap();
    assert_eq!(cloud.region.as_deref(), Some("first"));
}

#[test]
fn a_profile_is_taken_from_clouds_public_yaml() {
    let clouds = "clouds:\n  only:\n    profile: provider\n    auth: {username: me, password: p, project_id: x}\n";
    let public = "public-clouds:\n  provider:\n    region_name: theirs\n    auth: {auth_url: 'https://k.example'}\n";
    let home = Home::new(&[
        ("site/clouds.yaml", clouds),
        ("site/clouds-public.yaml", public),
    ]);
    let cloud = home.cloud(None).unwrap();
    assert_eq!(
        (cloud.region.as_deref(), cloud.auth_url.as_str()),
        (Some("theirs"), "https://k.example/")
    );
    let home = Home::new(&[("site/clouds.yaml", clouds)]);
    assert_eq!(
        home.refusal(),
        "cloud `only` in `~/site/clouds.yaml`: `profile` is `provider`, which no clouds-public.yaml describes; \
         write its `auth_url` here"
    );
}

#[test]
fn what_cannot_be_used_is_told_with_its_key_and_never_its_secret() {
    let with = |more: &str| {
        let text = format!(
            "clouds:\n  only:\n    auth: {}\n    {more}\n",
            AUTH.replace("pass}", "hush}")
        );
        Home::new(&[("site/clouds.yaml", &text)]).refusal()
    };
    let about = "cloud `only` in `~/site/clouds.yaml`";
    for (more, expected) in [
        (
            "auth_type: v3totp",
            format!(
                "{about}: `auth_type` is `v3totp`, but only `password`, `v3applicationcredential` and `token` are supported"
            ),
        ),
        (
            "system_scope: all",
            format!(
                "{about}: `system_scope` is not supported: Glance answers 403 to it; use credentials of a project"
            ),
        ),
        (
            "identity_api_version: 2.0",
            format!("{about}: `identity_api_version` is `2.0`, but only 3 is supported"),
        ),
        (
            "interface: outer",
            format!(
                "{about}: `interface` is `outer`, but can only be `public`, `internal` or `admin`"
            ),
        ),
        (
            "verify: maybe",
            format!("{about}: `verify` is `maybe`, but can only be true or false"),
        ),
        (
            "api_timeout: 0",
            format!("{about}: `api_timeout` is `0`, but must be seconds above 0"),
        ),
        (
            "image_endpoint_override: ftp://x",
            format!("{about}: `image_endpoint_override` is no http or https URL"),
        ),
        (
            "auth_type: token",
            format!("{about} has no `token`, here or in secure.yaml"),
        ),
        (
            "auth_type: v3applicationcredential",
            format!("{about} has no `application_credential_id` or `application_credential_name`"),
        ),
    ] {
        assert_eq!(with(more), expected);
    }
    for (key, missing) in [
        ("auth_url: 'https://keystone.example/v3', ", "`auth_url`"),
        ("username: me, ", "`username` or `user_id`"),
        ("password: pass, ", "`password`, here or in secure.yaml"),
        (
            ", project_name: ours",
            "project (`project_name` or `project_id`); images belong to a project",
        ),
    ] {
        let auth = AUTH.replace(key, "");
        assert_ne!(auth, AUTH);
        let text = format!("clouds: {{only: {{auth: {auth}}}}}\n");
        assert_eq!(
            Home::new(&[("site/clouds.yaml", &text)]).refusal(),
            format!("{about} has no {missing}")
        );
    }
}

#[test]
fn a_file_that_is_no_yaml_is_told_with_its_place_and_without_its_text() {
    for (text, place) in [
        ("clouds:\n  a:\n    auth: {password: hush\n", ""),
        (
            "clouds:\n  a:\n    auth:\n      password: [hush]\n",
            "line 4",
        ),
        ("clouds:\n  - hush\n", "line 2"),
    ] {
        let said = Home::new(&[("site/clouds.yaml", text)]).refusal();
        assert!(
            said.starts_with(
                "`~/site/clouds.yaml` is not readable as `clouds:` with one mapping per cloud"
            ),
            "{said}"
        );
        assert!(said.contains(place), "{said}");
        assert!(!said.contains("hush"), "{said}");
    }
}

#[test]
fn empty_files_and_none_at_all_say_where_was_looked() {
    let home = Home::new(&[
        ("site/clouds.yaml", "\n"),
        ("site/secure.yaml", "clouds:\n"),
    ]);
    let expected = "no cloud `prod` is described: none is; looked at `~/site/clouds.yaml`, `~/site/secure.yaml`";
    let error = home.cloud(Some("prod")).unwrap_err().to_string();
    assert_eq!(
        error.replace(home.folder.path().to_str().unwrap(), "~"),
        expected
    );
    let error = Home::new(&[]).cloud(Some("prod")).unwrap_err().to_string();
    assert!(
        error.contains(
            "looked at ./clouds.yaml, ~/.config/openstack and /etc/openstack, where none is"
        ),
        "{error}"
    );
}
