//! What a person can do about a refusal of Glance.

use reqwest::{Method, StatusCode};

use super::answer::Answer;
use super::call::Call;

/// What can be done about a refused call, as far as its status tells; `file` describes the cloud.
pub fn remedy(call: &Call, answer: &Answer, file: &str) -> String {
    let known = match answer.status {
        StatusCode::UNAUTHORIZED => {
            return format!(
                "the token is new, so check that `auth_url` and the image endpoint in {file} are of one cloud"
            );
        }
        status if status.is_redirection() => {
            return format!(
                "a redirect is not followed, as the token would go along: set the image endpoint in {file}"
            );
        }
        StatusCode::FORBIDDEN if call.doing.starts_with("publish") => {
            "publishing needs the role admin (Glance's policy `publicize_image`): log in as one, or use \
             `visibility: community`"
        }
        StatusCode::FORBIDDEN if is_import(call) && call.doing.ends_with("`copy-image`") => {
            "copying into further stores needs the role admin (Glance's policy `copy_image`): log in as one, or name one \
             store only"
        }
        StatusCode::FORBIDDEN if call.method == Method::DELETE => {
            "it is protected, or its deletion is not for this user: remove the protection, or log in as its owner"
        }
        StatusCode::CONFLICT if call.method == Method::POST && is_list(call) => {
            "the ID of an image is never free again, not even of a deleted one: choose a new `id`"
        }
        StatusCode::CONFLICT if call.method == Method::DELETE => {
            "its store says that something still hangs on its data, so it stays as it was: delete those volumes or \
             snapshots, then run again"
        }
        StatusCode::BAD_REQUEST if is_import(call) => {
            "if it speaks of filtering, the cloud's operator allows other hosts, ports or schemes to be fetched from \
             (`import_filtering_opts`): have this one allowed, or use `transfer.method: upload`"
        }
        StatusCode::CONFLICT if is_import(call) => {
            "another import works on the image, or one that failed has left its lock: run again when it has ended, or \
             delete the image"
        }
        StatusCode::PAYLOAD_TOO_LARGE if is_data(call) || is_import(call) => {
            "the store is full, or the image is above a quota of the project or a limit of this cloud: make room or \
             have the limit raised, then run again"
        }
        StatusCode::PAYLOAD_TOO_LARGE => {
            "a limit of this cloud (number of images, tags or properties) is reached: delete some, or have it raised"
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::INSUFFICIENT_STORAGE if is_data(call) => {
            "the store takes no data, since it is full or may not be written: tell the cloud's operator, then run again"
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE if is_data(call) => {
            "the data is not what `disk_format` says"
        }
        status if status.is_server_error() => {
            let id = answer.request_id();
            return id.map_or_else(String::new, |id| {
                format!(
                    "its log knows more of request `{}`",
                    id.replace(['`', ' '], "")
                )
            });
        }
        _ => "",
    };
    known.to_owned()
}

/// Whether it is about the list of images: a creation, where it is a POST.
fn is_list(call: &Call) -> bool {
    call.url.path().ends_with("/images")
}

/// Whether it asks for an import.
fn is_import(call: &Call) -> bool {
    call.method == Method::POST && call.url.path().ends_with("/import")
}

/// Whether it sends the bytes of an image.
fn is_data(call: &Call) -> bool {
    let path = call.url.path();
    call.method == Method::PUT && (path.ends_with("/file") || path.ends_with("/stage"))
}
