//! Sharing an image with projects, each of which must accept it before its lists show it.

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::call::Call;
use super::error::Error;
use super::image::Image;

/// A project with which an image is shared.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Member {
    /// The project's ID.
    #[serde(rename = "member_id")]
    pub project: String,
    /// `pending`, `accepted` or `rejected`.
    pub status: String,
}

impl Image {
    /// Gives the projects with which an image is shared.
    pub async fn members(&self, id: &str) -> Result<Vec<Member>, Error> {
        #[derive(Deserialize)]
        struct Members {
            members: Vec<Member>,
        }
        let url = self.url(&["images", id, "members"]);
        let call = Call::new(
            Method::GET,
            url,
            format!("read the members of image `{id}`"),
        );
        let answer = self.session.send(&call).await?;
        let members: Members =
            self.parsed(&call, &answer, &[StatusCode::OK], "a list of members")?;
        Ok(members.members)
    }

    /// Shares a `shared` image with a project. Done already is done.
    pub async fn add_member(&self, id: &str, project: &str) -> Result<(), Error> {
        let url = self.url(&["images", id, "members"]);
        let call = Call::new(
            Method::POST,
            url,
            format!("share image `{id}` with project `{project}`"),
        )
        .with_json(json!({"member": project}));
        let answer = self.session.send(&call).await?;
        if answer.status == StatusCode::CONFLICT {
            return Ok(());
        }
        self.done(&call, &answer)
    }

    /// Accepts a share for its member, so that the member's lists show it. The owner may not: the member or an admin.
    pub async fn accept_member(&self, id: &str, project: &str) -> Result<(), Error> {
        let url = self.url(&["images", id, "members", project]);
        let call = Call::new(
            Method::PUT,
            url,
            format!("accept image `{id}` for project `{project}`"),
        )
        .with_json(json!({"status": "accepted"}));
        let answer = self.session.send(&call).await?;
        self.done(&call, &answer)
    }

    /// Ends the share with a project. Not shared any more is done.
    pub async fn remove_member(&self, id: &str, project: &str) -> Result<(), Error> {
        let url = self.url(&["images", id, "members", project]);
        let doing = format!("no longer share image `{id}` with project `{project}`");
        let call = Call::new(Method::DELETE, url, doing);
        let answer = self.session.send(&call).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        self.done(&call, &answer)
    }
}
