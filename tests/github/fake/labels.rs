//! Labels and milestones.

use serde_json::{Value, json};

use super::issues::Issue;
use super::request::{Answer, Answered, Request};
use super::shapes;
use super::tokens::Caller;
use super::world::World;

#[derive(Debug, Clone)]
pub struct Label {
    pub id: u64,
    pub name: String,
    pub color: String,
}

#[derive(Debug, Clone)]
pub struct Milestone {
    pub number: u64,
    pub title: String,
    pub is_open: bool,
}

impl World {
    pub fn set_labels(&mut self, actor: &Caller, number: u64, names: &[String]) {
        let mut labels = Vec::new();
        for name in names {
            let name = self.label_or_new(name);
            if !labels.contains(&name) {
                labels.push(name);
            }
        }
        if self.issues[&number].labels == labels {
            return;
        }
        self.tell(actor, "labeled", format!("#{number}"));
        self.issue_mut(number).labels = labels;
        self.touch(number);
    }

    /// Names of labels ignore case; an unknown one makes a label.
    fn label_or_new(&mut self, name: &str) -> String {
        let known = self
            .labels
            .iter()
            .find(|label| label.name.to_lowercase() == name.to_lowercase());
        if let Some(label) = known {
            return label.name.clone();
        }
        let id = self.next_id();
        self.labels.push(Label {
            id,
            name: name.to_owned(),
            color: "ededed".to_owned(),
        });
        name.to_owned()
    }
}

/// `GET milestones`
pub fn milestones(world: &World, request: &Request) -> Answered {
    let state = request.parameter("state").unwrap_or("open");
    let found = world
        .milestones
        .iter()
        .filter(|one| state == "all" || one.is_open == (state == "open"));
    Answer::list(found.map(|one| milestone(world, one)).collect())
}

fn milestone(world: &World, milestone: &Milestone) -> Value {
    let count = |is_open: bool| {
        let own = world
            .issues
            .values()
            .filter(|issue| issue.milestone == Some(milestone.number));
        own.filter(|issue| issue.is_open == is_open).count()
    };
    let url = format!("{}/milestones/{}", world.api(), milestone.number);
    json!({
        "url": url,
        "html_url": format!("{}/milestone/{}", world.page(), milestone.number),
        "labels_url": format!("{url}/labels"),
        "id": milestone.number, "node_id": format!("MI_{}", milestone.number), "number": milestone.number,
        "title": milestone.title, "description": null,
        "creator": shapes::user(world, &world.owner),
        "open_issues": count(true), "closed_issues": count(false),
        "state": if milestone.is_open { "open" } else { "closed" },
        "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z",
        "due_on": null, "closed_at": null,
    })
}

pub fn milestone_of(world: &World, issue: &Issue) -> Value {
    let found = world
        .milestones
        .iter()
        .find(|one| Some(one.number) == issue.milestone);
    found.map_or(Value::Null, |one| milestone(world, one))
}

pub fn labels_of(world: &World, issue: &Issue) -> Vec<Value> {
    let own = |name: &String| world.labels.iter().find(|label| label.name == *name);
    issue.labels.iter().filter_map(own).map(|label| {
        json!({
            "id": label.id, "node_id": format!("LA_{}", label.id), "name": label.name, "color": label.color,
            "url": format!("{}/labels/{}", world.api(), label.name), "description": "", "default": false,
        })
    }).collect()
}
