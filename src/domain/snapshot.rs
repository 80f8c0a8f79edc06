//! What a cloud has: its images as values, parted into ours and others'.
//!
//! Which images are ours is decided here and only here, by mark and owner. Reading them is for `openstack`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Utc};

/// One image as a cloud's Glance describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CloudImage {
    /// The UUID, which tenants build on.
    pub id: String,
    /// The display name; not unique in Glance, and absent on some images.
    pub name: Option<String>,
    /// The ID of the project that owns it; absent on images of very old clouds.
    pub owner: Option<String>,
    /// Where it is in Glance's life of an image.
    pub status: Status,
    /// Who may see and boot it.
    pub visibility: Visibility,
    /// Whether default lists leave it out.
    pub hidden: bool,
    /// Whether Glance refuses to delete it.
    pub protected: bool,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// The smallest disk it boots on, in GiB.
    pub min_disk: u64,
    /// The smallest memory it boots with, in MiB.
    pub min_ram: u64,
    /// `qcow2`, `raw`, …
    pub disk_format: Option<String>,
    /// `bare`, mostly.
    pub container_format: Option<String>,
    /// Bytes stored.
    pub size: Option<u64>,
    /// Bytes of the disk that the image holds.
    pub virtual_size: Option<u64>,
    /// The algorithm of `os_hash_value`, `sha512` mostly.
    pub os_hash_algo: Option<String>,
    /// The digest of the stored bytes. A refused upload leaves one on a `queued` image: judge by `status`.
    pub os_hash_value: Option<String>,
    /// The MD5 digest of the stored bytes.
    pub checksum: Option<String>,
    /// When the image was created, which is not when its data came.
    pub created_at: DateTime<Utc>,
    /// When anything of it last changed.
    pub updated_at: DateTime<Utc>,
    /// The free properties. Glance's own (`os_glance_*`, `stores`, `self`, …) are not among them.
    pub properties: BTreeMap<String, String>,
    /// The task that holds the image's import lock. An image is done when `active` and without one.
    pub import_task: Option<String>,
    /// The stores that have its data, where a cloud tells.
    pub stores: BTreeSet<String>,
    /// The stores into which an import still goes.
    pub importing_to: BTreeSet<String>,
    /// The stores into which an import failed. The next import into one takes it off the list.
    pub failed_stores: BTreeSet<String>,
    /// The IDs of the projects that it is shared with, and whether that is settled for each: it accepted or refused, or is
    /// the only one who may; absent: nobody asked.
    pub members: Option<BTreeMap<String, bool>>,
}

impl CloudImage {
    /// Says whether a tenant's default list shows it: active, not hidden, public.
    ///
    /// Accepted shares are shown to their members too; nobody but the member can see that it accepted.
    pub fn is_in_the_catalogue(&self) -> bool {
        self.status == Status::Active && self.is_listed()
    }

    /// Says whether default lists of other projects show it, in whatever status.
    pub fn is_listed(&self) -> bool {
        !self.hidden && self.visibility == Visibility::Public
    }

    /// Says whether its data is complete and no task works on it any more.
    ///
    /// Some 100 ms pass between `active` and the end of the import task (Glance 33);
    /// a deletion in between can leave an active image without data.
    pub fn is_settled(&self) -> bool {
        self.status == Status::Active && self.import_task.is_none()
    }

    /// Says whether Glance tells that an import failed: while another store is tried, one that failed is not the end.
    pub fn import_failed(&self) -> bool {
        !self.failed_stores.is_empty() && self.importing_to.is_empty()
    }

    /// Says whether it has our mark: the tag and the owner.
    pub fn is_ours(&self, tag: &str, owner: &str) -> bool {
        self.owner.as_deref() == Some(owner) && self.tags.contains(tag)
    }
}

/// Where an image is in Glance's life of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Status {
    /// Created, without data: not begun, or failed.
    #[default]
    Queued,
    /// Data is being written.
    Saving,
    /// Data is being staged for an import.
    Uploading,
    /// An import runs.
    Importing,
    /// Usable.
    Active,
    /// Made unusable for boots by an operator.
    Deactivated,
    /// An upload failed for good.
    Killed,
    /// To be deleted later.
    PendingDelete,
    /// Deleted.
    Deleted,
    /// A status that this version does not know.
    Other,
}

impl Status {
    /// Gives the word that Glance uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Saving => "saving",
            Self::Uploading => "uploading",
            Self::Importing => "importing",
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::Killed => "killed",
            Self::PendingDelete => "pending_delete",
            Self::Deleted => "deleted",
            Self::Other => "unknown",
        }
    }

    /// Reads Glance's word; an unknown one is `Other`.
    pub fn parse(word: &str) -> Self {
        [
            Self::Queued,
            Self::Saving,
            Self::Uploading,
            Self::Importing,
            Self::Active,
            Self::Deactivated,
            Self::Killed,
            Self::PendingDelete,
            Self::Deleted,
        ]
        .into_iter()
        .find(|status| status.as_str() == word)
        .unwrap_or(Self::Other)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who may see and boot an image, from the narrowest to the widest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// The owner's project.
    #[default]
    Private,
    /// The owner's project and its members.
    Shared,
    /// Everybody, but not in default lists.
    Community,
    /// Everybody.
    Public,
}

impl Visibility {
    /// Gives the word that Glance uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Shared => "shared",
            Self::Community => "community",
            Self::Public => "public",
        }
    }

    /// Reads Glance's word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Private, Self::Shared, Self::Community, Self::Public]
            .into_iter()
            .find(|visibility| visibility.as_str() == word)
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A cloud's images at one moment, read to the end.
///
/// Foreign images are kept apart: they can be named in findings, and never be in a plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    ours: Vec<CloudImage>,
    foreign: Vec<CloudImage>,
}

impl Snapshot {
    /// Parts `images` into ours (with `tag`, of the project `owner`) and the others that matter:
    /// those in other projects' default lists, and those that bear our tag.
    ///
    /// An image that comes twice counts as it came last: it was changed while the list was read.
    pub fn new(images: impl IntoIterator<Item = CloudImage>, tag: &str, owner: &str) -> Self {
        let images: BTreeMap<String, CloudImage> = images
            .into_iter()
            .map(|image| (image.id.clone(), image))
            .collect();
        let (mut ours, mut foreign): (Vec<_>, Vec<_>) = images
            .into_values()
            .partition(|image| image.is_ours(tag, owner));
        foreign.retain(|image| image.is_listed() || image.tags.contains(tag));
        let elder_first =
            |a: &CloudImage, b: &CloudImage| (a.created_at, &a.id).cmp(&(b.created_at, &b.id));
        ours.sort_by(elder_first);
        foreign.sort_by(elder_first);
        Self { ours, foreign }
    }

    /// Gives the images with our mark, the elder first.
    pub fn ours(&self) -> &[CloudImage] {
        &self.ours
    }

    /// Notes with whom one of ours is shared, which no list tells.
    pub fn note_members(&mut self, id: &str, members: BTreeMap<String, bool>) {
        if let Some(image) = self.ours.iter_mut().find(|image| image.id == id) {
            image.members = Some(members);
        }
    }

    /// Gives the one of ours that has this ID.
    pub fn find(&self, id: &str) -> Option<&CloudImage> {
        self.ours.iter().find(|image| image.id == id)
    }

    /// Gives what is not ours and matters: listed by default, or with our tag under another owner.
    pub fn foreign(&self) -> &[CloudImage] {
        &self.foreign
    }

    /// Gives the foreign images that default lists show under `name`.
    pub fn foreign_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a CloudImage> {
        self.foreign
            .iter()
            .filter(move |image| image.is_listed() && image.name.as_deref() == Some(name))
    }

    /// Gives the images that bear `tag` and belong to another project.
    pub fn foreign_tagged<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = &'a CloudImage> {
        self.foreign
            .iter()
            .filter(move |image| image.tags.contains(tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(id: &str, owner: &str, tags: &[&str]) -> CloudImage {
        CloudImage {
            id: id.to_owned(),
            name: Some(format!("name of {id}")),
            owner: Some(owner.to_owned()),
            status: Status::Active,
            visibility: Visibility::Public,
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..CloudImage::default()
        }
    }

    fn ids<'a>(images: impl IntoIterator<Item = &'a CloudImage>) -> Vec<&'a str> {
        images.into_iter().map(|image| image.id.as_str()).collect()
    }

    #[test]
    fn only_tag_and_owner_together_make_an_image_ours() {
        let snapshot = Snapshot::new(
            [
                image("ours", "us", &["mark"]),
                image("untagged", "us", &[]),
                image("others", "them", &["mark"]),
                CloudImage {
                    owner: None,
                    ..image("ownerless", "", &["mark"])
                },
            ],
            "mark",
            "us",
        );
        assert_eq!(ids(snapshot.ours()), ["ours"]);
        assert_eq!(ids(snapshot.foreign()), ["others", "ownerless", "untagged"]);
        assert_eq!(
            ids(snapshot.foreign_tagged("mark")),
            ["others", "ownerless"]
        );
        assert!(snapshot.find("others").is_none());
    }

    #[test]
    fn a_tenants_private_shared_community_or_hidden_image_is_none_of_our_business() {
        let narrowed = |id: &str, visibility, hidden| CloudImage {
            visibility,
            hidden,
            name: Some("Ubuntu 24.04".to_owned()),
            ..image(id, "them", &[])
        };
        let snapshot = Snapshot::new(
            [
                narrowed("private", Visibility::Private, false),
                narrowed("shared", Visibility::Shared, false),
                narrowed("community", Visibility::Community, false),
                narrowed("hidden", Visibility::Public, true),
                narrowed("public", Visibility::Public, false),
            ],
            "mark",
            "us",
        );
        assert_eq!(ids(snapshot.foreign_named("Ubuntu 24.04")), ["public"]);
        assert_eq!(ids(snapshot.foreign()), ["public"]);
    }

    #[test]
    fn an_image_that_was_hidden_while_the_list_was_read_counts_once_and_as_hidden() {
        let before = image("a", "us", &["mark"]);
        let after = CloudImage {
            hidden: true,
            ..before.clone()
        };
        let snapshot = Snapshot::new([before, after.clone()], "mark", "us");
        assert_eq!(snapshot.ours(), [after]);
    }

    #[test]
    fn the_elder_comes_first_and_the_id_breaks_ties() {
        let at = |id: &str, seconds| CloudImage {
            created_at: DateTime::from_timestamp(seconds, 0).unwrap(),
            ..image(id, "us", &["mark"])
        };
        let snapshot = Snapshot::new([at("b", 5), at("a", 5), at("c", 1)], "mark", "us");
        assert_eq!(ids(snapshot.ours()), ["c", "a", "b"]);
    }

    #[test]
    fn visibilities_are_ordered_by_how_many_see_the_image() {
        let words = ["private", "shared", "community", "public"];
        let parsed: Vec<_> = words
            .iter()
            .map(|word| Visibility::parse(word).unwrap())
            .collect();
        assert!(parsed.is_sorted());
        assert_eq!(
            parsed.iter().map(ToString::to_string).collect::<Vec<_>>(),
            words
        );
        assert_eq!(Visibility::parse("publik"), None);
    }

    #[test]
    fn a_status_that_we_do_not_know_is_not_taken_for_another() {
        assert_eq!(Status::parse("pending_delete"), Status::PendingDelete);
        assert_eq!(Status::parse("Active"), Status::Other);
        assert_eq!(Status::parse("unknown"), Status::Other);
    }
}
