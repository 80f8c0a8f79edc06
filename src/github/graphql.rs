//! GraphQL: documents, which lie beside this file so that tests hold them against GitHub's schema, and their answers.

use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::answer::unreadable;
use super::call::Call;
use super::refusal::{self, GraphqlError};
use super::{GithubError, Repository};
use crate::domain::forge_limits::Kind;

pub(super) const COMMIT: &str = include_str!("graphql/commit.graphql");
pub(super) const UPDATE_REFS: &str = include_str!("graphql/update_refs.graphql");
pub(super) const AUTO_MERGE: &str = include_str!("graphql/auto_merge.graphql");
pub(super) const VIEWER: &str = include_str!("graphql/viewer.graphql");
pub(super) const LAST_EDIT: &str = include_str!("graphql/last_edit.graphql");

#[derive(Deserialize)]
struct Answered {
    #[serde(default)]
    data: Option<Value>,
    #[serde(default)]
    errors: Option<Vec<GraphqlError>>,
}

impl Repository {
    /// Says whether anything speaks GraphQL there.
    pub async fn has_graphql(&self) -> bool {
        let asked = self
            .graphql::<Value>(
                "ask by GraphQL",
                "contents: read",
                Kind::Read,
                VIEWER,
                json!({}),
            )
            .await;
        !matches!(asked, Err(GithubError::NoGraphql { .. }))
    }

    /// Sends a document; any error in the answer fails it, whatever else came.
    pub(super) async fn graphql<T: DeserializeOwned>(
        &self,
        doing: &str,
        permission: &'static str,
        kind: Kind,
        document: &str,
        variables: Value,
    ) -> Result<T, GithubError> {
        let call = Call {
            kind,
            is_graphql: true,
            ..Call::write(
                doing,
                permission,
                Method::POST,
                self.place.graphql.clone(),
                Some(json!({"query": document, "variables": variables})),
            )
        };
        let answered: Answered = self.client.send(&call).await?.json(&call)?;
        if let Some(errors) = answered.errors.filter(|errors| !errors.is_empty()) {
            return Err(refusal::of_graphql(&call, &errors));
        }
        serde_json::from_value(answered.data.unwrap_or_default())
            .map_err(|error| unreadable(&call, &error))
    }
}

/// Asks for the texts of this many contents at once: `$owner`, `$name`, and `$b0`, `$b1` … are their names in git.
pub(super) fn texts(count: usize) -> String {
    use std::fmt::Write as _;
    let mut variables = String::new();
    let mut fields = String::new();
    for number in 0..count {
        // Writing to a string does not fail.
        let _ = write!(variables, ", $b{number}: GitObjectID!");
        let _ = writeln!(
            fields,
            "    b{number}: object(oid: $b{number}) {{ ... on Blob {{ oid text isTruncated isBinary }} }}"
        );
    }
    format!(
        "query Texts($owner: String!, $name: String!{variables}) {{\n  repository(owner: $owner, name: $name) {{\n{fields}  }}\n}}\n"
    )
}

#[cfg(test)]
mod tests {
    use apollo_compiler::{ExecutableDocument, Schema};

    use super::*;

    /// What the documents touch of GitHub's schema, in its names and types.
    const SCHEMA: &str = "
        scalar GitObjectID scalar Base64String scalar GitRefname scalar DateTime
        interface Node { id: ID! }
        interface Actor { login: String! }
        type Bot implements Actor { login: String! }
        type IssueComment implements Node { id: ID! lastEditedAt: DateTime editor: Actor }
        interface GitObject { oid: GitObjectID! }
        type Blob implements GitObject { oid: GitObjectID! text: String isTruncated: Boolean! isBinary: Boolean }
        type Commit implements GitObject { oid: GitObjectID! }
        type Repository { object(expression: String, oid: GitObjectID): GitObject }
        type User { login: String! }
        type PullRequest { id: ID! }
        type Query {
            node(id: ID!): Node
            repository(followRenames: Boolean = true, name: String!, owner: String!): Repository
            viewer: User!
        }
        input CommittableBranch { branchName: String repositoryNameWithOwner: String }
        input CreateCommitOnBranchInput { branch: CommittableBranch! expectedHeadOid: GitObjectID! }
        input RefUpdate { afterOid: GitObjectID! beforeOid: GitObjectID force: Boolean = false name: GitRefname! }
        input UpdateRefsInput { refUpdates: [RefUpdate!]! repositoryId: ID! }
        input EnablePullRequestAutoMergeInput { expectedHeadOid: GitObjectID pullRequestId: ID! }
        type CreateCommitOnBranchPayload { commit: Commit }
        type UpdateRefsPayload { clientMutationId: String }
        type EnablePullRequestAutoMergePayload { pullRequest: PullRequest }
        type Mutation {
            createCommitOnBranch(input: CreateCommitOnBranchInput!): CreateCommitOnBranchPayload
            updateRefs(input: UpdateRefsInput!): UpdateRefsPayload
            enablePullRequestAutoMerge(input: EnablePullRequestAutoMergeInput!): EnablePullRequestAutoMergePayload
        }";

    #[test]
    fn every_document_is_valid_the_one_for_many_texts_too() {
        let schema = Schema::parse_and_validate(SCHEMA, "schema.graphql").unwrap();
        let many = texts(50);
        let written = [COMMIT, UPDATE_REFS, AUTO_MERGE, VIEWER, LAST_EDIT];
        for document in written.into_iter().chain([texts(1).as_str(), &many]) {
            ExecutableDocument::parse_and_validate(&schema, document, "document.graphql").unwrap();
        }
        assert!(many.contains("b49: object(oid: $b49)"), "{many}");
    }
}
