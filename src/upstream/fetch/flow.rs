//! An image as it comes: from one place after the other, from where the last one broke off.
//!
//! Whoever takes it sees bytes, or one error when nobody can go on. That the bytes are the right ones is proven by
//! whoever takes them.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use super::client::{Client, Way};
use super::part::{Begin, Point};
use super::place::{Body, Place};
use super::served::Served;
use super::{FetchError, retried, retry};

/// What an image must have moved on by whenever it was waited for as long as its window: a drop now and then would keep
/// a run alive for years. As much makes up for all tries that went before; of a small image, this part of it.
pub(super) const LEAST: u64 = 4 << 20;
const LEAST_PART: u64 = 16;

/// Tries to go on at one place, of which none moved on by [`LEAST`].
const MOST_TRIES: u32 = 8;

/// The same, while another place waits.
const MOST_TRIES_OF_SEVERAL: u32 = 3;

/// How often a place may begin anew, with all that is there already, since it knows no ranges.
const MOST_ANEW: u32 = 3;

/// An image on its way.
pub(super) struct Flow {
    client: Client,
    limit: u64,
    places: Vec<Place>,
    /// The place that is asked, by its index.
    at: usize,
    point: Point,
    body: Body,
    /// What is left to pass over, since the taker has it.
    skip: u64,
    /// Where this body ends, if that was said.
    upto: Option<u64>,
    window: Window,
    /// At this place since `tried_at`.
    tries: u32,
    tried_at: u64,
    anew: u32,
    /// What all repairs have taken.
    repairs: Duration,
    /// Which places were left, and why.
    left: Vec<(usize, FetchError)>,
    /// Whether a place is asked for the second time, as there was no other any more.
    returned: bool,
    served: Served,
}

/// How much came, and how long was waited for it; the time that the taker needs does not count.
#[derive(Default)]
struct Window {
    waited: Duration,
    came: u64,
}

impl Flow {
    /// Asks one place after the other until one begins. Fails with [`FetchError`], which tells of each of them.
    pub async fn begin(client: Client, places: Vec<Place>, limit: u64) -> Result<Self, FetchError> {
        let point = Point::default();
        let mut left = Vec::new();
        for (at, place) in places.iter().enumerate() {
            let mut way = Way::new(client.times.image_stall, client.times.image_begin);
            let opened =
                retried(&mut way, async |way| place.open(&client, &point, way).await).await;
            let opened = opened.and_then(|opened| match opened.1.size {
                Some(size) if size > limit => Err(FetchError::TooLarge {
                    url: place.shown(),
                    limit,
                }),
                _ => Ok(opened),
            });
            match opened {
                Ok((body, begin)) => {
                    let served = Served::default();
                    served.begun(at, place.shown());
                    let mut flow = Self {
                        client,
                        limit,
                        places,
                        at,
                        point,
                        body,
                        skip: 0,
                        upto: None,
                        window: Window::default(),
                        tries: 0,
                        tried_at: 0,
                        anew: 0,
                        repairs: Duration::ZERO,
                        left,
                        returned: false,
                        served,
                    };
                    flow.stand(begin);
                    return Ok(flow);
                }
                Err(error) => {
                    if let Some(next) = places.get(at + 1) {
                        tracing::warn!("{}; trying {}", error.happening(), named(next));
                    }
                    left.push((at, error));
                }
            }
        }
        let reasons = left.into_iter().map(|(_, error)| error);
        Err(nowhere(reasons.collect()).unwrap_or(FetchError::NoPlace))
    }

    /// How many bytes there are, if somebody said so.
    pub fn size(&self) -> Option<u64> {
        self.point.size
    }

    pub fn served(&self) -> Served {
        self.served.clone()
    }

    /// The next piece; nothing at the end. Fails with [`FetchError`] when no place can go on.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            match self.piece().await {
                Ok(Some(piece)) => {
                    let piece = self.kept(piece)?;
                    if !piece.is_empty() {
                        return Ok(Some(piece));
                    }
                }
                Ok(None) if self.is_whole() => return Ok(None),
                Ok(None) => {
                    let error = FetchError::Cut {
                        url: self.place().shown(),
                        reason: "it ended too early".to_owned(),
                    };
                    self.go_on(error).await?;
                }
                Err(error) => self.go_on(error).await?,
            }
        }
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, FetchError> {
        let times = self.client.times;
        let begin = Instant::now();
        let Ok(piece) = timeout(times.image_stall, self.body.piece()).await else {
            return Err(FetchError::TooSlow {
                url: self.place().shown(),
                seconds: times.image_stall.as_secs(),
            });
        };
        let piece = piece?;
        self.window.came += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        self.window.waited += begin.elapsed();
        if piece.is_some() && self.window.waited >= times.image_window {
            if self.window.came < LEAST {
                return Err(FetchError::Trickles {
                    url: self.place().shown(),
                    least: LEAST,
                    seconds: times.image_window.as_secs(),
                });
            }
            self.window = Window::default();
        }
        Ok(piece)
    }

    /// What of a piece is new. More than was said is no part of the image. Fails above the limit.
    fn kept(&mut self, mut piece: Bytes) -> Result<Bytes, FetchError> {
        let length = piece.len() as u64;
        let passed = length.min(self.skip);
        self.skip -= passed;
        let room = self
            .upto
            .map_or(length, |upto| upto.saturating_sub(self.point.received));
        // Both are no more than the length of the piece.
        let passed = usize::try_from(passed).unwrap_or(piece.len());
        let mut new = piece.split_off(passed);
        new.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        self.point.received += new.len() as u64;
        if self.point.received > self.limit {
            return Err(FetchError::TooLarge {
                url: self.place().shown(),
                limit: self.limit,
            });
        }
        self.served.gave(new.len() as u64);
        Ok(new)
    }

    /// Whether the end of a body is the end of the image.
    fn is_whole(&self) -> bool {
        let end = self.point.size.or(self.upto);
        self.skip == 0 && end.is_none_or(|end| self.point.received >= end)
    }

    fn place(&self) -> &Place {
        &self.places[self.at]
    }

    /// Takes over what an answer said.
    fn stand(&mut self, begin: Begin) {
        self.skip = begin.skip;
        self.upto = begin.upto;
        self.point.size = self.point.size.or(begin.size);
        self.point.identity = Some(begin.identity);
        self.window = Window::default();
    }

    /// Goes on where the image stands: at this place, else at the next. Fails with [`FetchError`] if there is none.
    async fn go_on(&mut self, cause: FetchError) -> Result<(), FetchError> {
        let least = self
            .point
            .size
            .map_or(LEAST, |size| LEAST.min(size / LEAST_PART));
        if self.point.received - self.tried_at >= least.max(1) {
            self.tries = 0;
            self.tried_at = self.point.received;
        }
        let mut error = cause.clone();
        loop {
            let begin = Instant::now();
            match self.pause(&error) {
                Some(pause) => {
                    tracing::info!(
                        "{} ({}); going on from there in {} s",
                        error.happening(),
                        self.reached(),
                        pause.as_secs_f32().ceil()
                    );
                    tokio::time::sleep(pause).await;
                    self.tries += 1;
                }
                None => self.leave(error, &cause)?,
            }
            let opened = self.reopened().await;
            self.repairs += begin.elapsed();
            match opened {
                Ok(()) => return Ok(()),
                Err(again) => error = again,
            }
        }
    }

    /// How long to wait before the next try at this place; nothing, if it is to be left.
    fn pause(&self, error: &FetchError) -> Option<Duration> {
        let times = self.client.times;
        let most = if self.other().is_some() {
            MOST_TRIES_OF_SEVERAL
        } else {
            MOST_TRIES
        };
        let left = times.image_repairs.saturating_sub(self.repairs);
        retry::pause_within(error, self.tries, times.image_pause)
            .filter(|pause| self.tries < most && *pause < left)
    }

    /// The place that is asked when this one is left: the next one; after the last one, once, the last of those that may
    /// have recovered.
    fn other(&self) -> Option<usize> {
        if self.returned {
            return None;
        }
        let next = self.at + 1;
        let may_recover = |error| retry::pause_within(error, 0, Duration::ZERO).is_some();
        (next < self.places.len()).then_some(next).or_else(|| {
            let mut left = self.left.iter().rev();
            let found = left.find(|(_, error)| may_recover(error));
            found.map(|(at, _)| *at)
        })
    }

    /// Turns to another place. Fails with [`FetchError`] if there is none.
    fn leave(&mut self, error: FetchError, cause: &FetchError) -> Result<(), FetchError> {
        let Some(other) = self.other() else {
            let Point { received, size, .. } = self.point;
            self.left.retain(|(at, _)| *at != self.at);
            if self.left.is_empty() {
                return Err(error.in_the_middle(cause, received, size));
            }
            self.left.push((self.at, error));
            self.left.sort_by_key(|(at, _)| *at);
            let left = std::mem::take(&mut self.left).into_iter();
            return Err(FetchError::Nowhere {
                at: received,
                size,
                reasons: left.map(|(_, error)| error).collect(),
            });
        };
        tracing::warn!(
            "{} ({}); going on from there at {}",
            error.happening(),
            self.reached(),
            named(&self.places[other])
        );
        self.left.push((self.at, error));
        self.returned = other < self.at;
        self.at = other;
        self.point.identity = None;
        self.tries = 0;
        self.tried_at = self.point.received;
        self.anew = 0;
        Ok(())
    }

    async fn reopened(&mut self) -> Result<(), FetchError> {
        let times = self.client.times;
        let mut way = Way::new(times.image_stall, times.image_begin);
        let place = &self.places[self.at];
        let (body, begin) = place.open(&self.client, &self.point, &mut way).await?;
        if begin.skip > 0 {
            self.anew += 1;
            if self.anew > MOST_ANEW {
                return Err(FetchError::Odd {
                    url: place.shown(),
                    found: "all of the image again and again".to_owned(),
                    expected: format!("the bytes from {} on", self.point.received),
                });
            }
        }
        self.body = body;
        self.served.begun(self.at, place.shown());
        self.stand(begin);
        Ok(())
    }

    fn reached(&self) -> String {
        match self.point.size {
            Some(size) => format!("{} of {size} bytes are there", self.point.received),
            None => format!("{} bytes are there", self.point.received),
        }
    }
}

fn named(place: &Place) -> String {
    format!("`{}`", place.shown())
}

/// Why nobody begins; nothing, if nobody was asked.
fn nowhere(mut reasons: Vec<FetchError>) -> Option<FetchError> {
    if reasons.len() > 1 {
        return Some(FetchError::Nowhere {
            at: 0,
            size: None,
            reasons,
        });
    }
    reasons.pop()
}
