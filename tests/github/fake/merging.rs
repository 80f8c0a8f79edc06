//! Pull requests become part of their base: by REST, by a person, or by themselves.

use serde_json::json;

use super::pulls::Checks;
use super::request::{Answer, Answered, Request};
use super::tokens::{Access, Caller};
use super::world::World;

/// `PUT pulls/N/merge`
pub fn merge(world: &mut World, request: &Request, number: u64) -> Answered {
    let (issue, pull) = world.pull(number)?;
    request.caller.needs("contents", Access::Write)?;
    if !issue.is_open {
        return Err(Answer::error(405, "Pull Request is not mergeable"));
    }
    if request.text("sha").is_some_and(|oid| oid != pull.head) {
        return Err(Answer::error(
            409,
            "Head branch was modified. Review and try the merge again.",
        ));
    }
    match world.merge_state(pull) {
        "draft" => return Err(Answer::error(405, "Pull Request is still a draft")),
        "dirty" => return Err(Answer::error(405, "Pull Request is not mergeable")),
        "blocked" => {
            return Err(Answer::error(
                405,
                "Required status check \"build\" is expected.",
            ));
        }
        _ => {}
    }
    let method = request.text("merge_method").unwrap_or("merge");
    let oid = world.merge(&request.caller, number, method);
    let oid = oid.ok_or_else(|| Answer::error(405, "This branch can't be rebased"))?;
    Answer::ok(json!({"sha": oid, "merged": true, "message": "Pull Request successfully merged"}))
}

impl World {
    /// Merges by `merge`, `squash` or `rebase`, and gives the new head of the base; nothing if it does not fit.
    pub fn merge(&mut self, actor: &Caller, number: u64, method: &str) -> Option<String> {
        let (issue, pull) = self.pull(number).ok()?;
        let base = self.branch(&pull.base)?;
        let name = self.reference(&self.owner, &pull.base);
        let head_name = self.reference(&pull.owner, &pull.branch);
        let committer = self.web_flow();
        let tree = self.git.merged_tree(&base, &pull.head)?;
        let oid = match method {
            "squash" => {
                let author = self.signature(&issue.author);
                let message = format!("{} (#{number})\n", issue.title);
                self.git
                    .write_commit(&tree, &[base], &message, &author, &committer)?
            }
            "rebase" => {
                let mut onto = base.clone();
                for oid in self.git.between(&base, &pull.head) {
                    let commit = self.commit(&oid);
                    if commit.parents.len() > 1 {
                        continue;
                    }
                    let tree = self.git.replayed_tree(&commit, &onto)?;
                    onto = self.git.write_commit(
                        &tree,
                        &[onto],
                        &commit.message,
                        &commit.author,
                        &committer,
                    )?;
                }
                onto
            }
            _ => {
                let author = self.signature(&actor.login);
                let message = format!(
                    "Merge pull request #{number} from {}/{}\n\n{}\n",
                    pull.owner, pull.branch, issue.title
                );
                self.git.write_commit(
                    &tree,
                    &[base, pull.head.clone()],
                    &message,
                    &author,
                    &committer,
                )?
            }
        };
        if method != "rebase" {
            self.verified.insert(oid.clone());
        }
        // Before the base moves, so that it is not merged a second time by that.
        self.set_merged(actor, number, &oid);
        self.move_references(actor, &[(name, Some(oid.clone()))]);
        if self.settings.delete_branch_on_merge && self.git.reference(&head_name).is_some() {
            self.move_references(actor, &[(head_name, None)]);
        }
        Some(oid)
    }

    /// What "Update branch" does: merges the base into the branch.
    pub fn update_branch(&mut self, actor: &Caller, number: u64) -> Option<String> {
        let (_, pull) = self.pull(number).ok()?;
        let base = self.branch(&pull.base)?;
        let name = self.reference(&pull.owner, &pull.branch);
        let tree = self.git.merged_tree(&pull.head, &base)?;
        let message = format!("Merge branch '{}' into {}", pull.base, pull.branch);
        let (author, committer) = (self.signature(&actor.login), self.web_flow());
        let oid = self.git.write_commit(
            &tree,
            &[pull.head.clone(), base],
            &message,
            &author,
            &committer,
        )?;
        self.verified.insert(oid.clone());
        self.move_references(actor, &[(name, Some(oid.clone()))]);
        Some(oid)
    }

    /// Its checks have an outcome; what was to merge itself does so when they pass.
    pub fn set_checks(&mut self, number: u64, checks: Checks) {
        self.pull_mut(number).checks = checks;
        let (issue, pull) = self.pull(number).expect("a pull request");
        let Some(auto) = pull.auto_merge.clone().filter(|_| issue.is_open) else {
            return;
        };
        if self.merge_state(pull) == "clean" {
            // It counts as done by whoever asked for it.
            let known = self
                .tokens
                .iter()
                .find(|token| token.caller.login == auto.by);
            let actor =
                known.map_or_else(|| Caller::person(&auto.by), |token| token.caller.clone());
            self.merge(&actor, number, &auto.method);
        }
    }
}
