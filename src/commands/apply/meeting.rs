//! Clouds that need the same bytes meet, so that these are fetched, unpacked and converted once.
//!
//! Whoever comes first leads: it waits for the others, but not long, and gives each its stream. Who comes later fetches for
//! itself; who does not come at all says so by dropping its ticket.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::road::Begun;
use crate::domain::attested::Verify;
use crate::domain::step::{Step, Work};

/// How long the first waits for the others, who may have boot tests of earlier images to do. A cloud that has waited so long
/// in vain is ahead of the others, and does not wait again in this run.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is the same for all who meet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    image: String,
    version: Option<String>,
    format: String,
    verify: Option<Verify>,
}

impl Key {
    /// The bytes that a step uploads; nothing if it uploads none.
    pub fn of(step: &Step) -> Option<Self> {
        match &step.work {
            Work::Upload(upload) => Some(Self {
                image: step.image.clone(),
                version: step.version.clone(),
                format: upload.format.clone(),
                verify: upload.verify,
            }),
            _ => None,
        }
    }
}

/// All meetings of a run.
#[derive(Debug, Default)]
pub struct Meetings(Mutex<BTreeMap<Key, Arc<Meeting>>>);

/// One cloud's right to the bytes of each of its uploads.
#[derive(Debug, Default)]
pub struct Tickets(BTreeMap<Key, Ticket>);

impl Meetings {
    /// Announces what a cloud will upload. All clouds do so before the first begins.
    pub fn tickets<'a>(&self, steps: impl IntoIterator<Item = &'a Step>) -> Tickets {
        let mut meetings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ahead = Arc::new(AtomicBool::new(false));
        let keys = steps.into_iter().filter_map(Key::of);
        let tickets = keys.map(|key| {
            let meeting = Arc::clone(meetings.entry(key.clone()).or_default());
            meeting.change(|state| state.expected += 1);
            let ticket = Ticket {
                meeting: Some(meeting),
                is_ahead: Arc::clone(&is_ahead),
            };
            (key, ticket)
        });
        Tickets(tickets.collect())
    }
}

impl Tickets {
    /// The ticket for a step, once. Without one there is nobody to meet.
    pub fn take(&mut self, step: &Step) -> Ticket {
        let ticket = Key::of(step).and_then(|key| self.0.remove(&key));
        ticket.unwrap_or_default()
    }
}

/// Those who need the same bytes.
#[derive(Debug, Default)]
struct Meeting {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Who has neither come nor left.
    expected: usize,
    has_leader: bool,
    has_begun: bool,
    followers: Vec<Follower>,
}

/// Where a follower waits for its stream.
type Follower = oneshot::Sender<Result<Begun, String>>;

impl Meeting {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes whoever waits for that.
    fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let done = act(&mut self.state());
        self.changed.notify_waiters();
        done
    }
}

/// A place in a meeting. Dropping it leaves.
#[derive(Debug, Default)]
pub struct Ticket {
    /// Absent: there is nobody to meet.
    meeting: Option<Arc<Meeting>>,
    /// Whether its cloud has waited in vain already.
    is_ahead: Arc<AtomicBool>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(meeting) = self.meeting.take() {
            meeting.change(|state| state.expected -= 1);
        }
    }
}

/// The part that a cloud plays.
pub enum Part {
    /// It fetches, and gives each of the others its stream.
    Leads(Vec<Follower>),
    /// It gets a stream, or why there is none.
    Follows(oneshot::Receiver<Result<Begun, String>>),
}

impl Ticket {
    /// Comes to the meeting, and waits for the others if it is the first.
    pub async fn join(mut self) -> Part {
        let Some(meeting) = self.meeting.take() else {
            return Part::Leads(Vec::new());
        };
        let follows = meeting.change(|state| {
            state.expected -= 1;
            if state.has_begun {
                return None;
            }
            if !state.has_leader {
                state.has_leader = true;
                return None;
            }
            let (follower, stream) = oneshot::channel();
            state.followers.push(follower);
            Some(stream)
        });
        if let Some(stream) = follows {
            return Part::Follows(stream);
        }
        // One that comes too late is alone, since the followers have gone with the leader.
        let all_are_here = async {
            loop {
                let changed = meeting.changed.notified();
                if meeting.state().expected == 0 {
                    return;
                }
                changed.await;
            }
        };
        // Who is not here by then fetches for itself.
        if !self.is_ahead.load(Ordering::Relaxed) {
            let waited = tokio::time::timeout(PATIENCE, all_are_here).await;
            if waited.is_err() {
                let seconds = PATIENCE.as_secs();
                tracing::debug!("other clouds that need the same did not come within {seconds} s");
            }
            self.is_ahead.store(waited.is_err(), Ordering::Relaxed);
        }
        Part::Leads(meeting.change(|state| {
            state.has_begun = true;
            std::mem::take(&mut state.followers)
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::*;
    use crate::domain::step::{Action, Upload};

    fn upload(image: &str) -> Step {
        Step {
            action: Action::Upload,
            image: image.to_owned(),
            id: None,
            version: Some("1".to_owned()),
            from: Value::Null,
            to: Value::Null,
            changes: Map::new(),
            reason: String::new(),
            work: Work::Upload(Upload {
                name: image.to_owned(),
                format: "raw".to_owned(),
                id: None,
                exists: false,
                verify: None,
                way: crate::domain::way::Way::default(),
            }),
            withdrawal: false,
        }
    }

    async fn leads(ticket: Ticket) -> Option<usize> {
        match ticket.join().await {
            Part::Leads(followers) => Some(followers.len()),
            Part::Follows(_) => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_leads_and_waits_for_the_others() {
        let meetings = Meetings::default();
        let step = upload("a");
        let mut tickets = [0; 3]
            .map(|_| meetings.tickets([&step]).take(&step))
            .into_iter();
        let mut next = || tickets.next().unwrap();
        let (first, second, third) = tokio::join!(leads(next()), leads(next()), leads(next()));
        assert_eq!((first, second, third), (Some(2), None, None));
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_is_not_waited_for_and_who_is_late_is_alone() {
        let meetings = Meetings::default();
        let step = upload("a");
        let [first, second, third] = [0; 3].map(|_| meetings.tickets([&step]).take(&step));
        let begun = tokio::time::Instant::now();
        drop(second);
        assert_eq!(leads(first).await, Some(0));
        assert_eq!(begun.elapsed(), PATIENCE, "the third has not come");
        assert_eq!(leads(third).await, Some(0));
        assert_eq!(begun.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cloud_that_is_ahead_waits_in_vain_only_once() {
        let meetings = Meetings::default();
        let steps = [upload("a"), upload("b")];
        let mut ahead = meetings.tickets(&steps);
        let mut behind = meetings.tickets(&steps);
        let begun = tokio::time::Instant::now();
        for step in &steps {
            assert_eq!(leads(ahead.take(step)).await, Some(0));
        }
        assert_eq!(begun.elapsed(), PATIENCE);
        assert_eq!(leads(behind.take(&steps[0])).await, Some(0));
        assert_eq!(begun.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn other_bytes_are_another_meeting_and_a_ticket_is_for_once() {
        let meetings = Meetings::default();
        let steps = [upload("a"), upload("b")];
        let mut mine = meetings.tickets(&steps);
        let begun = tokio::time::Instant::now();
        assert_eq!(leads(mine.take(&steps[0])).await, Some(0));
        assert_eq!(leads(mine.take(&steps[0])).await, Some(0));
        assert_eq!(leads(mine.take(&steps[1])).await, Some(0));
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
