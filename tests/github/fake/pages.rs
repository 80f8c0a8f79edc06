//! Lists in pages, with the Link header that leads on.

use super::request::Request;
use super::shapes::number_of;
use super::world::World;

#[derive(Debug)]
pub struct Page {
    pub number: usize,
    size: usize,
}

impl Page {
    /// What a request asks for.
    pub fn of(request: &Request, usual: usize, most: usize) -> Self {
        let given = |name: &str| {
            request
                .parameter(name)
                .and_then(|text| text.parse::<usize>().ok())
        };
        Self {
            number: given("page").unwrap_or(1).max(1),
            size: given("per_page").unwrap_or(usual).clamp(1, most),
        }
    }

    pub fn cut<'a, T>(&self, items: &'a [T]) -> &'a [T] {
        let begin = ((self.number - 1) * self.size).min(items.len());
        &items[begin..(begin + self.size).min(items.len())]
    }
}

/// The Link header; nothing if all is on one page.
pub fn link(world: &World, request: &Request, page: &Page, count: usize) -> Option<String> {
    let last = count.div_ceil(page.size).max(1);
    if last == 1 && page.number == 1 {
        return None;
    }
    let own = format!("/repos/{}", world.full_name());
    let path = match request.path.strip_prefix(&own) {
        Some(rest) if world.settings.links_by_number => {
            format!("/repositories/{}{rest}", number_of(&world.full_name()))
        }
        _ => request.path.clone(),
    };
    let address = |number: usize| {
        let mut url = url::Url::parse(&world.url).expect("an address");
        // An Enterprise Server's API lies below a path.
        let below = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{below}{path}"));
        let mut query = request.query.clone();
        query.insert("page".to_owned(), number.to_string());
        url.query_pairs_mut().extend_pairs(&query);
        url
    };
    let mut links = Vec::new();
    if page.number > 1 {
        links.push(format!("<{}>; rel=\"prev\"", address(page.number - 1)));
    }
    if page.number < last {
        links.push(format!("<{}>; rel=\"next\"", address(page.number + 1)));
        links.push(format!("<{}>; rel=\"last\"", address(last)));
    }
    if page.number > 1 {
        links.push(format!("<{}>; rel=\"first\"", address(1)));
    }
    Some(links.join(", "))
}
