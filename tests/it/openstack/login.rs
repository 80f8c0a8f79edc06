//! Logins of every kind, the choice of the endpoint, and what is said where none works.

use std::time::Duration;

use chrono::Utc;
use reglaze::openstack::config::{Credential, Domain, Login, Named};
use reglaze::openstack::{Clouds, Error, Image, Session};

use crate::proxy::{Proxy, answer};
use crate::services::{self, cloud, connect, project, token_of};

#[tokio::test]
async fn password_application_credential_and_token_log_in_to_the_same_project() {
    let by_password = services::glance("member").await;
    let expected = project(&by_password);
    assert_eq!(by_password.session().project().unwrap().name, "catalogue");
    assert!(by_password.session().roles().contains(&"member".to_owned()));

    let by_credential = services::glance("appcred").await;
    assert_eq!(project(&by_credential), expected);

    let (token, user) = token_of("member").await;
    for project_too in [false, true] {
        let mut cloud = cloud("member");
        cloud.login = Login::Token(token.clone().into());
        if !project_too {
            cloud.project = None;
        }
        let by_token = connect(cloud).await;
        assert_eq!(
            project(&by_token),
            expected,
            "with a project: {project_too}"
        );
        by_token.with_properties("none", &[].into()).await.unwrap();
    }

    let users = [
        Named::Id(user.clone()),
        Named::Name {
            name: "catalogue".to_owned(),
            domain: Domain::Name("Default".to_owned()),
        },
    ];
    for user in users {
        let mut cloud = cloud("appcred");
        let Login::ApplicationCredential { credential, .. } = &mut cloud.login else {
            panic!("a credential")
        };
        *credential = Credential::Named {
            name: credential_name().await,
            user,
        };
        assert_eq!(project(&connect(cloud).await), expected);
    }
}

/// Asks Keystone how the application credential of `appcred` is named.
async fn credential_name() -> String {
    let cloud = cloud("appcred");
    let Login::ApplicationCredential {
        credential: Credential::Id(id),
        ..
    } = &cloud.login
    else {
        panic!("an ID");
    };
    let (token, user) = token_of("member").await;
    let url = format!(
        "{}/users/{user}/application_credentials/{id}",
        cloud.auth_url
    );
    let answer = reqwest::Client::new()
        .get(url)
        .header("x-auth-token", token)
        .send()
        .await
        .unwrap();
    let document: serde_json::Value = answer.json().await.unwrap();
    document["application_credential"]["name"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn auth_url_is_taken_with_and_without_its_version() {
    for path in ["/", "/v3/", "/v2.0"] {
        let mut cloud = cloud("member");
        cloud.auth_url.set_path(path);
        Session::login(cloud)
            .await
            .unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_told_with_the_user_and_the_file() {
    let proxy = Proxy::start().await;
    let mut cloud = proxy.cloud("member");
    let Login::Password { password, .. } = &mut cloud.login else {
        panic!("a password")
    };
    *password = "not-this-one".into();
    let error = Session::login(cloud).await.unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert_eq!(
        error.to_string(),
        format!(
            "user `catalogue` cannot log in to cloud `member`: Keystone at `{}identity/v3` answered 401; check \
             `username`, `password`, `project_name` and the domains of user and project in `{}`",
            proxy.url,
            services::clouds_yaml().display()
        )
    );
    assert_eq!(proxy.calls(), ["POST /identity/v3/auth/tokens"]);
}

#[tokio::test]
async fn a_token_that_ended_and_a_credential_that_is_gone_are_told_as_such() {
    let mut cloud = cloud("member");
    cloud.project = None;
    cloud.login = Login::Token("gAAAAABnonsense".into());
    let error = Session::login(cloud).await.unwrap_err().to_string();
    assert!(error.contains("the token cannot log in"), "{error}");
    assert!(error.contains("whether `token` has expired"), "{error}");
    assert!(!error.contains("nonsense"), "{error}");

    let mut cloud = services::cloud("appcred");
    cloud.login = Login::ApplicationCredential {
        credential: Credential::Id("0123456789abcdef".to_owned()),
        secret: "hush-hush".into(),
    };
    let error = Session::login(cloud).await.unwrap_err();
    assert!(matches!(error, Error::Login { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .starts_with("application credential `0123456789abcdef` cannot log in"),
        "{error}"
    );
    assert!(!error.to_string().contains("hush"), "{error}");
}

#[tokio::test]
async fn no_such_cloud_names_those_that_exist_and_the_file() {
    let error = Clouds::read(&services::environment())
        .unwrap()
        .cloud(Some("prod"))
        .unwrap_err();
    let expected = format!(
        "no cloud `prod` is described: there are `admin`, `admin-appcred`, `appcred`, `converting`, `member`, `reader`, `tenant`; \
         looked at `{}`",
        services::clouds_yaml().display()
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn region_and_interface_choose_the_image_service_and_a_wrong_one_is_told() {
    for interface in ["public", "internal", "admin"] {
        let mut cloud = cloud("member");
        cloud.interfaces = vec![interface.to_owned()];
        connect(cloud).await;
    }
    let mut cloud = cloud("member");
    cloud.region = None;
    connect(cloud).await;

    let mut cloud = services::cloud("member");
    cloud.region = Some("RegionTwo".to_owned());
    let session = Session::login(cloud).await.unwrap();
    let error = Image::connect(session.into()).await.unwrap_err();
    let expected = format!(
        "cloud `member` has no image service in region `RegionTwo` with interface `public`; its catalogue has \
         `admin` in `RegionOne`, `internal` in `RegionOne`, `public` in `RegionOne`; check `region_name` and \
         `interface` in `{}`, or set `image_endpoint_override` there",
        services::clouds_yaml().display()
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn an_endpoint_override_is_used_with_and_without_its_version() {
    let proxy = Proxy::start().await;
    for path in ["/image", "/image/", "/image/v2", "/image/v2/"] {
        let mut cloud = proxy.cloud("member");
        cloud.image_endpoint = Some(proxy.url.join(path).unwrap());
        cloud.region = Some("nowhere".to_owned());
        connect(cloud)
            .await
            .with_properties("none", &[].into())
            .await
            .unwrap();
    }
    let discoveries = proxy
        .calls()
        .iter()
        .filter(|call| *call == "GET /image/")
        .count();
    assert_eq!(discoveries, 2);
}

#[tokio::test]
async fn what_is_no_keystone_and_no_glance_is_told_with_the_key_to_check() {
    let proxy = Proxy::with_fault(|seen| match seen.line.as_str() {
        "POST /page/v3/auth/tokens" | "GET /page/" => {
            Some(answer(200, "<html><body>It works!</body></html>"))
        }
        "GET /old/" => Some(answer(
            300,
            r#"{"versions": [{"id": "v1.1"}, {"id": "v1.0"}]}"#,
        )),
        _ => None,
    })
    .await;
    for path in ["/page", "/nowhere"] {
        let mut cloud = proxy.cloud("member");
        cloud.auth_url = proxy.url.join(path).unwrap();
        let error = Session::login(cloud).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::NotTheService {
                    key: "auth_url",
                    ..
                }
            ),
            "{path}: {error:?}"
        );
    }
    for (path, found) in [
        ("/old", "only the versions v1.1, v1.0"),
        ("/page", "no JSON"),
    ] {
        let mut cloud = proxy.cloud("member");
        cloud.image_endpoint = Some(proxy.url.join(path).unwrap());
        let session = Session::login(cloud).await.unwrap();
        let error = Image::connect(session.into()).await.unwrap_err();
        assert!(
            matches!(
                error,
                Error::NotTheService {
                    key: "image_endpoint_override",
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(error.to_string().contains(found), "{error}");
    }
}

#[tokio::test]
async fn a_token_that_glance_no_longer_takes_is_renewed_once_for_all_calls() {
    // Whatever the first login gave has ended: only a second token gets through.
    let first = std::sync::OnceLock::new();
    let proxy = Proxy::with_fault(move |seen| {
        let token = seen.token.as_ref()?;
        (first.get_or_init(|| token.clone()) == token)
            .then(|| answer(401, "<h1>401 Unauthorized</h1>"))
    })
    .await;
    let glance = connect(proxy.cloud("member")).await;
    let none = [].into();
    let calls = (0..8).map(|_| glance.with_properties("none", &none));
    for list in futures_util::future::join_all(calls).await {
        assert_eq!(list.unwrap(), []);
    }
    let logins = proxy
        .calls()
        .iter()
        .filter(|call| call.ends_with("/auth/tokens"))
        .count();
    assert_eq!(logins, 2);
}

#[tokio::test]
async fn a_glance_that_takes_no_token_is_not_asked_for_ever() {
    let proxy = Proxy::with_fault(|seen| seen.token.as_ref().map(|_| answer(401, ""))).await;
    let glance = connect(proxy.cloud("member")).await;
    let error = glance.image("a").await.unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert_eq!(
        proxy.calls().len(),
        5,
        "login, versions, the call, login, the call: {:?}",
        proxy.calls()
    );
}

#[tokio::test]
async fn a_token_is_renewed_before_an_upload_only_if_it_ends_soon() {
    let proxy = Proxy::start().await;
    let session = Session::login(proxy.cloud("member")).await.unwrap();
    session.keep_for(Duration::from_mins(15)).await.unwrap();
    assert_eq!(proxy.calls().len(), 1);
    let longer_than_any = Duration::from_hours(24 * 365);
    session.keep_for(longer_than_any).await.unwrap();
    assert_eq!(proxy.calls().len(), 2, "as of {}", Utc::now());
}
