//! The cloud of values.

use chrono::{Days, Duration, NaiveDate, NaiveTime};

use super::*;
use crate::domain::attested::Verify;
use crate::domain::import::Offered;
use crate::domain::transfer::Transfer;
use crate::domain::usage::Use;
use crate::domain::wanted::{Moment, completed};
use crate::domain::way;

pub const TAG: &str = "managed_by_reglaze";
pub const OWNER: &str = "us";

#[derive(Clone)]
pub struct Cloud {
    pub images: Vec<CloudImage>,
    pub today: NaiveDate,
    /// The projects that use an image, by its ID; absent: nobody answers.
    pub uses: Option<BTreeMap<String, Vec<&'static str>>>,
    pub withdrawals: usize,
    pub deletions: usize,
    pub members: usize,
    pub domains: BTreeMap<String, BTreeSet<String>>,
    pub transfer: Transfer,
    pub offered: Offered,
    pub verify: Verify,
    created: usize,
}

impl Default for Cloud {
    fn default() -> Self {
        Self {
            images: Vec::new(),
            today: "2026-11-21".parse().unwrap(),
            uses: Some(BTreeMap::new()),
            withdrawals: 100,
            deletions: 100,
            members: 128,
            domains: BTreeMap::new(),
            transfer: Transfer::default(),
            offered: Offered::default(),
            verify: Verify::default(),
            created: 0,
        }
    }
}

/// What a run uploaded, by image and version.
pub type Uploaded = BTreeMap<(String, String), String>;

impl Cloud {
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.images.clone(), TAG, OWNER)
    }

    pub fn plan(&self, definitions: &[Definition]) -> Plan {
        self.plan_at(definitions, self.today)
    }

    pub fn plan_at(&self, definitions: &[Definition], today: NaiveDate) -> Plan {
        let uses = self.uses.as_ref().map_or_else(
            || Uses::unknown("Nova did not answer".to_owned()),
            |uses| {
                let used = uses.iter().map(|(id, projects)| {
                    let projects = projects.iter().map(|&one| one.to_owned()).collect();
                    let used = Use {
                        servers: 1,
                        projects,
                        ..Use::default()
                    };
                    (id.clone(), used)
                });
                Uses::complete(used.collect())
            },
        );
        let context = Context {
            tag: TAG,
            policies: &[],
            withdrawals: self.withdrawals,
            deletions: self.deletions,
            members: self.members,
            uses: &uses,
            domains: &self.domains,
            transfer: &self.transfer,
            offered: &self.offered,
            verify: self.verify,
            run: &[("CI".to_owned(), "7".to_owned())].into(),
            today,
        };
        plan(definitions, |_| true, &self.snapshot(), &context)
    }

    pub fn wait(&mut self, days: u64) {
        self.today = self.today.checked_add_days(Days::new(days)).unwrap();
    }

    pub fn add(&mut self, mut image: CloudImage) -> String {
        self.created += 1;
        image.id = format!("id-{:03}", self.created);
        image.created_at = self.today.and_time(NaiveTime::MIN).and_utc()
            + Duration::seconds(i64::try_from(self.created).unwrap());
        image.updated_at = image.created_at;
        let id = image.id.clone();
        self.images.push(image);
        id
    }

    pub fn image(&mut self, id: &str) -> &mut CloudImage {
        self.images.iter_mut().find(|image| image.id == id).unwrap()
    }

    pub fn of_version(&self, version: &str) -> Option<&CloudImage> {
        self.images.iter().find(|image| {
            image.owner.as_deref() == Some(OWNER) && version_of(image) == Some(version)
        })
    }

    /// The ID of a version's image.
    pub fn id(&self, version: &str) -> String {
        self.of_version(version).unwrap().id.clone()
    }

    /// From now on a project uses this version.
    pub fn used(&mut self, version: &str, project: &'static str) {
        let id = self.id(version);
        let uses = self.uses.get_or_insert_default();
        uses.entry(id).or_default().push(project);
    }

    /// Does one step; `uploaded` remembers what this run uploaded, as `apply` does.
    pub fn perform(&mut self, step: &Step, uploaded: &mut Uploaded) {
        let key = (step.image.clone(), step.version.clone().unwrap_or_default());
        let id = step.id.clone().or_else(|| uploaded.get(&key).cloned());
        match &step.work {
            Work::Upload(upload) => {
                let id = self.add(CloudImage {
                    name: Some(upload.name.clone()),
                    owner: Some(OWNER.to_owned()),
                    status: Status::Active,
                    disk_format: Some(upload.format.clone()),
                    stores: upload.way.store.iter().cloned().collect(),
                    tags: [TAG.to_owned()].into(),
                    properties: [
                        (IMAGE_NAME, step.image.as_str()),
                        (INTERNAL_VERSION, &key.1),
                        (STATE, UNPROVEN),
                    ]
                    .into_iter()
                    .chain(way::mark(upload.way.method))
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .collect(),
                    ..CloudImage::default()
                });
                uploaded.insert(key, id);
            }
            Work::Patch(patch) => {
                let today = self.today;
                let image = self.image(&id.unwrap());
                let moment = Moment {
                    today,
                    created: Some(image.created_at),
                    newest: None,
                    run: &[("CI".to_owned(), "7".to_owned())].into(),
                };
                write(image, completed(patch.clone(), moment));
            }
            Work::Activate(active) => {
                self.image(&id.unwrap()).status = if *active {
                    Status::Active
                } else {
                    Status::Deactivated
                };
            }
            Work::DeleteLeftover => {
                let id = id.unwrap();
                let image = self.image(&id);
                assert!(image.visibility == Visibility::Private && !image.protected);
                assert!(is_unpublished(image));
                self.images.retain(|image| image.id != id);
            }
            Work::Boot => {
                let image = self.image(&id.unwrap());
                assert_eq!(image.visibility, Visibility::Private);
                assert_eq!(image.properties[STATE], STAGED);
            }
            Work::Share(sharing) => {
                let image = self.image(&id.unwrap());
                assert_eq!(image.visibility, sharing.from);
                image.visibility = Visibility::Shared;
                let members = image.members.get_or_insert_default();
                members.extend(sharing.add.iter().map(|project| (project.clone(), true)));
                for project in &sharing.remove {
                    assert!(members.remove(project).is_some());
                }
            }
            Work::Copy(store) => {
                let image = self.image(&id.unwrap());
                assert_eq!(image.status, Status::Active);
                assert!(image.stores.insert(store.clone()), "Glance refuses");
            }
            Work::Delete(_) => {
                let id = id.unwrap();
                assert!(!self.image(&id).protected, "Glance refuses");
                assert!(!self.uses.as_ref().unwrap().contains_key(&id), "in use");
                self.images.retain(|image| image.id != id);
            }
            Work::None => panic!("a step without work: {step:?}"),
        }
    }

    pub fn apply(&mut self, plan: &Plan) {
        let mut uploaded = Uploaded::new();
        for step in &plan.steps {
            self.perform(step, &mut uploaded);
        }
    }

    /// What a tenant's default list shows under each name.
    pub fn catalogue(&self) -> BTreeMap<String, usize> {
        let mut names = BTreeMap::new();
        for image in self
            .images
            .iter()
            .filter(|image| image.is_in_the_catalogue())
        {
            *names
                .entry(image.name.clone().unwrap_or_default())
                .or_default() += 1;
        }
        names
    }

    /// Everything that tells images apart but their IDs and ages.
    pub fn look(&self) -> Vec<String> {
        let mut look: Vec<_> = self
            .images
            .iter()
            .map(|image| {
                format!(
                    "{} {:?} {} {} {} {} {:?} {:?} {:?}",
                    image.owner.as_deref().unwrap_or_default(),
                    image.name,
                    image.visibility,
                    image.hidden,
                    image.protected,
                    image.status,
                    image.members,
                    image.tags,
                    image.properties
                )
            })
            .collect();
        look.sort();
        look
    }
}

fn write(image: &mut CloudImage, patch: crate::domain::patch::Patch) {
    if let Some(name) = patch.name {
        image.name = Some(name);
    }
    image.visibility = patch.visibility.unwrap_or(image.visibility);
    image.hidden = patch.hidden.unwrap_or(image.hidden);
    image.protected = patch.protected.unwrap_or(image.protected);
    image.min_disk = patch.min_disk.unwrap_or(image.min_disk);
    image.min_ram = patch.min_ram.unwrap_or(image.min_ram);
    if let Some(tags) = patch.tags {
        image.tags = tags;
    }
    for (key, value) in patch.set {
        assert!(!value.contains("{upload_date") && !value.contains("{today"));
        image.properties.insert(key, value);
    }
    for key in &patch.remove {
        assert!(
            image.properties.remove(key).is_some(),
            "Glance refuses to remove `{key}`"
        );
    }
}
