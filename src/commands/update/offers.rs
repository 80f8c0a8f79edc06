//! New versions as reviewers get to see them: with what their upstreams tell of them beside the digest.

use futures_util::future::{join, join_all};

use super::Found;
use super::report::Image;
use crate::domain::proposal::Offer;
use crate::upstream::Upstream;

/// The new versions of a run, in the order of the definitions; nothing is asked for them.
pub(super) fn offers(upstream: &Upstream, found: &Found<'_>) -> Vec<Offer> {
    let offer = |image: &Image<'_>| {
        let tracked = upstream.tracked(image.definition).ok()??;
        let mut offer = image.offer(tracked.source)?;
        // What is said of its line of releases is of interest too: an end that comes near.
        let lines = found.lines.iter();
        let of_image = lines.filter(|one| one.image.as_ref() == Some(&offer.image));
        offer.findings.extend(of_image.cloned());
        Some(offer)
    };
    found.images.iter().filter_map(offer).collect()
}

/// The same offers with what their upstreams tell of size and content. What they do not tell is left out.
pub(super) async fn told(upstream: &Upstream, found: &Found<'_>, offers: Vec<Offer>) -> Vec<Offer> {
    let told = offers.into_iter().map(|offer| tell(upstream, found, offer));
    join_all(told).await
}

async fn tell(upstream: &Upstream, found: &Found<'_>, mut offer: Offer) -> Offer {
    let image = found
        .images
        .iter()
        .find(|image| image.definition.name == offer.image);
    let asked = image.and_then(|image| {
        let tracked = upstream.tracked(image.definition).ok()??;
        Some((tracked, image.candidate()?, image.newest_url()))
    });
    let Some((tracked, candidate, from)) = asked else {
        return offer;
    };
    let contents = async { upstream.contents(&tracked, from?, candidate).await };
    (offer.size, offer.contents) = join(upstream.size_of(candidate), contents).await;
    offer.links = upstream.links(&tracked, candidate);
    offer
}
