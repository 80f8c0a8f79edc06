//! One cloud's text values → a [`Cloud`] that is valid by construction.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::config::{Cloud, ConfigError, Credential, Domain, Environment, Login, Named, Tls};
use super::entries::Entry;

/// One cloud's entry on its way to a [`Cloud`].
pub struct Description<'a> {
    /// The cloud's name.
    pub cloud: &'a str,
    /// Where it is described.
    pub file: &'a str,
    /// What is said of it.
    pub entry: &'a Entry,
}

impl Description<'_> {
    /// Reads the values; `environment` says where relative paths begin.
    pub fn cloud(&self, environment: &Environment) -> Result<Cloud, ConfigError> {
        let entry = self.entry;
        self.refuse_what_is_not_supported()?;
        let login = self.login()?;
        let project = match &login {
            Login::ApplicationCredential { .. } => None,
            Login::Token(_) => self.project(),
            Login::Password { .. } => Some(self.project().ok_or_else(|| {
                self.missing("project (`project_name` or `project_id`); images belong to a project")
            })?),
        };
        let auth_url = self
            .url("auth_url")?
            .ok_or_else(|| self.missing("`auth_url`"))?;
        Ok(Cloud {
            name: self.cloud.to_owned(),
            described_in: self.file.to_owned(),
            auth_url,
            login,
            project,
            region: entry
                .first(&["image_region_name", "region_name"])
                .map(str::to_owned),
            interfaces: self.interfaces()?,
            image_endpoint: self.url("image_endpoint_override")?,
            object_store_endpoint: self.url("object_store_endpoint_override")?,
            tls: self.tls(environment)?,
            timeout: self.timeout()?,
        })
    }

    fn refuse_what_is_not_supported(&self) -> Result<(), ConfigError> {
        let entry = self.entry;
        if entry.text("system_scope").is_some() {
            return Err(self.unusable(
                "system_scope",
                "not supported: Glance answers 403 to it; use credentials of a project",
            ));
        }
        if entry.text("trust_id").is_some() {
            return Err(self.unusable("trust_id", "not supported; use an application credential"));
        }
        match entry.text("identity_api_version") {
            Some(version) if !version.trim_start_matches('v').starts_with('3') => Err(self
                .unusable(
                    "identity_api_version",
                    &format!("`{version}`, but only 3 is supported"),
                )),
            _ => Ok(()),
        }
    }

    fn login(&self) -> Result<Login, ConfigError> {
        let entry = self.entry;
        let has_credential = entry
            .first(&["application_credential_id", "application_credential_name"])
            .is_some();
        let kind = match entry.text("auth_type") {
            Some(kind) => kind,
            None if has_credential => "v3applicationcredential",
            None if entry.text("token").is_some() && entry.text("password").is_none() => "token",
            None => "password",
        };
        match kind {
            "password" | "v3password" => Ok(Login::Password {
                user: self.user()?,
                password: self.secret("password")?,
            }),
            "token" | "v3token" => Ok(Login::Token(self.secret("token")?)),
            "v3applicationcredential" | "applicationcredential" => {
                let credential = match entry.text("application_credential_id") {
                    Some(id) => Credential::Id(id.to_owned()),
                    None => Credential::Named {
                        name: entry
                            .text("application_credential_name")
                            .ok_or_else(|| {
                                self.missing("`application_credential_id` or `application_credential_name`")
                            })?
                            .to_owned(),
                        user: self.user()?,
                    },
                };
                let secret = self.secret("application_credential_secret")?;
                Ok(Login::ApplicationCredential { credential, secret })
            }
            other => Err(self.unusable(
                "auth_type",
                &format!("`{other}`, but only `password`, `v3applicationcredential` and `token` are supported"),
            )),
        }
    }

    fn user(&self) -> Result<Named, ConfigError> {
        if let Some(id) = self.entry.text("user_id") {
            return Ok(Named::Id(id.to_owned()));
        }
        let name = self
            .entry
            .text("username")
            .ok_or_else(|| self.missing("`username` or `user_id`"))?;
        Ok(Named::Name {
            name: name.to_owned(),
            domain: self.domain("user"),
        })
    }

    fn project(&self) -> Option<Named> {
        if let Some(id) = self.entry.first(&["project_id", "tenant_id"]) {
            return Some(Named::Id(id.to_owned()));
        }
        let name = self.entry.first(&["project_name", "tenant_name"])?;
        Some(Named::Name {
            name: name.to_owned(),
            domain: self.domain("project"),
        })
    }

    fn domain(&self, of: &str) -> Domain {
        let entry = self.entry;
        let id = |key: &str| entry.text(key).map(|id| Domain::Id(id.to_owned()));
        let name = |key: &str| entry.text(key).map(|name| Domain::Name(name.to_owned()));
        id(&format!("{of}_domain_id"))
            .or_else(|| name(&format!("{of}_domain_name")))
            .or_else(|| id("domain_id"))
            .or_else(|| name("domain_name"))
            .or_else(|| id("default_domain_id"))
            .or_else(|| name("default_domain_name"))
            .or_else(|| id("default_domain"))
            .unwrap_or_else(|| Domain::Id("default".to_owned()))
    }

    fn interfaces(&self) -> Result<Vec<String>, ConfigError> {
        let keys = [
            "image_interface",
            "image_endpoint_type",
            "interface",
            "endpoint_type",
        ];
        let words = self.entry.first(&keys).unwrap_or("public");
        words
            .split(',')
            .map(|word| match word.trim().trim_end_matches("URL") {
                known @ ("public" | "internal" | "admin") => Ok(known.to_owned()),
                other => Err(self.unusable(
                    "interface",
                    &format!("`{other}`, but can only be `public`, `internal` or `admin`"),
                )),
            })
            .collect()
    }

    fn tls(&self, environment: &Environment) -> Result<Tls, ConfigError> {
        let file = |key: &str| self.entry.text(key).map(|path| environment.path(path));
        let insecure = self.truth("insecure")?.unwrap_or(false);
        let client = match (file("cert"), file("key")) {
            (None, _) => None,
            (Some(both), None) => Some((both.clone(), both)),
            (Some(certificate), Some(key)) => Some((certificate, key)),
        };
        Ok(Tls {
            verify: !insecure && self.truth("verify")?.unwrap_or(true),
            authorities: file("cacert"),
            client,
        })
    }

    fn truth(&self, key: &str) -> Result<Option<bool>, ConfigError> {
        match self.entry.text(key).map(str::to_lowercase).as_deref() {
            None => Ok(None),
            Some("true" | "yes" | "on" | "1") => Ok(Some(true)),
            Some("false" | "no" | "off" | "0") => Ok(Some(false)),
            Some(other) => {
                Err(self.unusable(key, &format!("`{other}`, but can only be true or false")))
            }
        }
    }

    fn timeout(&self) -> Result<Option<Duration>, ConfigError> {
        let Some(text) = self.entry.text("api_timeout") else {
            return Ok(None);
        };
        match text.parse().map(Duration::try_from_secs_f64) {
            Ok(Ok(timeout)) if !timeout.is_zero() => Ok(Some(timeout)),
            _ => Err(self.unusable(
                "api_timeout",
                &format!("`{text}`, but must be seconds above 0"),
            )),
        }
    }

    fn url(&self, key: &str) -> Result<Option<Url>, ConfigError> {
        let Some(text) = self.entry.text(key) else {
            return Ok(None);
        };
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Some(url)),
            // Not quoted: a malformed URL may hold a password.
            _ => Err(self.unusable(key, "no http or https URL")),
        }
    }

    fn secret(&self, key: &str) -> Result<SecretString, ConfigError> {
        let missing = || self.missing(&format!("`{key}`, here or in secure.yaml"));
        self.entry.secret(key).cloned().ok_or_else(missing)
    }

    fn missing(&self, missing: &str) -> ConfigError {
        ConfigError::Missing {
            cloud: self.cloud.to_owned(),
            file: self.file.to_owned(),
            missing: missing.to_owned(),
        }
    }

    fn unusable(&self, key: &str, problem: &str) -> ConfigError {
        ConfigError::Unusable {
            cloud: self.cloud.to_owned(),
            file: self.file.to_owned(),
            key: key.to_owned(),
            problem: problem.to_owned(),
        }
    }
}
