//! GitHub Apps: their own JWT, and the tokens of their installation on the repository.

use std::collections::BTreeMap;

use chrono::Utc;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::request::{Answer, Answered, Request};
use super::shapes;
use super::tokens::{Access, Caller, Kind, Token};
use super::world::World;

/// An app that is installed on the repository.
#[derive(Debug, Clone)]
pub struct App {
    pub id: u64,
    pub slug: String,
    pub installation: u64,
    /// In PEM.
    pub public_key: String,
    /// What its installation was granted.
    pub permissions: BTreeMap<String, Access>,
}

impl App {
    /// With the permissions of a token that may do everything.
    pub fn new(id: u64, slug: &str, public_key: &str) -> Self {
        Self {
            id,
            slug: slug.to_owned(),
            installation: id + 1000,
            public_key: public_key.to_owned(),
            permissions: Token::installation("", slug).caller.permissions,
        }
    }

    /// With a fresh key, whose private half is given in PEM (PKCS #8).
    pub fn generate(id: u64, slug: &str) -> (Self, String) {
        let size = rcgen::RsaKeySize::_2048;
        let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size).expect("a key");
        (
            Self::new(id, slug, &key.public_key_pem()),
            key.serialize_pem(),
        )
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: Value,
    iat: i64,
    exp: i64,
}

/// The app that signed a JWT, as a caller.
pub fn caller(world: &World, token: &str) -> Result<Caller, Answer> {
    let unreadable = || Answer::error(401, "A JSON web token could not be decoded");
    let mut validation = Validation::new(Algorithm::RS256);
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    for app in &world.apps {
        let key = DecodingKey::from_rsa_pem(app.public_key.as_bytes()).expect("a public key");
        let Ok(found) = decode::<Claims>(token, &key, &validation) else {
            continue;
        };
        let (claims, now) = (found.claims, Utc::now().timestamp());
        if claims.iss != app.id
            && claims.iss.as_str().and_then(|id| id.parse().ok()) != Some(app.id)
        {
            return Err(Answer::error(
                401,
                "'Issuer' claim ('iss') must be an Integer",
            ));
        }
        if claims.iat > now {
            return Err(Answer::error(
                401,
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            ));
        }
        if claims.exp <= now {
            return Err(Answer::error(
                401,
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
            ));
        }
        if claims.exp > now + 600 {
            return Err(Answer::error(
                401,
                "'Expiration time' claim ('exp') is too far in the future",
            ));
        }
        return Ok(Caller {
            login: app.slug.clone(),
            kind: Kind::App,
            permissions: BTreeMap::new(),
        });
    }
    Err(unreadable())
}

fn app_of<'a>(world: &'a World, request: &Request) -> Result<&'a App, Answer> {
    let own = |app: &&App| request.caller.kind == Kind::App && app.slug == request.caller.login;
    let app = world.apps.iter().find(own);
    app.ok_or_else(|| Answer::error(401, "A JSON web token could not be decoded"))
}

fn permissions_shape(permissions: &BTreeMap<String, Access>) -> Value {
    let word = |access: &Access| match access {
        Access::Read => "read",
        Access::Write => "write",
    };
    permissions
        .iter()
        .map(|(name, access)| (name.clone(), Value::from(word(access))))
        .collect()
}

/// `GET app`
pub fn own(world: &World, request: &Request) -> Answered {
    let app = app_of(world, request)?;
    Answer::ok(json!({
        "id": app.id, "slug": app.slug, "name": app.slug, "node_id": format!("A_{}", app.id),
        "owner": shapes::user(world, &world.owner),
        "description": null, "external_url": "https://example.org",
        "html_url": format!("https://github.com/apps/{}", app.slug),
        "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
        "permissions": permissions_shape(&app.permissions), "events": [], "installations_count": 1,
    }))
}

/// `GET installation` of the repository
pub fn installation(world: &World, request: &Request) -> Answered {
    let app = app_of(world, request)?;
    Answer::ok(json!({
        "id": app.installation, "app_id": app.id, "app_slug": app.slug,
        "account": shapes::user(world, &world.owner),
        "target_id": shapes::number_of(&world.owner), "target_type": "User",
        "repository_selection": "selected", "single_file_name": null,
        "access_tokens_url": format!("{}/app/installations/{}/access_tokens", world.url, app.installation),
        "repositories_url": format!("{}/installation/repositories", world.url),
        "html_url": format!("https://github.com/settings/installations/{}", app.installation),
        "permissions": permissions_shape(&app.permissions), "events": [],
        "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
        "suspended_by": null, "suspended_at": null,
    }))
}

/// `POST app/installations/ID/access_tokens`
pub fn token(world: &mut World, request: &Request, id: u64) -> Answered {
    let app = app_of(world, request)?.clone();
    if app.installation != id {
        return Err(Answer::missing());
    }
    let wanted = request.texts("repositories");
    if wanted
        .as_ref()
        .is_some_and(|names| names.iter().any(|name| *name != world.name))
    {
        return Err(Answer::error(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        ));
    }
    let mut permissions = app.permissions.clone();
    if let Some(asked) = request.body["permissions"].as_object() {
        permissions.clear();
        for (name, access) in asked {
            let access = if access == "write" {
                Access::Write
            } else {
                Access::Read
            };
            if app
                .permissions
                .get(name)
                .is_none_or(|granted| *granted < access)
            {
                return Err(Answer::error(
                    422,
                    "The permissions requested are not granted to this installation.",
                ));
            }
            permissions.insert(name.clone(), access);
        }
    }
    permissions.insert("metadata".to_owned(), Access::Read);
    let secret = format!("ghs_{}{:032}", app.slug, world.next_id());
    let mut token = Token::installation(&secret, &app.slug);
    token.caller.permissions.clone_from(&permissions);
    world.tokens.push(token);
    let mut answer = json!({
        "token": secret,
        "expires_at": super::repository::moment(Utc::now() + chrono::TimeDelta::hours(1)),
        "permissions": permissions_shape(&permissions),
        "repository_selection": "selected",
    });
    if wanted.is_some() {
        answer["repositories"] = json!([shapes::repository(world, &world.owner)]);
    }
    Answer::created(answer)
}
